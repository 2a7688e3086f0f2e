/** The test of the test, whole: worlds are tried until each mistake that the protocol is made to avoid is found. Prints where. */

import { expect, test } from '@jest/globals';
import { mutations } from '../mutations.ts';
import { search } from '../search.ts';

const BOUNDS = { worlds: 40, stepsOfEach: 25_000 };

const searched = mutations.flatMap(({ name, search: first, changed }) =>
  first === undefined ? [] : [[name, first, changed] as const],
);

test.each(searched)(
  'a protocol with %s is found out',
  async (name, first, changed) => {
    const { violation, seed, steps } = await search(first, changed, BOUNDS);
    process.stdout.write(`${name}: seed ${seed}, after ${steps} steps: ${violation ?? 'nothing found'}\n`);
    expect(violation).toMatch(/was (allowed|judged by)/);
  },
  600_000,
);
