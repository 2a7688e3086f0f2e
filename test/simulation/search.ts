/** Looks for a mistake in one world after the other, until what must never be has happened. */

import type { Parts } from './parts.ts';
import { World, type Scene } from './world.ts';

export type Found = {
  readonly violation: string | undefined;
  /** Of the world that was looked at last. */
  readonly seed: number;
  /** In all worlds. */
  readonly steps: number;
};

/** `first`: the world that is looked at first; the others have the seeds after it. */
export async function search(
  first: Scene,
  changed: Partial<Parts>,
  { worlds, stepsOfEach }: { readonly worlds: number; readonly stepsOfEach: number },
): Promise<Found> {
  let steps = 0;
  for (let seed = first.seed; ; seed += 1) {
    const tally = await new World({ ...first, seed }, changed).run(stepsOfEach);
    steps += tally.steps;
    if (tally.violation !== undefined || seed === first.seed + worlds - 1)
      return { violation: tally.violation, seed, steps };
  }
}
