/** The timers of Node, behind the interface of core. */

import type { Timers } from '../../core/timers.ts';

export const systemTimers: Timers = {
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};
