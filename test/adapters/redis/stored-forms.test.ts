/** What the format before wrote is used and changed like any other, and a session takes of memory and of Redis what it is reckoned to take. */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { sessionKey } from '../../../src/adapters/redis/keys.ts';
import { RECORD_FORMAT } from '../../../src/adapters/redis/record.ts';
import type { ConnectedStores } from '../../../src/adapters/redis/stores.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { aClock, aSession, aSessionId, secondsAfter } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait.ts';
import { openStores, rawClient, SECRETS, serverAt } from './a-redis.ts';
import { olderRecord } from './older-record.ts';

const folder = temporaryFolder();
let redis: RunningRedis;
let raw: Redis;
let stores: ConnectedStores;
beforeAll(async () => {
  redis = await startRedis({ folder });
  raw = rawClient(redis.port);
  stores = await openStores(serverAt(redis.port), aClock());
  await waitFor('a lease', () => (stores.lease().isHeld ? true : undefined));
});
afterAll(async () => {
  await stores.sessions.close();
  raw.disconnect();
  await redis.stop();
  folder.remove();
});

async function login(name: string, changes: Partial<Session> = {}): Promise<Session> {
  const mark = await stores.sessions.loginMark();
  const session = aSession({ handle: handleOf(aSessionId(name)), subject: name, mark, ...changes });
  expect(await stores.sessions.create(session)).toBe(true);
  return session;
}

const read = async ({ handle }: Session): Promise<Session | undefined> => {
  stores.sessions.forget(handle);
  return stores.sessions.get(handle);
};

describe('a session that the format before wrote', () => {
  let session: Session;
  const formatOf = async (): Promise<number | undefined> => (await raw.getBuffer(sessionKey(session.handle)))?.at(0);
  beforeEach(async () => {
    session = await login(`user-${randomBytes(4).toString('hex')}`);
    const [secret = ''] = SECRETS;
    await raw.set(sessionKey(session.handle), olderRecord(secret, session), 'KEEPTTL');
    expect([await read(session), await formatOf()]).toEqual([session, 1]);
  });

  test('is touched as it is', async () => {
    await stores.sessions.touch(session.handle, secondsAfter(60));
    expect(await read(session)).toEqual({ ...session, lastSeenAt: secondsAfter(60) });
    expect(await formatOf()).toBe(1);
  });

  test('is written over in the newer one, with its last use and its time to live', async () => {
    await stores.sessions.touch(session.handle, secondsAfter(60));
    const ttl = await raw.ttl(sessionKey(session.handle));
    expect(await stores.sessions.claim(session.handle, 'me', 5000)).toMatchObject({ kind: 'claimed' });
    const refreshed = { ...session, name: 'Alice anew', version: 2 };
    expect(await stores.sessions.replace(refreshed, 'me')).toMatchObject({ kind: 'replaced' });
    expect(await read(session)).toEqual({ ...refreshed, lastSeenAt: secondsAfter(60) });
    expect(await formatOf()).toBe(RECORD_FORMAT);
    expect(Math.abs((await raw.ttl(sessionKey(session.handle))) - ttl)).toBeLessThanOrEqual(5);
  });

  test('is ended like any other', async () => {
    expect(await stores.sessions.revoke({ ...session, kind: 'user' }, 'admin')).toMatchObject({
      ...{ kind: 'confirmed', sessions: 1 },
    });
    expect(await read(session)).toBeUndefined();
  });
});

test('sessions that are short in Redis and large in memory are kept at hand by what they take there', async () => {
  const LARGE = 900_000;
  const HELD_MAX = Math.floor((64 * 1024 * 1024) / LARGE);
  const claims = new Map([['groups', ['x'.repeat(LARGE)]]]);
  for (let number = 0; number < HELD_MAX + 10; number += 1) {
    const session = await login(`large-${number}`, { claims });
    expect(await raw.strlen(sessionKey(session.handle))).toBeLessThan(5_000);
    expect((await stores.sessions.get(session.handle))?.claims).toEqual(claims);
  }
  expect(stores.lease().entries).toBeGreaterThan(HELD_MAX / 2);
  expect(stores.lease().entries).toBeLessThanOrEqual(HELD_MAX);
});
