/**
 * The trials of trials-sessions.test.ts while Redis is killed and started again, and one process after the other is paused. What is not confirmed
 * is asked again, as its caller has to; what was confirmed is over, for a process that sleeps through it too.
 */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { sleep } from '../support/wait.ts';
import { openTrialScene, type Side, type TrialScene } from './trial-scene.ts';
import { inLanes, revoke, spreadOf, Statuses, tell, type Revoked } from './trial.ts';
import type { Visitor } from './visitors.ts';

const ALLOWED = 200;
const LOGIN_REQUIRED = 401;
const LANES = 16;
/** Sessions that there are to try; as many of them as there is time for. */
const SESSIONS = 10_000;
const PLAYED_MS = 190_000;
/** Each round: Redis is down for a while and comes back; a process is paused; between them it goes as usual. */
const ROUND = { downMs: 300, pausedMs: 1_500, quietMs: 3_000 };
const ASK_AGAIN_MS = 50;

let scene: TrialScene;

beforeAll(async () => {
  scene = await openTrialScene();
});
afterAll(() => scene.close());

type Faults = { redisKills: number; pauses: number; paused: Side | undefined };

async function makeFaults(faults: Faults, isOver: () => boolean): Promise<void> {
  const { redis, world, second, sides } = scene;
  for (let round = 0; !isOver(); round++) {
    await redis.kill();
    await sleep(ROUND.downMs);
    await redis.restart();
    faults.redisKills += 1;
    await sleep(ROUND.quietMs);
    const place = round % sides.length;
    const { doorward } = place === 0 ? world : second;
    doorward.signal('SIGSTOP');
    faults.paused = sides[place];
    await sleep(ROUND.pausedMs);
    faults.paused = undefined;
    doorward.signal('SIGCONT');
    faults.pauses += 1;
    await sleep(ROUND.quietMs);
  }
}

async function untilAllowed(session: Visitor): Promise<void> {
  for (;;) {
    const statuses = await Promise.all(scene.sides.map((side) => side.status(session.cookie, '/before')));
    // An outage is no logout.
    if (statuses.includes(LOGIN_REQUIRED)) throw new Error('a session that nobody revoked was told to sign in');
    if (statuses.every((status) => status === ALLOWED)) return;
    await sleep(ASK_AGAIN_MS);
  }
}

test(`revoked while Redis is killed and started again, and a process is paused: nothing that is sent after the return is allowed`, async () => {
  const sessions = await scene.mint(Array.from({ length: SESSIONS }, (_, place) => `user-${place}`));
  const faults: Faults = { redisKills: 0, pauses: 0, paused: undefined };
  const after = new Statuses();
  const sleepers = new Statuses();
  const returnMs: number[] = [];
  let trials = 0;
  let notConfirmed = 0;

  const revokeSurely = async ({ handle }: Visitor, place: number): Promise<void> => {
    for (let tries = place; ; tries++) {
      const side = scene.sides[tries % scene.sides.length] ?? scene.sides[0];
      const unanswered = (): Revoked => ({ kind: 'not-confirmed' });
      const revoked = await revoke(side.ask, `/v1/sessions/${handle}/revoke`, {}).catch(unanswered);
      if (revoked.kind === 'confirmed') return void returnMs.push(revoked.returnMs);
      notConfirmed += 1;
      await sleep(ASK_AGAIN_MS);
    }
  };

  const startedAt = performance.now();
  const isOver = (): boolean => performance.now() - startedAt > PLAYED_MS || trials >= SESSIONS;
  const making = makeFaults(faults, isOver);
  await inLanes(SESSIONS, LANES, async (place) => {
    const session = sessions[place];
    if (session === undefined || isOver()) return;
    await untilAllowed(session);
    await revokeSurely(session, place);
    await Promise.all(
      scene.sides.map(async (side) => {
        const isAsleep = faults.paused === side;
        const status = await side.status(session.cookie, `/after/${session.handle}`);
        after.add(status);
        if (isAsleep) sleepers.add(status);
      }),
    );
    trials += 1;
  });
  await making;

  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  tell(
    `${trials} trials in ${seconds} s, with ${faults.redisKills} kills of Redis and ${faults.pauses} pauses of a process:`,
  );
  tell(
    `  allowed after the return ${after.of(ALLOWED)}; answers ${after.toString()}, of a process that was paused ${sleepers.toString()}`,
  );
  tell(
    `  revocations that were not confirmed, and asked again: ${notConfirmed}; revoke returned: ${spreadOf(returnMs)}`,
  );

  expect(after.of(ALLOWED)).toBe(0);
  expect(after.total).toBe(2 * trials);
  expect(after.of(LOGIN_REQUIRED)).toBeGreaterThan(after.total / 2);
  expect(sleepers.total).toBeGreaterThan(0);
  expect(notConfirmed).toBeGreaterThan(0);
  expect(scene.world.upstream.received().filter(({ path }) => path.startsWith('/after/'))).toHaveLength(0);
}, 280_000);
