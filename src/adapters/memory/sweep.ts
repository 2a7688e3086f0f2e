/** Finds expired entries of a map without a timer: each write looks at a few, so that all are looked at again and again. */

import type { EpochSeconds } from '../../core/units.ts';

/** More than one per entry added, so the sweep gains on the additions. */
const ENTRIES_PER_STEP = 4;

/**
 * A function that returns the keys of some expired entries, to be deleted by the caller; of all of them where `isThorough`. A map's
 * iterator goes on through deletions and additions, so the place where it stands is all there is to remember.
 */
export function sweepStep<Key, Value>(
  entries: ReadonlyMap<Key, Value>,
  expiresAtOf: (value: Value) => number,
): (now: EpochSeconds, isThorough: boolean) => readonly Key[] {
  let position = entries.entries();
  return (now, isThorough) => {
    const expired: Key[] = [];
    if (isThorough) position = entries.entries();
    const stepsMax = isThorough ? entries.size : ENTRIES_PER_STEP;
    for (let step = 0; step < stepsMax; step += 1) {
      const next = position.next();
      if (next.done === true) {
        position = entries.entries();
        break;
      }
      const [key, value] = next.value;
      if (now >= expiresAtOf(value)) expired.push(key);
    }
    return expired;
  };
}
