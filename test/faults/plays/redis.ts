/** Redis killed, out of reach, slow, or not to be trusted. */

import { expect } from '@jest/globals';

import { LEASE_MS } from '../../../src/core/revocation/lease-terms.ts';
import { createRandom } from '../../simulation/random.ts';
import type { Random } from '../../simulation/random.ts';
import { sleep } from '../../support/wait.ts';
import type { ProxyBehaviour } from '../../support/tcp-proxy.ts';
import { sentBetween, tallyOf, withSession } from '../tally.ts';
import { expectInService, ms, p99Of, play, publicP99, recoveryMs, revokeAll, toldWithin } from './play.ts';
import type { Play } from './play.ts';

const QUIET_MS = 700;
/** R1 asks for a second; the rest is for a machine that does something else. */
const RECOVERED_WITHIN_MS = 3000;
/** A command may take 0.5 s; the rest is for the same. */
const TOLD_WITHIN_MS = 1500;

type Outage = { readonly name: string; readonly begin: () => unknown; readonly end: () => unknown };

/** No lease, no allow; and an outage is told as one, in time, to nobody but those who have a session. */
async function outage(options: Play, { name, begin, end }: Outage): Promise<void> {
  const { scene, faultMs, afterMs } = options;
  const moments = { begun: 0, ending: 0, over: 0 };
  const { shots } = await play(name, options, async ([one, two], load) => {
    await sleep(QUIET_MS);
    if (one === undefined || two === undefined) throw new Error('there are visitors');
    await revokeAll(scene, [one]);
    const quietTo = performance.now();
    await begin();
    moments.begun = performance.now();
    // Nobody can know whether it is revoked.
    const [unsure] = await Promise.all([scene.revoke(two, 'second'), sleep(faultMs)]);
    expect(unsure.status).toBe(503);
    moments.ending = performance.now();
    await end();
    moments.over = performance.now();
    await sleep(afterMs);
    const { begun, ending, over } = moments;
    return {
      'recovered after': ms(recoveryMs(load.shots(), over)),
      '503 p99': ms(toldWithin(load.shots(), begun, ending)),
      'public p99': `${ms(publicP99(load.shots(), 0, quietTo))} before, ${ms(publicP99(load.shots(), begun, ending))} during`,
    };
  });
  const { begun, ending, over } = moments;
  const withoutLease = withSession(sentBetween(shots, begun + LEASE_MS, ending));
  expect(tallyOf(withoutLease)).toMatchObject({ allowed: 0, refused: 0, unavailable: withoutLease.length });
  expect(withoutLease.length).toBeGreaterThan(0);
  expect(toldWithin(shots, begun, ending)).toBeLessThan(TOLD_WITHIN_MS);
  expect(recoveryMs(shots, over)).toBeLessThan(RECOVERED_WITHIN_MS);
}

export const redisKilled = (options: Play): Promise<void> =>
  outage(options, {
    name: `Redis killed for ${options.faultMs / 1000} s`,
    begin: () => options.scene.redis.kill(),
    end: () => options.scene.redis.restart(),
  });

const behaving = (options: Play, name: string, behaviour: ProxyBehaviour): Promise<void> =>
  outage(options, {
    name: `${name} for ${options.faultMs / 1000} s`,
    begin: () => options.scene.behave(behaviour),
    end: () => options.scene.behave({ kind: 'pass' }),
  });

export const redisBlackHole = (options: Play): Promise<void> =>
  behaving(options, 'Redis behind a black hole', { kind: 'drop' });

/** Half a second each way: every command is late beyond its time. */
export const redisSecondsLate = (options: Play): Promise<void> =>
  behaving(options, 'Redis 1 s late', { kind: 'delay', ms: 500 });

/** R4: what is at hand is answered as ever, what is not waits for Redis and no longer. */
export async function redisLate(options: Play): Promise<void> {
  const { scene, faultMs } = options;
  const { shots } = await play(`Redis 100 ms late for ${faultMs / 1000} s`, options, async ([one], load) => {
    await sleep(QUIET_MS);
    const quietTo = performance.now();
    scene.behave({ kind: 'delay', ms: 50 });
    const lateFrom = performance.now();
    await sleep(faultMs / 2);
    if (one === undefined) throw new Error('there are visitors');
    const revoked = await scene.revoke(one);
    expect(revoked.status).toBe(200);
    await sleep(faultMs / 2);
    const lateTo = performance.now();
    scene.behave({ kind: 'pass' });
    const sessions = withSession(load.shots());
    return {
      'revoke took': ms(revoked.tookMs),
      'session p99': `${ms(p99Of(sentBetween(sessions, 0, quietTo)))} before, ${ms(p99Of(sentBetween(sessions, lateFrom, lateTo)))} during`,
      'public p99': `${ms(publicP99(load.shots(), 0, quietTo))} before, ${ms(publicP99(load.shots(), lateFrom, lateTo))} during`,
    };
  });
  expectInService(shots);
}

/** One process cannot reach Redis while a session is revoked at the other. It may answer from what it knows for the lease, and no longer. */
export async function oneProcessCutOff(options: Play): Promise<void> {
  const { scene, faultMs, afterMs } = options;
  await play(
    'one of two processes cut off from Redis',
    { ...options },
    async (visitors) => {
      await sleep(QUIET_MS);
      scene.proxy('second').behave({ kind: 'drop' });
      const took: number[] = [];
      const until = performance.now() + faultMs;
      for (const visitor of visitors.slice(0, 5)) {
        const revoked = await scene.revoke(visitor, 'first');
        expect(revoked.status).toBe(200);
        took.push(revoked.tookMs);
      }
      await sleep(Math.max(0, until - performance.now()));
      scene.proxy('second').behave({ kind: 'pass' });
      await sleep(afterMs);
      return { 'revokes took': took.map(ms).join(' ') };
    },
    { ports: [scene.port('first'), scene.port('second')] },
  );
}

/** What a server that cannot be trusted makes of its replies. */
function spoil(reply: Buffer, others: Buffer[], random: Random): Buffer | undefined {
  const kind = random.below(8);
  const kept = others.at(random.below(Math.max(1, others.length)));
  others.push(reply);
  if (others.length > 50) others.shift();
  switch (kind) {
    case 0: {
      const changed = Buffer.from(reply);
      const at = random.below(changed.length);
      changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
      return changed;
    }
    case 1:
      return reply.subarray(0, random.below(reply.length));
    case 2:
      return kept;
    case 3:
      return Buffer.from('$-1\r\n');
    case 4:
      return Buffer.from('-ERR no such thing\r\n');
    case 5:
      return undefined;
    default:
      return reply;
  }
}

/** R5. Replies changed, cut, swapped with others' and invented. What a process makes of them is "unavailable", whoever asks. */
export async function redisCorrupted(options: Play, seed: number): Promise<void> {
  const { scene, faultMs, afterMs } = options;
  const random = createRandom(seed);
  const others: Buffer[] = [];
  const { shots } = await play(
    `Redis answers nonsense for ${faultMs / 1000} s, seed ${seed}`,
    options,
    async (visitors, load) => {
      await sleep(QUIET_MS);
      await revokeAll(scene, visitors.slice(0, 5));
      scene.behave({ kind: 'corrupt', change: (reply) => spoil(reply, others, random) });
      await sleep(faultMs);
      scene.behave({ kind: 'pass' });
      const over = performance.now();
      await sleep(afterMs);
      return { 'recovered after': ms(recoveryMs(load.shots(), over)) };
    },
  );
  expect(tallyOf(shots).unavailable).toBeGreaterThan(0);
}
