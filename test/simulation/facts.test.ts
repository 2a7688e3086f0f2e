/** Facts of users in every climate, and with the mistakes that concern them: the first must hold, the others must be found. */

import { afterAll, describe, expect, test } from '@jest/globals';
import type { Invalidation } from '../../src/core/revocation/invalidation.ts';
import { Replica } from '../../src/core/revocation/replica.ts';
import type { UserFact } from '../../src/core/signals/user-fact.ts';
import { climateNames } from './climate.ts';
import { addTally, emptyTally, tallyLine } from './tally.ts';
import type { Parts } from './parts.ts';
import { World } from './world.ts';

type Facts = readonly UserFact[];

const SEED = Number(process.env['SIM_SEED'] ?? '1');
/** Of each of the 18 worlds. */
const STEPS = 4_000;
const MUTANT_STEPS = 40_000;

const worlds = ([1, 2, 3] as const).flatMap((nodes) => climateNames.map((climate) => [climate, nodes] as const));
const all = emptyTally();

describe('no Check that starts after a fact was confirmed is decided by what was known before it', () => {
  test.each(worlds)('%s climate, data nodes: %d', async (climate, nodes) => {
    const tally = await new World({ seed: SEED, nodes, climate, hasFacts: true }).run(STEPS);
    addTally(all, tally);
    expect(tally.violation).toBeUndefined();
  });

  test('the worlds are alive: facts are confirmed or not, and asked for after that', () => {
    expect(all.factsConfirmed).toBeGreaterThan(worlds.length);
    expect(all.factsNotConfirmed).toBeGreaterThan(0);
    expect(all.factsDue).toBeGreaterThan(all.steps / 200);
  });
});

class RacingFill extends Replica<Facts> {
  protected override isPoisoned(): boolean {
    return false;
  }
}

class KeepsAll extends Replica<Facts> {
  protected override apply(entry: Invalidation): void {
    super.apply({ seq: entry.seq, kind: 'fact', key: 'nothing' });
  }
}

class NoLease extends Replica<Facts> {
  override holds(): boolean {
    return true;
  }
}

const mutants: readonly (readonly [string, Parts['factsAtHand']])[] = [
  ['RACING_FILL', (...given) => new RacingFill(...given)],
  ['KEEPS_ALL', (...given) => new KeepsAll(...given)],
  ['NO_LEASE', (...given) => new NoLease(...given)],
];

test.each(mutants)('the mistake %s is found', async (_, factsAtHand) => {
  const found: string[] = [];
  for (const climate of ['slow', 'temperate', 'frozen'] as const) {
    if (found.length > 0) break;
    const world = new World({ seed: SEED, nodes: 1, climate, hasFacts: true }, { factsAtHand });
    const { violation } = await world.run(MUTANT_STEPS);
    if (violation !== undefined) found.push(violation);
  }
  expect(found).toEqual([expect.stringContaining('was judged by')]);
});

afterAll(() => {
  process.stdout.write(`seed ${SEED}: ${tallyLine(all)}\n`);
});
