/**
 * The protocol as it is, in every climate: a sample of what `npm run test:sim` runs for a million steps. The same seed is the same run:
 * `SIM_SEED=7 npx jest test/simulation/simulation`.
 */

import { afterAll, describe, expect, test } from '@jest/globals';
import { climateNames } from './climate.ts';
import { addTally, emptyTally, tallyLine } from './tally.ts';
import { World } from './world.ts';

const SEED = Number(process.env['SIM_SEED'] ?? '1');
/** Of each of the 18 worlds. */
const STEPS = 5_600;

const worlds = ([1, 2, 3] as const).flatMap((nodes) => climateNames.map((climate) => [climate, nodes] as const));
const all = emptyTally();

describe('no Check that starts after a confirmed revocation is allowed by what it ended', () => {
  test.each(worlds)('%s climate, data nodes: %d', async (climate, nodes) => {
    const tally = await new World({ seed: SEED, nodes, climate }).run(STEPS);
    addTally(all, tally);
    expect(tally.violation).toBeUndefined();
    expect(tally.steps).toBe(STEPS);
  });

  test('the worlds are alive: what is not ended is allowed, revocations come to an end, fast or slow, or say that they do not', () => {
    expect(all.allowed).toBeGreaterThan(all.steps / 200);
    expect(all.checkedDead).toBeGreaterThan(all.steps / 100);
    expect(all.fast).toBeGreaterThan(worlds.length);
    expect(all.confirmed).toBeGreaterThan(all.fast);
    expect(all.notConfirmed).toBeGreaterThan(worlds.length / 2);
  });
});

afterAll(() => {
  process.stdout.write(`seed ${SEED}: ${tallyLine(all)}\n`);
});
