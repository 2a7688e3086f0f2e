/** The machine's clocks, behind the Clock port. */

import type { Clock } from '../../core/ports.ts';
import { epochSeconds } from '../../core/units.ts';

/** Wall-clock time in milliseconds' resolution, and a monotonic clock that starts near 0 with the process. */
export const systemClock: Clock = {
  now: () => epochSeconds(Date.now() / 1000),
  monotonicMs: () => performance.now(),
};
