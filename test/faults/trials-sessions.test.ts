/**
 * 10,000 trials: a session that both processes have at hand is revoked through one of them, and at once asked for at both. No request that is sent
 * after the revocation returned may be let through.
 */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { openTrialScene, type TrialScene } from './trial-scene.ts';
import { inLanes, revoke, spreadOf, Statuses, tell } from './trial.ts';

const ALLOWED = 200;
const LOGIN_REQUIRED = 401;
/** How many trials, so many at a time. */
const BLOCKS = [
  { trials: 1_000, lanes: 1 },
  { trials: 3_000, lanes: 4 },
  { trials: 6_000, lanes: 16 },
];
/** In each so-many-th trial a client never stops asking while the session is revoked. */
const ASKING_EACH = 5;

let scene: TrialScene;

beforeAll(async () => {
  scene = await openTrialScene();
});
afterAll(() => scene.close());

test.each(BLOCKS)(
  '$trials sessions, $lanes at a time: revoked, and nothing that is sent after that is allowed',
  async ({ trials, lanes }) => {
    const { sides, world } = scene;
    const users = Array.from({ length: trials }, (_, place) => `user-${lanes}-${place}`);
    const sessions = await scene.mint(users);
    const before = new Statuses();
    const after = new Statuses();
    const returnMs: number[] = [];
    const serviceMs: number[] = [];
    const startedAt = performance.now();
    await inLanes(trials, lanes, async (place) => {
      const session = sessions[place];
      if (session === undefined) throw new Error('there are fewer sessions than trials');
      const statuses = await Promise.all(sides.map((side) => side.status(session.cookie, '/before')));
      for (const status of statuses) before.add(status);
      let isOver = false;
      const ask = async (): Promise<void> => {
        while (!isOver) for (const side of sides) await side.status(session.cookie, '/meanwhile');
      };
      const asking = place % ASKING_EACH === 0 ? ask() : undefined;
      const through = sides[place % sides.length] ?? sides[0];
      const revoked = await revoke(through.ask, `/v1/sessions/${session.handle}/revoke`, {});
      isOver = true;
      const answers = await Promise.all(sides.map((side) => side.status(session.cookie, `/after/${session.handle}`)));
      for (const status of answers) after.add(status);
      await asking;
      if (revoked.kind !== 'confirmed') throw new Error('a revocation was not confirmed, without any fault');
      returnMs.push(revoked.returnMs);
      serviceMs.push(revoked.serviceMs);
    });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    tell(`${trials} trials, ${lanes} at a time, in ${seconds} s: allowed after the return ${after.of(ALLOWED)}`);
    tell(`  revoke returned: ${spreadOf(returnMs)}; by the service's own count: ${spreadOf(serviceMs)}`);

    expect(before.toString()).toBe(JSON.stringify({ [ALLOWED]: 2 * trials }));
    expect(after.toString()).toBe(JSON.stringify({ [LOGIN_REQUIRED]: 2 * trials }));
    expect(world.upstream.received().filter(({ path }) => path.startsWith('/after/'))).toHaveLength(0);
  },
  280_000,
);
