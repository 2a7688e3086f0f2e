/** A thousand revocations of sessions that both processes have at hand. */

import { afterAll, beforeAll, test } from '@jest/globals';

import { revokes } from '../plays/revokes.ts';
import { openScene } from '../scene.ts';
import type { Scene } from '../scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ direct: true });
});
afterAll(() => scene.close());

test('1,000 revokes: no request that is sent after one has returned is let in', () => revokes(scene, 1000));
