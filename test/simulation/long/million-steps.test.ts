/**
 * `npm run test:sim`: a million steps over many seeds, in every climate, with 1 to 3 data nodes, by turns with facts of
 * users and with refreshes. SIM_SEED is the first seed.
 */

import { afterAll, expect, test } from '@jest/globals';
import { climateNames } from '../climate.ts';
import { addTally, emptyTally, tallyLine } from '../tally.ts';
import { World } from '../world.ts';

const FIRST_SEED = Number(process.env['SIM_SEED'] ?? '1000');
const STEPS = 1_000_000;
const STEPS_PER_WORLD = 14_000;

const all = emptyTally();
const seeds: number[] = [];
const startedMs = performance.now();

test('in a million steps nothing is allowed that a confirmed revocation has ended, or that something newer has replaced', async () => {
  for (let seed = FIRST_SEED; all.steps < STEPS; seed += 1) {
    seeds.push(seed);
    for (const nodes of [1, 2, 3]) {
      for (const climate of climateNames) {
        const scene = { seed, nodes, climate, hasFacts: seed % 2 === 0, hasRefreshes: seed % 2 === 1 };
        const tally = await new World(scene).run(STEPS_PER_WORLD);
        addTally(all, tally);
        expect({ seed, nodes, climate, violation: tally.violation }).toEqual({ seed, nodes, climate });
      }
    }
  }
}, 600_000);

test('in them what is not ended was allowed, revocations came to an end, and every kind of fault has happened', () => {
  // A flush of everything is so rare that a run may do without.
  const { faults, violation, ...counts } = all;
  expect(violation).toBeUndefined();
  const never = Object.entries({ ...counts, ...faults }).filter(([, count]) => count === 0);
  expect(never.filter(([name]) => name !== 'flushes')).toEqual([]);
});

afterAll(() => {
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  process.stdout.write(`seeds ${seeds.join(' ')}, ${seconds} s: ${tallyLine(all)}\n`);
});
