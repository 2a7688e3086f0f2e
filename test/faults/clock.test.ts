/** Steps of the wall clock of one process, and what becomes of a session's end. */

import { afterAll, beforeAll, test } from '@jest/globals';

import { clockSteps, expiryAndSteps, openClockScene, STEPS } from './plays/clock.ts';
import type { ClockScene } from './plays/clock.ts';
import { LONG } from './plays/play.ts';

let clock: ClockScene;
beforeAll(async () => {
  clock = await openClockScene();
});
afterAll(() => clock.close());

test.each(STEPS)('a step of %s', (name, seconds) =>
  clockSteps({ ...LONG, scene: clock.scene }, clock, [name, seconds] as (typeof STEPS)[number]),
);
test(
  'a session that is over elsewhere is over at a process whose clock went back',
  () => expiryAndSteps(clock),
  180_000,
);
