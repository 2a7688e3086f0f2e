/**
 * The test of the test: the simulation finds mistakes that the protocol is made to avoid. Here those that a known world shows within a few
 * thousand steps; `npm run test:sim` looks for all of them, in worlds that nobody chose.
 */

import { expect, test } from '@jest/globals';
import { mutations } from './mutations.ts';
import { World, type Scene } from './world.ts';

/** Where a world has shown a mistake, a change of the code under test may move it: then another seed takes the place of the one here. */
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
  GC_BLIND: { climate: 'interrupted', nodes: 1, seed: 47 },
  WAIT_FROM_SEND: { climate: 'interrupted', nodes: 1, seed: 50 },
  ANNOUNCE_FIRST: { climate: 'temperate', nodes: 1, seed: 3 },
  REDIS_TTL: { climate: 'temperate', nodes: 1, seed: 1 },
  DEREGISTER_EARLY: { climate: 'temperate', nodes: 1, seed: 29 },
  NO_HIST: { climate: 'restless', nodes: 3, seed: 1 },
  REVOKE_NO_WAIT: { climate: 'restless', nodes: 2, seed: 90 },
  READ_ANY_NODE: { climate: 'interrupted', nodes: 2, seed: 21 },
  G0_LATE: { climate: 'interrupted', nodes: 1, seed: 1 },
  DELETE_ONLY: { climate: 'interrupted', nodes: 1, seed: 28 },
};
/** The slowest of them shows after 11,805. */
const STEPS_MAX = 15_000;

test.each(Object.entries(shownIn))('a protocol with %s is found out', async (name, scene) => {
  const mutation = mutations.find((each) => each.name === name);
  expect(mutation).toBeDefined();
  const { violation } = await new World(scene, mutation?.changed).run(STEPS_MAX);
  expect(violation).toMatch(/was allowed at step/);
});
