/** A process killed and one paused, for moments; `npm run test:faults` has them under more load. */

import { afterAll, beforeAll, test } from '@jest/globals';

import { SHORT } from '../plays/play.ts';
import { processKilled, processPaused } from '../plays/processes.ts';
import { openScene } from '../scene.ts';
import type { Scene } from '../scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ direct: true });
});
afterAll(() => scene.close());

test('kill -9 of one process under load', () => processKilled({ ...SHORT, scene }));
test('a process paused across revocations', () => processPaused({ ...SHORT, scene }));
