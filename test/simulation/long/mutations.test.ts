/** The test of the test, whole: worlds are tried until each mistake that the protocol is made to avoid is found. Prints where. */

import { describe, expect, test } from '@jest/globals';
import { mutations } from '../mutations.ts';
import { World } from '../world.ts';

/** Worlds that a mistake is looked for in. */
const SEEDS = 40;
const STEPS = 25_000;

describe('a protocol with one mistake is found out', () => {
  test.each(mutations.map((mutation) => [mutation.name, mutation] as const))(
    '%s',
    async (name, { changed, seed: first, ...scene }) => {
      let steps = 0;
      for (let seed = first; seed < first + SEEDS; seed += 1) {
        const { violation, ...tally } = await new World({ ...scene, seed }, changed).run(STEPS);
        steps += tally.steps;
        if (violation === undefined) continue;
        process.stdout.write(`${name}: seed ${seed}, after ${steps} steps: ${violation}\n`);
        return;
      }
      expect(`${name} was not found in ${steps} steps`).toBe('found');
    },
    600_000,
  );
});
