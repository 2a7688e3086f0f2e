/** Refreshes in every climate: what a refresh writes back after a revocation was confirmed is not allowed, and nothing older is judged by. */

import { afterAll, describe, expect, test } from '@jest/globals';
import { climateNames } from './climate.ts';
import { addTally, emptyTally, tallyLine } from './tally.ts';
import { World } from './world.ts';

const SEED = Number(process.env['SIM_SEED'] ?? '1');
/** Of each of the 18 worlds. */
const STEPS = 4_000;

const worlds = ([1, 2, 3] as const).flatMap((nodes) => climateNames.map((climate) => [climate, nodes] as const));
const all = emptyTally();

describe('no Check is allowed by a session that was ended before it started, and refreshed meanwhile', () => {
  test.each(worlds)('%s climate, data nodes: %d', async (climate, nodes) => {
    const tally = await new World({ seed: SEED, nodes, climate, hasRefreshes: true }).run(STEPS);
    addTally(all, tally);
    expect(tally.violation).toBeUndefined();
  });

  test('the worlds are alive: sessions are written back, or refused to be, and allowed as refreshed', () => {
    expect(all.refreshesWritten).toBeGreaterThan(worlds.length);
    expect(all.refreshesRefused).toBeGreaterThan(0);
    expect(all.refreshedRead).toBeGreaterThan(all.steps / 500);
  });
});

afterAll(() => {
  process.stdout.write(`seed ${SEED}: ${tallyLine(all)}\n`);
});
