/**
 * The protocol as it is, in every climate: a bounded run of what `npm run test:sim` runs for a million steps. The same seed is the same run:
 * `SIM_SEED=7 npx jest test/simulation`.
 */

import { afterAll, describe, expect, test } from '@jest/globals';
import { climateNames } from './climate.ts';
import { World, type Tally } from './world.ts';

const SEED = Number(process.env['SIM_SEED'] ?? '1');
/** Of each world. */
const STEPS = Number(process.env['SIM_STEPS'] ?? '8000');

const worlds = ([1, 2, 3] as const).flatMap((nodes) => climateNames.map((climate) => [climate, nodes] as const));
const all = { steps: 0, virtualSeconds: 0, allowed: 0, checkedDead: 0, confirmed: 0, fast: 0, notConfirmed: 0 };

function count(tally: Tally): void {
  for (const name of Object.keys(all) as (keyof typeof all)[]) all[name] += tally[name];
}

describe('no Check that starts after a confirmed revocation is allowed by what it ended', () => {
  test.each(worlds)(
    '%s climate, data nodes: %d',
    async (climate, nodes) => {
      const { violation, ...tally } = await new World({ seed: SEED, nodes, climate }).run(STEPS);
      count({ ...tally, violation });
      expect(violation).toBeUndefined();
      expect(tally.steps).toBe(STEPS);
    },
    600_000,
  );

  test('the worlds are alive: what is not ended is allowed, revocations come to an end, fast or slow, or say that they do not', () => {
    expect(all.allowed).toBeGreaterThan(all.steps / 200);
    expect(all.checkedDead).toBeGreaterThan(all.steps / 100);
    expect(all.fast).toBeGreaterThan(worlds.length);
    expect(all.confirmed - all.fast).toBeGreaterThan(worlds.length / 2);
    expect(all.notConfirmed).toBeGreaterThan(worlds.length);
  });
});

afterAll(() => {
  process.stdout.write(`seed ${SEED}: ${JSON.stringify({ ...all, virtualSeconds: Math.round(all.virtualSeconds) })}\n`);
});
