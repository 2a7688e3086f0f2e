/** What it costs to look at one user's sessions and to end them does not depend on how many others there are. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { ALL_SESSIONS_KEY } from '../../../src/adapters/redis/keys.ts';
import type { SessionStore } from '../../../src/core/ports.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { aClock, aSession } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sleep } from '../../support/wait.ts';
import { openStores, rawClient, serverAt } from './a-redis.ts';

const OTHERS = 5_000;
const AT_ONCE = 100;
const OWN = 7;

const folder = temporaryFolder();
let redis: RunningRedis;
let raw: Redis;
let store: SessionStore;
beforeAll(async () => {
  redis = await startRedis({ folder });
  raw = rawClient(redis.port);
  store = (await openStores(serverAt(redis.port), aClock())).sessions;
});
afterAll(async () => {
  await store.close();
  raw.disconnect();
  await redis.stop();
  folder.remove();
});

async function signIn(subject: string, device: number): Promise<Session> {
  const handle = handleOf(`${subject} ${device}`);
  const session = aSession({ handle, subject, email: `${subject}@example.com`, mark: await store.loginMark() });
  expect(await store.create(session)).toBe(true);
  return session;
}

type Calls = ReadonlyMap<string, number>;

/** Calls of each command since the last reset, those of scripts included. */
async function callsSince(): Promise<Calls> {
  const info = await raw.info('commandstats');
  return new Map(
    [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, calls]) => [name ?? '', Number(calls)]),
  );
}

/** What Redis did meanwhile. */
async function watched(run: () => Promise<void>): Promise<Calls> {
  await raw.config('RESETSTAT');
  await run();
  return callsSince();
}

/** All of a user's sessions are listed; one is ended, and then the others; each with its count. */
async function administer(user: string): Promise<Calls> {
  const sessions: Session[] = [];
  for (let device = 0; device < OWN; device += 1) sessions.push(await signIn(user, device));
  const [first] = sessions;
  if (first === undefined) throw new Error('nobody signed in');
  return watched(async () => {
    expect(await store.list({ user: `${user}@example.com`, limit: 1000 })).toHaveLength(OWN);
    const one = await store.revoke({ kind: 'session', handle: first.handle }, 'admin');
    expect(one).toMatchObject({ kind: 'confirmed', sessions: 1 });
    const rest = await store.revoke({ kind: 'user', issuer: first.issuer, subject: user }, 'admin');
    expect(rest).toMatchObject({ kind: 'confirmed', sessions: OWN - 1 });
    expect(await store.list({ user, limit: 1000 })).toEqual([]);
  });
}

test(`listing and ending a user's sessions takes the same commands beside ${OTHERS} sessions of others as alone`, async () => {
  // The lease is renewed all the time.
  const always = await watched(() => sleep(500));
  // A script is sent whole the first time.
  await administer('carol');
  const alone = await administer('alice');
  for (let made = 0; made < OTHERS; made += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, place) => signIn(`other-${made + place}`, 0)));
  }
  const among = await administer('bob');
  expect(await raw.zcard(ALL_SESSIONS_KEY)).toBe(OTHERS);

  const own = (calls: Calls): Record<string, number> =>
    Object.fromEntries([...calls].filter(([name]) => !always.has(name)).sort());
  expect(own(among)).toEqual(own(alone));
  expect(own(among)).toMatchObject({ zrevrange: expect.any(Number), zrem: expect.any(Number) });
  // An index is read 50 at a time, so one of others would show above. Whatever is done at once to very many: keys, scan, sscan, zscan, hscan, smembers, sort, zinterstore and so on are not among these.
  for (const name of among.keys()) expect(name).not.toMatch(/scan|keys|smembers|sort|inter|union|randomkey|dbsize/);
});
