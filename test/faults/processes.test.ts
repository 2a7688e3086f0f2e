/** A process killed and one paused, three times each. */

import { afterAll, beforeAll, test } from '@jest/globals';

import { LONG } from './plays/play.ts';
import { processKilled, processPaused } from './plays/processes.ts';
import { openScene } from './scene.ts';
import type { Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ direct: true });
});
afterAll(() => scene.close());

test.each([1, 2, 3])('kill -9 of one process under load, run %i', () => processKilled({ ...LONG, scene }));
test.each([1, 2, 3])('a process paused across revocations, run %i', () => processPaused({ ...LONG, scene }));
