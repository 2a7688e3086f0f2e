/** Drives steps without keeping the process from its other work: after a few milliseconds the event loop has its turn. */

import type { Steps } from '../core/steps.ts';

/** A Check that arrives meanwhile waits no longer than this (and one step, which is short). */
const SLICE_MS = 4;

/** `now`: monotonic, milliseconds. */
export async function runInSlices<T>(steps: Steps<T>, now: () => number = () => performance.now()): Promise<T> {
  for (;;) {
    const endsAt = now() + SLICE_MS;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (now() < endsAt);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
