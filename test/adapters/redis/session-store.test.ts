import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { sessionKey, tombstoneKey } from '../../../src/adapters/redis/keys.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import type { OnceRegistry, SessionStore } from '../../../src/core/ports.ts';
import { idpKeyOf, userKeyOf } from '../../../src/core/session/revocation.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { onceRegistryContract } from '../../contract/once-registry.contract.ts';
import { sessionStoreContract } from '../../contract/session-store.contract.ts';
import { aClock, aSession, aSessionId, secondsAfter, type ManualClock } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sleep } from '../../support/wait.ts';
import { openStores, openTwoStores, rawClient, serverAt } from './a-redis.ts';

const folder = temporaryFolder();
let redis: RunningRedis;
let raw: Redis;
beforeAll(async () => {
  redis = await startRedis({ folder });
  raw = rawClient(redis.port);
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
  folder.remove();
});

sessionStoreContract('redis', async (clock) => {
  const { here, elsewhere, close } = await openTwoStores(raw, serverAt(redis.port), clock);
  return {
    store: here.sessions,
    elsewhere: elsewhere.sessions,
    processes: 2,
    close,
  };
});

onceRegistryContract('redis', async () => {
  const { here, elsewhere, close } = await openTwoStores(raw, serverAt(redis.port), aClock());
  return {
    registry: here.once,
    elsewhere: elsewhere.once,
    pass: (seconds) => sleep(seconds * 1000),
    close,
  };
});

