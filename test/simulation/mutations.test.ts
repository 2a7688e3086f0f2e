/**
 * The test of the test: the simulation finds mistakes that the protocol is made to avoid. Here those that a known world shows within a few
 * thousand steps; `npm run test:sim` looks for all of them, in worlds that nobody chose.
 */

import { expect, test } from '@jest/globals';
import { changeOf, mutations } from './mutations.ts';
import { plays } from './plays/revocation-plays.ts';
import { search } from './search.ts';
import type { Scene } from './world.ts';

/** Where a mistake shows within a few thousand steps. A change of the code under test may move it to another seed, which then takes a search. */
const shownIn: Readonly<Record<string, Scene>> = {
  LEASE_FROM_REPLY: { climate: 'temperate', nodes: 2, seed: 3 },
  TIMER: { climate: 'temperate', nodes: 1, seed: 47 },
  ACK_BEFORE_APPLY: { climate: 'temperate', nodes: 1, seed: 6 },
  UNCONDITIONAL: { climate: 'temperate', nodes: 2, seed: 1 },
  RACING_FILL: { climate: 'interrupted', nodes: 1, seed: 35 },
  RESET_NO_FLUSH: { climate: 'slow', nodes: 1, seed: 6 },
  RESET_NO_POISON: { climate: 'slow', nodes: 2, seed: 35 },
  JOIN_BLIND: { climate: 'temperate', nodes: 1, seed: 3 },
  READ_NO_LEASE: { climate: 'slow', nodes: 1, seed: 8 },
  RESET_ACKS: { climate: 'slow', nodes: 2, seed: 11 },
  TRIM_BLIND: { climate: 'slow', nodes: 1, seed: 13 },
  WAIT_FROM_SEND: { climate: 'interrupted', nodes: 1, seed: 50 },
  ANNOUNCE_FIRST: { climate: 'temperate', nodes: 1, seed: 3 },
  REDIS_TTL: { climate: 'temperate', nodes: 1, seed: 1 },
  DEREGISTER_EARLY: { climate: 'temperate', nodes: 1, seed: 29 },
  NO_HIST: { climate: 'restless', nodes: 3, seed: 1 },
  REVOKE_NO_WAIT: { climate: 'restless', nodes: 2, seed: 90 },
  READ_ANY_NODE: { climate: 'interrupted', nodes: 2, seed: 21 },
  G0_LATE: { climate: 'interrupted', nodes: 1, seed: 1 },
  DELETE_ONLY: { climate: 'interrupted', nodes: 1, seed: 28 },
  REFRESH_NEW_G0: { climate: 'temperate', nodes: 1, seed: 6, hasRefreshes: true },
};
/** The slowest of them shows after 11,805 steps. */
const BOUNDS = { worlds: 40, stepsOfEach: 15_000 };

test.each(Object.entries(shownIn))('a protocol with %s is found out', async (name, scene) => {
  const { violation } = await search(scene, changeOf(name), BOUNDS);
  expect(violation).toMatch(/was (allowed|judged by)/);
});

test('each mistake is looked for: in a world, or in a play', () => {
  const lookedFor = new Set([...Object.keys(shownIn), ...Object.keys(plays)]);
  expect([...lookedFor].sort()).toEqual(mutations.map(({ name }) => name).sort());
});
