/** Steps of the wall clock of one process, for moments. */

import { afterAll, beforeAll, test } from '@jest/globals';

import { clockSteps, openClockScene, STEPS } from '../plays/clock.ts';
import type { ClockScene } from '../plays/clock.ts';
import { SHORT } from '../plays/play.ts';

let clock: ClockScene;
beforeAll(async () => {
  clock = await openClockScene();
});
afterAll(() => clock.close());

test.each(STEPS)('a step of %s', (name, seconds) =>
  clockSteps({ ...SHORT, faultMs: 1500, scene: clock.scene }, clock, [name, seconds] as (typeof STEPS)[number]),
);
