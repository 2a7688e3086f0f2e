/** A process killed, and one that stands still while sessions are revoked. */

import { expect } from '@jest/globals';

import { sleep } from '../../support/wait.ts';
import { sentBetween, tallyOf, withSession } from '../tally.ts';
import { expectSafe, ms, play, revokeAll } from './play.ts';
import type { Play } from './play.ts';

const QUIET_MS = 700;

/**
 * R7. Envoy asks the other once more where a Check was not answered. Where the answer had begun to come (its first bytes, not its end) it cannot:
 * such a request, under way at the kill, is told 503, and no other is.
 */
export async function processKilled(options: Play): Promise<void> {
  const { scene, faultMs, afterMs } = options;
  const moments = { killing: 0, gone: 0 };
  const act = async (): Promise<Record<string, string>> => {
    await sleep(QUIET_MS);
    moments.killing = performance.now();
    await scene.kill('second');
    moments.gone = performance.now();
    await sleep(faultMs);
    const startedAt = performance.now();
    await scene.restart('second');
    const readyAfter = performance.now() - startedAt;
    await scene.untilBothAreAsked();
    const askedAfter = performance.now() - startedAt;
    await sleep(afterMs);
    return { 'back after': `${ms(readyAfter)}, asked by Envoy after ${ms(askedAfter)}` };
  };
  const mayFail = { unanswered: Infinity, publicFailed: Infinity };
  const { shots } = await play('kill -9 of one process', options, act, { mayFail });
  const { killing, gone } = moments;
  expectSafe(shots.filter(({ sentAt, answeredAt }) => sentAt > gone || answeredAt < killing));
}

const PAUSE_MS = 5000;
/** Two are revoked before the pause, these in it. */
const REVOKED_IN_PAUSE = 5;

/**
 * R13 with SIGSTOP. What was sent to the process while it stood still waits in its sockets: it must not be let in when the process goes on,
 * although for the process hardly any time has passed.
 */
export async function processPaused(options: Play): Promise<void> {
  const { scene, ratePerSecond, afterMs } = options;
  const moments = { stopped: 0, over: 0 };
  const { shots } = await play(
    `a process paused for ${PAUSE_MS / 1000} s across ${REVOKED_IN_PAUSE} revocations`,
    options,
    async (visitors) => {
      await sleep(QUIET_MS);
      await revokeAll(scene, visitors.slice(0, 2));
      scene.doorward('second').signal('SIGSTOP');
      moments.stopped = performance.now();
      const took: number[] = [];
      for (const visitor of visitors.slice(2, 2 + REVOKED_IN_PAUSE)) {
        const revoked = await scene.revoke(visitor, 'first');
        expect(revoked.status).toBe(200);
        took.push(revoked.tookMs);
      }
      await sleep(Math.max(0, PAUSE_MS - (performance.now() - moments.stopped)));
      scene.doorward('second').signal('SIGCONT');
      moments.over = performance.now();
      await scene.untilBothAreAsked();
      await sleep(afterMs);
      return { 'revokes took': took.map(ms).join(' ') };
    },
    {
      ports: [scene.port(), scene.port('first'), scene.port('second')],
      // Of what is sent to a process that stands still, Envoy says in the end that nobody answered; also where nothing but a path is asked.
      mayFail: { unanswered: ratePerSecond * PAUSE_MS, publicFailed: ratePerSecond * PAUSE_MS },
    },
  );
  const toPaused = sentBetween(shots, moments.stopped, moments.over).filter(
    ({ port }) => port === scene.port('second'),
  );
  const answeredAfter = toPaused.filter(({ answeredAt, status }) => answeredAt > moments.over && status !== 503);
  // Else nothing was tried: some were sent to it while it stood still, and were answered by it.
  expect(answeredAfter.length).toBeGreaterThan(0);
  // The other goes on. It may be without a lease, or out of Envoy's sight, for moments in which the machine had no time for it or for Redis.
  const byFirst = withSession(shots).filter(({ port }) => port === scene.port('first'));
  expect(tallyOf(byFirst).allowed).toBeGreaterThan(byFirst.length / 2);
}