describe('what is in Redis', () => {
  let clock: ManualClock;
  let store: SessionStore;
  let once: OnceRegistry;
  beforeEach(async () => {
    await raw.flushall();
    clock = aClock();
    ({ sessions: store, once } = await openStores(serverAt(redis.port), clock));
  });
  afterEach(() => store.close());

  const login = async (who: string, changes: Partial<Session> = {}): Promise<Session> => {
    const mark = await store.loginMark();
    const session = aSession({
      handle: handleOf(aSessionId(who)),
      subject: who,
      email: `${who}@example.com`,
      mark,
      ...changes,
    });
    expect(await store.create(session)).toBe(true);
    return session;
  };
  const corrupt = { name: 'DependencyError', code: 'store-corrupt' };

  test('questions leave it as it was', async () => {
    const before = await raw.keys('*');
    await store.get(handleOf('nobody'));
    await store.loginMark();
    await store.touch(handleOf('nobody'), secondsAfter(60));
    await store.list({ limit: 10 });
    await store.list({ user: 'alice', limit: 10 });
    await once.wasUsed('flow');
    expect((await raw.keys('*')).sort()).toEqual(before.sort());
    expect(before).toEqual(['dw:{dw}:ctl']);
  });

  test('a dump shows neither who is signed in, nor tokens, nor session ids', async () => {
    await login('alice', { handle: handleOf(aSessionId()), tokens: { ...aSession().tokens, idToken: 'the-id-token' } });
    await once.use('the-flow-id', 60);
    const dump: string[] = [];
    for (const key of await raw.keys('*')) {
      dump.push(key, (await raw.dumpBuffer(key)).toString('latin1'));
    }
    const text = dump.join('\n');
    for (const secret of ['alice', 'example.com', 'the-id-token', 'the-flow-id', aSessionId(), 'sre', 'idp-session']) {
      expect(text).not.toContain(secret);
    }
  });

  test('everything that belongs to a session goes with its absolute end', async () => {
    const session = await login('alice', { expiresAt: secondsAfter(100) });
    const ttls = await Promise.all((await raw.keys('*')).map(async (key) => [key, await raw.ttl(key)] as const));
    // The session, its four indexes (subject, e-mail address, login at the provider, all) and the control slot.
    expect(ttls).toHaveLength(6);
    for (const [key, ttl] of ttls) {
      if (key === 'dw:{dw}:ctl') continue;
      expect(ttl).toBeGreaterThan(90);
      expect(ttl).toBeLessThanOrEqual(key === sessionKey(session.handle) ? 160 : 100);
    }
  });

  test('an index lasts as long as its last session, and loses those that are over', async () => {
    const changes = { subject: 'alice', email: '' };
    await login('long', { ...changes, expiresAt: secondsAfter(1000) });
    await login('short', { ...changes, expiresAt: secondsAfter(100) });
    clock.advance(200);
    await login('next', { ...changes, expiresAt: secondsAfter(300) });
    const [index] = (await raw.keys('dw:{*}:x')).filter((key) => key !== 'dw:{dw}:x');
    expect(await raw.zcard(index ?? '')).toBe(2);
    expect(await raw.ttl(index ?? '')).toBeGreaterThan(700);
  });

  test('a session that is ended takes its keys with it, and leaves a tombstone that outlives all sessions', async () => {
    await login('bob', { expiresAt: secondsAfter(50_000) });
    const session = await login('alice');
    await store.revoke({ kind: 'session', handle: session.handle }, 'sign-out');
    expect(await raw.exists(sessionKey(session.handle))).toBe(0);
    const tombstone = tombstoneKey('s', session.handle);
    expect(await raw.get(tombstone)).toBe('1');
    expect(await raw.ttl(tombstone)).toBeGreaterThan(50_000);
  });

  test('a revocation is one entry in the stream, numbered without a gap', async () => {
    const session = await login('alice');
    await store.revoke({ kind: 'session', handle: session.handle }, 'sign-out');
    await store.revoke({ ...session, kind: 'user' }, 'admin');
    const { history } = await store.loginMark();
    expect(await raw.xrange('dw:{dw}:inv', '-', '+')).toEqual([
      ['1-0', ['hist', history, 'kind', 's', 'key', session.handle]],
      ['2-0', ['hist', history, 'kind', 'u', 'key', userKeyOf(session)]],
    ]);
    expect((await store.loginMark()).seq).toBe(2);
  });

  test.each(['s', 'u', 'i', 'all'] as const)('a tombstone of kind %s, whoever set it, ends a session', async (kind) => {
    const session = await login('alice');
    const key = { s: session.handle, u: userKeyOf(session), i: idpKeyOf('default'), all: '' }[kind];
    const tombstone = tombstoneKey(kind, key);
    await raw.set(tombstone, '1');
    expect(await store.get(session.handle)).toBeUndefined();
    expect(await store.list({ limit: 10 })).toEqual([]);
    await raw.set(tombstone, '0');
    store.forget(session.handle);
    expect((await store.get(session.handle)) === undefined).toBe(kind === 's');
  });

  test('a session that somebody puts back after it was ended stays dead', async () => {
    const session = await login('alice');
    const copy = await raw.dumpBuffer(sessionKey(session.handle));
    await store.revoke({ kind: 'session', handle: session.handle }, 'admin');
    await raw.restore(sessionKey(session.handle), 0, copy);
    expect(await store.get(session.handle)).toBeUndefined();
    expect((await store.revoke({ kind: 'session', handle: session.handle }, 'admin')).sessions).toBe(0);
  });

  test('when the control slot is lost, who logged in before is not believed any more', async () => {
    const session = await login('alice');
    await raw.del('dw:{dw}:ctl');
    expect(await store.get(session.handle)).toBeUndefined();
    await login('bob');
    expect(await store.get(session.handle)).toBeUndefined();
  });

  test('a login that began before the control slot was lost starts again', async () => {
    const mark = await store.loginMark();
    await raw.flushall();
    await store.loginMark();
    expect(await store.create(aSession({ mark }))).toBe(false);
  });

  test('a session too many in an index is skipped', async () => {
    const session = await login('alice');
    await raw.zadd('dw:{dw}:x', String(secondsAfter(9000)), handleOf('gone'));
    expect((await store.list({ limit: 10 })).map(({ handle }) => handle)).toEqual([session.handle]);
  });

  test('many touches at once are one write', async () => {
    const session = await login('alice');
    const commandsBefore = await commandsOf('setrange');
    await Promise.all(Array.from({ length: 20 }, () => store.touch(session.handle, secondsAfter(60))));
    expect((await commandsOf('setrange')) - commandsBefore).toBe(1);
  });
  const commandsOf = async (name: string): Promise<number> =>
    Number(new RegExp(`cmdstat_${name}:calls=([0-9]+)`).exec(await raw.info('commandstats'))?.[1] ?? '0');

  describe('tampered with', () => {
    const recordOf = async (session: Session): Promise<Buffer> =>
      (await raw.getBuffer(sessionKey(session.handle))) ?? Buffer.of();
    const put = (session: Session, record: Buffer | string): Promise<unknown> =>
      raw.set(sessionKey(session.handle), record);

    test('no changed byte of a record is overlooked', async () => {
      const session = await login('alice');
      const record = await recordOf(session);
      for (let place = 0; place < record.length; place += 7) {
        const changed = Buffer.from(record);
        changed.writeUInt8(changed.readUInt8(place) ^ 0x20, place);
        await put(session, changed);
        await expect(store.get(session.handle)).rejects.toMatchObject(corrupt);
      }
      await put(session, record);
      expect(await store.get(session.handle)).toEqual(session);
    });

    test('the record of another session is not this one, nor is its last use', async () => {
      const [alice, bob] = [await login('alice'), await login('bob')];
      const [hers, his] = [await recordOf(alice), await recordOf(bob)];
      await put(alice, his);
      await put(bob, hers);
      await expect(store.get(alice.handle)).rejects.toMatchObject(corrupt);
      await expect(store.get(bob.handle)).rejects.toMatchObject(corrupt);
      await put(alice, Buffer.concat([hers.subarray(0, 5), his.subarray(5, 41), hers.subarray(41)]));
      await expect(store.get(alice.handle)).rejects.toMatchObject(corrupt);
    });

    test.each([
      ['empty', Buffer.of()],
      ['text', Buffer.from('{"subject":"root"}')],
      ['zeros', Buffer.alloc(500)],
      ['the right format byte and nothing else', Buffer.concat([Buffer.of(1), Buffer.alloc(500)])],
    ])('a record of %s is none', async (_, record) => {
      const session = await login('alice');
      await put(session, record);
      await expect(store.get(session.handle)).rejects.toMatchObject(corrupt);
      await store.touch(session.handle, secondsAfter(60));
      expect(await recordOf(session)).toHaveLength(record.length);
    });

    test('truncated or longer records are none', async () => {
      const session = await login('alice');
      const record = await recordOf(session);
      for (const changed of [record.subarray(0, 40), record.subarray(0, -1), Buffer.concat([record, Buffer.of(0)])]) {
        await put(session, changed);
        await expect(store.get(session.handle)).rejects.toMatchObject(corrupt);
      }
    });

    test('an older format version is refused as such, and not touched', async () => {
      const session = await login('alice');
      const record = await recordOf(session);
      record.writeUInt8(0, 0);
      await put(session, record);
      await expect(store.get(session.handle)).rejects.toMatchObject({
        ...corrupt,
        message: 'a stored session has another format version',
      });
      await store.touch(session.handle, secondsAfter(60));
      expect(await recordOf(session)).toEqual(record);
    });

    test.each(['list', 'hash', 'zset', 'stream'])('a %s where a session should be is refused', async (type) => {
      const session = await login('alice');
      const key = sessionKey(session.handle);
      await raw.del(key);
      if (type === 'list') await raw.lpush(key, 'x');
      if (type === 'hash') await raw.hset(key, 'x', 'y');
      if (type === 'zset') await raw.zadd(key, '1', 'x');
      if (type === 'stream') await raw.xadd(key, '*', 'x', 'y');
      await expect(store.get(session.handle)).rejects.toMatchObject(corrupt);
      await expect(store.touch(session.handle, secondsAfter(60))).rejects.toMatchObject(corrupt);
    });

    test('what cannot be read can still be ended, and does not hide the rest', async () => {
      const [alice, bob] = [await login('alice'), await login('bob')];
      await put(alice, 'nonsense');
      expect((await store.list({ limit: 10 })).map(({ handle }) => handle)).toEqual([bob.handle]);
      expect((await store.revoke({ kind: 'session', handle: alice.handle }, 'admin')).sessions).toBe(0);
      expect(await store.get(alice.handle)).toBeUndefined();
      expect((await store.revoke({ ...bob, kind: 'user' }, 'admin')).sessions).toBe(1);
    });

    test.each([
      ['a number that is none', 'seven'],
      ['a negative number', '-1'],
      ['a number too large to be exact', '99999999999999999999'],
      ['a fraction', '1.5'],
    ])('a tombstone of %s is a fault of the store, never "not ended"', async (_, value) => {
      const session = await login('alice');
      await raw.set(tombstoneKey('u', userKeyOf(session)), value);
      await expect(store.get(session.handle)).rejects.toMatchObject(corrupt);
    });

    test('a control slot that is no hash is a fault of the store', async () => {
      const session = await login('alice');
      await raw.set('dw:{dw}:ctl', 'x');
      await expect(store.get(session.handle)).rejects.toMatchObject(corrupt);
      await expect(store.loginMark()).rejects.toMatchObject(corrupt);
      const revocation = await store.revoke({ kind: 'session', handle: session.handle }, 'admin');
      expect(revocation).toMatchObject({ kind: 'not-confirmed', why: 'store-corrupt' });
    });

    test('an index that is none does not hinder a revocation', async () => {
      const session = await login('alice');
      await raw.set('dw:{dw}:x', 'x');
      await expect(store.list({ limit: 10 })).rejects.toMatchObject(corrupt);
      expect((await store.revoke({ kind: 'session', handle: session.handle }, 'admin')).sessions).toBe(1);
      expect(await store.get(session.handle)).toBeUndefined();
    });
  });

  test('a rotated secret opens what the older one sealed, another opens nothing', async () => {
    const session = await login('alice');
    const rotated = await openStores(serverAt(redis.port), clock, {
      secrets: ['the newer secret, also long enough', ...SECRETS_OF_OLD],
    });
    expect(await rotated.sessions.get(session.handle)).toEqual(session);
    await rotated.sessions.touch(session.handle, secondsAfter(60));
    await expect(store.get(session.handle)).rejects.toMatchObject(corrupt);
    expect((await rotated.sessions.get(session.handle))?.lastSeenAt).toBe(secondsAfter(60));
    await rotated.sessions.close();
  });
  const SECRETS_OF_OLD = ['a secret for records of thirty-two bytes'];
});
