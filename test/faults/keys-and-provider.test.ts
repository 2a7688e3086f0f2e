/** Rotation, two stored forms, and the provider's faults, each for longer and under more load. */

import { afterAll, beforeAll, test } from '@jest/globals';

import { keysRotated, twoFormats } from './plays/keys.ts';
import { LONG } from './plays/play.ts';
import { providerOutage, PROVIDER_OUTAGES } from './plays/provider.ts';
import { openScene } from './scene.ts';
import type { Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ direct: true });
});
afterAll(() => scene.close());

test.each(PROVIDER_OUTAGES)('the provider $name', (outage) => providerOutage({ ...LONG, scene }, outage));
test('rotation of the cookie and signing keys', () => keysRotated({ ...LONG, scene }), 180_000);
test('two versions of the stored form', () => twoFormats({ ...LONG, scene }));
