/**
 * Every kind of key that Doorward keeps in Redis, with every kind of damage: what comes of it is a refusal that is counted and told, never another
 * identity and never a revocation that is undone. What is there for one session alone harms no other.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { Corruption } from '../../../src/adapters/redis/corruption.ts';
import {
  ALL_SESSIONS_KEY,
  claimKey,
  CONTROL_KEY,
  factsKey,
  idpSessionIndexKey,
  INVALIDATIONS_KEY,
  nameIndexKey,
  sessionKey,
  tombstoneKey,
  usedIdKey,
} from '../../../src/adapters/redis/keys.ts';
import type { ConnectedStores } from '../../../src/adapters/redis/stores.ts';
import { isDependencyError } from '../../../src/core/ports.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { idpKeyOf, idpSessionKeyOf, userKeyOf } from '../../../src/core/session/revocation.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { ownerKeyOf } from '../../../src/core/signals/fact-keys.ts';
import type { UserFact } from '../../../src/core/signals/user-fact.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { aClock, aSession, aSessionId, NOW, secondsAfter } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait.ts';
import { aLogger, openStores, rawClient, serverAt, untilUp, type ReadableLogger } from './a-redis.ts';

const corrupt = { name: 'DependencyError', code: 'store-corrupt' };
const TEN_MB = 10 * 1024 * 1024;

const folder = temporaryFolder();
let redis: RunningRedis;
let raw: Redis;
let stores: ConnectedStores;
let logger: ReadableLogger;
const faults: Corruption[] = [];
let logins = 0;
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  redis = await startRedis({ folder });
  raw = rawClient(redis.port);
  await open();
});
afterAll(async () => {
  await stores.sessions.close();
  raw.disconnect();
  await redis.stop();
  folder.remove();
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});
beforeEach(() => {
  faults.length = 0;
});

async function open(): Promise<void> {
  logger = aLogger();

  stores = await openStores(serverAt(redis.port), aClock(), { logger, onCorrupt: (fault) => faults.push(fault) });
  await waitFor('a lease', () => (stores.lease().isHeld ? true : undefined));
}

/** As at the first start, with an empty Redis. */
async function anew(): Promise<void> {
  await stores.sessions.close();
  await raw.flushall();
  await open();
  faults.length = 0;
}

async function login(changes: Partial<Session> = {}): Promise<Session> {
  await untilUp(stores.sessions);
  logins += 1;
  const subject = `user-${logins}`;
  const session = aSession({
    handle: handleOf(aSessionId(subject)),
    subject,
    email: `${subject}@example.com`,
    idpSessionId: `sid-${logins}`,
    mark: await stores.sessions.loginMark(),
    ...changes,
  });
  expect(await stores.sessions.create(session)).toBe(true);
  return session;
}

/** As it is stored now, or why that is none. A Redis that is busy with many megabytes may be out of reach for a moment. */
async function read({ handle }: Pick<Session, 'handle'>): Promise<Session | undefined> {
  const { answer } = await waitFor('an answer', async () => {
    stores.sessions.forget(handle);
    const answer = await Promise.resolve(stores.sessions.get(handle)).catch((error: unknown) => error);
    return isDependencyError(answer) && answer.code === 'store-unavailable' ? undefined : { answer };
  });
  if (isDependencyError(answer)) throw answer;
  return answer as Session | undefined;
}

type Place = { readonly key: string; readonly other: string };
type Damage = (place: Place) => Promise<unknown>;

const bytesOf = async (key: string): Promise<Buffer> => (await raw.getBuffer(key)) ?? Buffer.of();
const changed =
  (change: (bytes: Buffer) => Buffer): Damage =>
  async ({ key }) =>
    raw.set(key, change(await bytesOf(key)), 'KEEPTTL');
const replaced = (bytes: Buffer | string): Damage => changed(() => Buffer.from(bytes));
const startingWith = (format: number): Damage =>
  changed((bytes) => Buffer.concat([Buffer.of(format), bytes.subarray(1)]));

const wrongTypes: readonly (readonly [string, Damage])[] = [
  ['a list', async ({ key }) => [await raw.del(key), await raw.lpush(key, 'x')]],
  ['a set', async ({ key }) => [await raw.del(key), await raw.sadd(key, 'x')]],
  ['a stream', async ({ key }) => [await raw.del(key), await raw.xadd(key, '*', 'x', 'y')]],
];
const hash: readonly [string, Damage] = [
  'a hash',
  async ({ key }) => [await raw.del(key), await raw.hset(key, 'x', 'y')],
];
const zset: readonly [string, Damage] = [
  'a sorted set',
  async ({ key }) => [await raw.del(key), await raw.zadd(key, '1', 'x')],
];
const text: readonly [string, Damage] = ['a string', async ({ key }) => [await raw.del(key), await raw.set(key, 'x')]];

const ofAnother: readonly [string, Damage] = ['that of another', ({ key, other }) => raw.copy(other, key, 'REPLACE')];
const swapped: readonly [string, Damage] = [
  'swapped with another',
  async ({ key, other }) => [
    await raw.rename(key, 'aside'),
    await raw.rename(other, key),
    await raw.rename('aside', other),
  ],
];

/** What can be done to a value that is a string, and is none of ours afterwards. */
const ofStrings: readonly (readonly [string, Damage])[] = [
  ['empty', replaced('')],
  ['random bytes', replaced(Buffer.from(Array.from({ length: 997 }, (_, place) => (place * 7919) % 251)))],
  ['JSON of another shape', replaced('{"subject":"root","groups":["admin"]}')],
  ['CBOR of another shape', replaced(Buffer.from('a1677375626a65637464726f6f74', 'hex'))],
  ['10 MB', replaced(Buffer.alloc(TEN_MB, 1))],
];

const wasTold = (): void => {
  expect(faults.length).toBeGreaterThan(0);
  expect(logger.lines.join('\n')).toContain('not what Doorward keeps there');
};

describe('the record of a session that is', () => {
  test.each([
    ...ofStrings,
    ...wrongTypes,
    hash,
    zset,
    ofAnother,
    swapped,
    ['cut short by a byte', changed((bytes) => bytes.subarray(0, -1))],
    ['cut short by half', changed((bytes) => bytes.subarray(0, bytes.length / 2))],
    ['a byte longer', changed((bytes) => Buffer.concat([bytes, Buffer.of(0)]))],
    ['of format 0', startingWith(0)],
    ['that says an older format', startingWith(1)],
    ['of a newer format', startingWith(3)],
    ['of another version of itself', changed((bytes) => (bytes.writeUInt32BE(9, 1), bytes))],
    ['one bit off in its last use', changed((bytes) => (bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20), bytes))],
    ['one bit off in its body', changed((bytes) => (bytes.writeUInt8(bytes.readUInt8(90) ^ 1, 90), bytes))],
    ['one bit off in its tag', changed((bytes) => (bytes.writeUInt8(bytes.at(-1)! ^ 1, bytes.length - 1), bytes))],
  ] as (readonly [string, Damage])[])('%s is refused everywhere, and can be ended', async (_, damage) => {
    const [session, other, untouched] = [await login(), await login(), await login()];
    await damage({ key: sessionKey(session.handle), other: sessionKey(other.handle) });

    await expect(read(session)).rejects.toMatchObject(corrupt);
    wasTold();
    expect(await read(untouched)).toEqual(untouched);
    const found = await Promise.resolve(read(other)).catch((error: unknown) => error);
    expect([other, expect.objectContaining(corrupt)]).toContainEqual(found);

    // Outside of Checks.
    expect(await stores.sessions.list({ user: session.subject, limit: 10 })).toEqual([]);
    await expect(stores.sessions.claim(session.handle, 'me', 1000)).rejects.toMatchObject(corrupt);
    const later = { ...session, version: session.version + 1 };
    const outcome = await stores.sessions.replace(later, 'somebody else').catch((error: unknown) => error);
    expect([{ kind: 'refused' }, expect.objectContaining(corrupt)]).toContainEqual(outcome);
    await Promise.resolve(stores.sessions.touch(session.handle, secondsAfter(60))).catch((error: unknown) =>
      expect(error).toMatchObject(corrupt),
    );

    const ended = await stores.sessions.revoke({ ...session, kind: 'user' }, 'admin');
    expect(ended.kind).toBe('confirmed');
    expect(await read(untouched)).toEqual(untouched);
    expect((await stores.sessions.revoke({ kind: 'session', handle: session.handle }, 'admin')).kind).toBe('confirmed');
    expect(await read(session)).toBeUndefined();
  });
});

describe('a tombstone that is', () => {
  const kinds: readonly (readonly [string, (session: Session) => string])[] = [
    ['of the session', ({ handle }) => tombstoneKey('s', handle)],
    ['of the user', (session) => tombstoneKey('u', userKeyOf(session))],
    ['of the provider', ({ idp }) => tombstoneKey('i', idpKeyOf(idp))],
    ['of the login', ({ issuer, idpSessionId }) => tombstoneKey('p', idpSessionKeyOf({ issuer, sid: idpSessionId }))],
    ['of everything', () => tombstoneKey('all', '')],
  ];
  const damages: readonly (readonly [string, Damage])[] = [
    ...ofStrings,
    ...wrongTypes,
    hash,
    zset,
    ['negative', replaced('-1')],
    ['a fraction', replaced('1.5')],
    ['a number too large', replaced('9'.repeat(20))],
    ['a number and more', replaced('7 ')],
  ];
  test.each(damages)('%s lets nobody in whom it may have ended', async (_, damage) => {
    for (const [, keyOf] of kinds) {
      const session = await login();
      const key = keyOf(session);
      await raw.set(key, '1');
      await damage({ key, other: key });
      faults.length = 0;
      await expect(read(session)).rejects.toMatchObject(corrupt);
      wasTold();
      await raw.del(key);
      expect(await read(session)).toEqual(session);
    }
  });
});

describe('the control slot', () => {
  let session: Session;
  beforeEach(async () => {
    await anew();
    session = await login();
  });

  test.each([
    text,
    ...wrongTypes,
    zset,
    ['without its number', () => raw.hdel(CONTROL_KEY, 'seq')],
    ['with an empty number', () => raw.hset(CONTROL_KEY, 'seq', '')],
    ['with a number that is none', () => raw.hset(CONTROL_KEY, 'seq', 'seven')],
    ['with a negative number', () => raw.hset(CONTROL_KEY, 'seq', '-1')],
    ['with a number too large', () => raw.hset(CONTROL_KEY, 'seq', '9'.repeat(20))],
    ['with an empty era', () => raw.hset(CONTROL_KEY, 'era', '')],
    ['with an era of random bytes', () => raw.hset(CONTROL_KEY, 'era', Buffer.from('00ff7c0a', 'hex'))],
    ['with an era of 10 MB', () => raw.hset(CONTROL_KEY, 'era', Buffer.alloc(TEN_MB, 1))],
    ['without an end', () => raw.hdel(CONTROL_KEY, 'end')],
    ['with an end that is none', () => raw.hset(CONTROL_KEY, 'end', 'never')],
  ] as (readonly [string, Damage])[])('%s gives no lease, signs nobody in, and confirms nothing', async (_, damage) => {
    await damage({ key: CONTROL_KEY, other: CONTROL_KEY });
    await waitFor('the lease to be over', () => (stores.lease().isHeld ? undefined : true));
    await waitFor('it to be found', () => (faults.length > 0 ? true : undefined));
    wasTold();
    await expect(Promise.resolve(stores.sessions.get(session.handle))).rejects.toMatchObject(corrupt);
    await expect(stores.sessions.loginMark()).rejects.toMatchObject(corrupt);
    const revocation = await stores.sessions.revoke({ ...session, kind: 'user' }, 'admin');
    expect(revocation).toMatchObject({ kind: 'not-confirmed', why: 'store-corrupt' });
  });

  test.each([
    ['without an era', () => raw.hdel(CONTROL_KEY, 'era')],
    ['of another era', () => raw.hset(CONTROL_KEY, 'era', 'another')],
    ['that is gone', () => raw.del(CONTROL_KEY)],
    [
      'that is a field of something else',
      async () => [await raw.del(CONTROL_KEY), await raw.hset(CONTROL_KEY, 'x', 'y')],
    ],
  ] as (readonly [string, Damage])[])('%s ends every session, since tombstones may be lost', async (_, damage) => {
    await damage({ key: CONTROL_KEY, other: CONTROL_KEY });
    await waitFor('the lease to be of the new era', async () =>
      (await Promise.resolve(read(session)).catch(() => session)) === undefined ? true : undefined,
    );
    const next = await login();
    expect(await read(next)).toEqual(next);
  });

  test.each([
    ['of another form', 'x'],
    ['that is empty', ''],
    ['with a number too large', `h|${'9'.repeat(20)}|1`],
    ['of 10 MB', 'x'.repeat(TEN_MB)],
  ])('with a member %s confirms nothing', async (_, state) => {
    await raw.hset(CONTROL_KEY, 'm:foreign', state);
    const revocation = await stores.sessions.revoke({ ...session, kind: 'user' }, 'admin');
    expect(revocation).toMatchObject({ kind: 'not-confirmed', why: 'store-corrupt' });
    wasTold();
    expect(await read(session)).toBeUndefined();
  });

  describe('and its stream of invalidations', () => {
    test.each([text, ...wrongTypes.slice(0, 2), hash, zset])('as %s confirm nothing', async (_, damage) => {
      await damage({ key: INVALIDATIONS_KEY, other: INVALIDATIONS_KEY });
      const revocation = await stores.sessions.revoke({ ...session, kind: 'user' }, 'admin');
      expect(revocation).toMatchObject({ kind: 'not-confirmed', why: 'store-corrupt' });
      wasTold();
      // Ended all the same: at hand it is no longer good, and anew it is not read.
      await waitFor('it to be over', () => (stores.lease().isHeld ? undefined : true));
      await expect(Promise.resolve(stores.sessions.get(session.handle))).rejects.toMatchObject(corrupt);
    });

    /** In one, by a process that has begun and goes on from there. */
    const announced =
      (...fields: string[]): Damage =>
      async () => {
        await waitFor('renewals', async () => {
          const states = Object.entries(await raw.hgetall(CONTROL_KEY)).filter(([name]) => name.startsWith('m:'));
          return states.length === 1 && Number(states[0]?.[1].split('|').at(-1)) > 3 ? true : undefined;
        });
        const seq = Number(await raw.hget(CONTROL_KEY, 'seq')) + 1;
        await raw
          .multi()
          .xadd(INVALIDATIONS_KEY, `${seq}-0`, ...fields)
          .hset(CONTROL_KEY, 'seq', seq)
          .exec();
      };
    test.each([
      ['a field less', announced('hist', 'h', 'kind', 's')],
      ['other fields', announced('a', 'h', 'b', 's', 'c', 'x')],
      ['swapped fields', announced('hist', 'h', 'key', 'x', 'kind', 's')],
      ['a key of 10 MB', announced('hist', 'h', 'kind', 's', 'key', 'x'.repeat(TEN_MB))],
      ['a kind of 10 MB', announced('hist', 'h', 'kind', 'x'.repeat(TEN_MB), 'key', '')],
    ])('with an entry of %s give no lease', async (_, damage) => {
      await damage({ key: INVALIDATIONS_KEY, other: INVALIDATIONS_KEY });
      await waitFor('the lease to be over', () => (stores.lease().isHeld ? undefined : true));
      await expect(read(session)).rejects.toMatchObject(corrupt);
      wasTold();
      // The way out that the documentation names.
      await raw.del(INVALIDATIONS_KEY);
      await waitFor('sessions to be known again', async () => ((await read(session)) === undefined ? undefined : true));
    });

    test('that lie in the future confirm nothing, and what was revoked is over', async () => {
      await raw.xadd(INVALIDATIONS_KEY, '*', 'hist', 'h', 'kind', 's', 'key', 'x');
      const revocation = await stores.sessions.revoke({ ...session, kind: 'user' }, 'admin');
      expect(revocation).toMatchObject({ kind: 'not-confirmed', why: 'store-corrupt' });
      wasTold();
      await waitFor('it to be over', async () => ((await read(session)) === undefined ? true : undefined));
    });
  });
});

describe('an index that is', () => {
  beforeAll(anew);
  const indexes: readonly (readonly [string, (session: Session) => string])[] = [
    ['of a user', ({ subject }) => nameIndexKey(subject)],
    ['of a login', ({ issuer, idpSessionId = '' }) => idpSessionIndexKey({ issuer, sid: idpSessionId })],
    ['of all', () => ALL_SESSIONS_KEY],
  ];
  test.each([...wrongTypes, hash, text])('%s fails to list, and ends what it should', async (_, damage) => {
    for (const [, keyOf] of indexes) {
      const session = await login();
      const key = keyOf(session);
      await damage({ key, other: key });
      faults.length = 0;
      expect(await read(session)).toEqual(session);
      const again = aSession({ ...session, handle: handleOf(aSessionId(`again ${session.subject}`)) });
      await expect(stores.sessions.create(again)).rejects.toMatchObject(corrupt);
      wasTold();
      expect((await stores.sessions.revoke({ ...session, kind: 'user' }, 'admin')).kind).toBe('confirmed');
      expect(await read(session)).toBeUndefined();
      await raw.del(key);
    }
  });

  test('of an end that never comes signs nobody in, and ends what it should', async () => {
    const session = await login();
    await raw.zadd(nameIndexKey(session.subject), '+inf', handleOf('foreign'));
    faults.length = 0;
    const again = aSession({ ...session, handle: handleOf(aSessionId(`again ${session.subject}`)) });
    await expect(stores.sessions.create(again)).rejects.toMatchObject(corrupt);
    wasTold();
    expect(await read(again)).toBeUndefined();
    expect(await read(session)).toEqual(session);
    const listed = await stores.sessions.list({ user: session.subject, limit: 10 });
    expect(listed.map(({ handle }) => handle)).toEqual([session.handle]);
    expect(await stores.sessions.revoke({ ...session, kind: 'user' }, 'admin')).toMatchObject({
      ...{ kind: 'confirmed', sessions: 1 },
    });
    expect(await read(session)).toBeUndefined();
  });

  test('full of others’ sessions lists and ends only those that are meant, and hides none of them', async () => {
    const [alice, bob] = [await login(), await login()];
    const foreign = await Promise.all(Array.from({ length: 60 }, () => login({ expiresAt: secondsAfter(7200) })));
    const key = nameIndexKey(alice.subject);
    for (const { handle, expiresAt } of [...foreign, bob]) await raw.zadd(key, expiresAt, handle);
    const listed = await stores.sessions.list({ user: alice.subject, limit: 10 });
    expect(listed.map(({ handle }) => handle)).toEqual([alice.handle]);
    expect(await stores.sessions.revoke({ ...alice, kind: 'user' }, 'admin')).toMatchObject({
      kind: 'confirmed',
      sessions: 1,
    });
    expect(await read(alice)).toBeUndefined();
    for (const session of [...foreign, bob]) expect(await read(session)).toEqual(session);
  });

  test('of a login, with others’ sessions in it, ends those of the login alone', async () => {
    const [alice, bob] = [await login(), await login()];
    const { issuer, idpSessionId: sid = '' } = alice;
    await raw.zadd(idpSessionIndexKey({ issuer, sid }), bob.expiresAt, bob.handle);
    const ended = await stores.sessions.revoke({ kind: 'idp-session', issuer, sid }, 'idp-logout');
    expect(ended).toMatchObject({ kind: 'confirmed', sessions: 1 });
    expect(await read(alice)).toBeUndefined();
    expect(await read(bob)).toEqual(bob);
  });

  test.each([
    ['empty', (key: string) => raw.del(key)],
    [
      'of names that are none',
      async (key: string) => [await raw.del(key), await raw.zadd(key, '1e18', 'dw}:ctl', '1e18', '', '1e18', '\n')],
    ],
    [
      'of one name of 10 MB',
      async (key: string) => [await raw.del(key), await raw.zadd(key, '1e18', 'x'.repeat(TEN_MB))],
    ],
    [
      'of ends that are none',
      async (key: string) => [await raw.del(key), await raw.zadd(key, 'inf', 'x', '-inf', 'y')],
    ],
  ])('%s misses none of a user’s sessions when they are ended', async (_, damage) => {
    const [alice, bob] = [await login(), await login()];
    await damage(nameIndexKey(alice.subject));
    expect(await stores.sessions.list({ user: alice.subject, limit: 10 })).toEqual([]);
    expect((await stores.sessions.revoke({ ...alice, kind: 'user' }, 'admin')).kind).toBe('confirmed');
    expect(await read(alice)).toBeUndefined();
    expect(await read(bob)).toEqual(bob);
  });
});

describe('the claim of a session that is', () => {
  beforeAll(anew);
  test.each([...wrongTypes, hash, zset, ['without an end', replaced('nobody')] as const, ...ofStrings])(
    '%s is nobody’s leave to change it',
    async (_, damage) => {
      const session = await login();
      const key = claimKey(session.handle);
      await damage({ key, other: key });
      faults.length = 0;
      await expect(stores.sessions.claim(session.handle, 'me', 1000)).rejects.toMatchObject(corrupt);
      wasTold();
      const outcome = await stores.sessions.replace({ ...session, version: 2 }, 'me').catch((error: unknown) => error);
      expect([{ kind: 'refused' }, expect.objectContaining(corrupt)]).toContainEqual(outcome);
      expect(await read(session)).toEqual(session);
    },
  );
});

describe('a used id that is', () => {
  test.each([...wrongTypes, hash, zset, ...ofStrings])('%s is used all the same', async (_, damage) => {
    const id = `flow ${(logins += 1)}`;
    expect(await stores.once.use(id, 60)).toBe(true);
    await damage({ key: usedIdKey(id), other: usedIdKey(id) });
    expect(await stores.once.wasUsed(id)).toBe(true);
    expect(await stores.once.use(id, 60)).toBe(false);
  });
});

describe('the facts of a user', () => {
  beforeAll(anew);
  const fact: UserFact = { about: 'risk', scope: 'scope', level: 'high', at: epochSeconds(NOW) };
  let user: { readonly issuer: string; readonly subject: string; readonly email: string };
  let place: Place;
  beforeEach(async () => {
    const users = [0, 1].map(() => {
      logins += 1;
      return { issuer: 'https://idp.example.com', subject: `user-${logins}`, email: `user-${logins}@example.com` };
    });
    const keys = users.map((each) => factsKey(ownerKeyOf({ ...each, kind: 'user' })));
    for (const each of users) {
      expect((await stores.facts.put({ ...each, kind: 'user' }, fact)).kind).toBe('confirmed');
      expect(await stores.facts.of(each)).toEqual([fact]);
    }
    user = users[0]!;
    place = { key: keys[0]!, other: keys[1]! };
    faults.length = 0;
  });
  const field = async (): Promise<string> => (await raw.hkeys(place.key))[0] ?? '';
  const value = async (): Promise<string> => (await raw.hget(place.key, await field())) ?? '';
  const put =
    (change: (before: string) => string | Buffer): Damage =>
    async () =>
      raw.hset(place.key, await field(), change(await value()));
  /** By a process that has nothing at hand. */
  const readFacts = async (): Promise<unknown> => {
    const another = await openStores(serverAt(redis.port), aClock(), {
      logger,
      onCorrupt: (fault) => faults.push(fault),
    });
    try {
      return await another.facts.of(user);
    } finally {
      await another.sessions.close();
    }
  };

  test.each([
    text,
    ...wrongTypes,
    zset,
    ofAnother,
    swapped,
    ['under another field', async () => raw.hset(place.key, 'other', await value())],
    ['empty', put(() => '')],
    ['random', put(() => Buffer.from('00ff7c0a', 'hex'))],
    ['of 10 MB', put(() => 'x'.repeat(TEN_MB))],
    ['JSON', put(() => JSON.stringify(fact))],
    ['cut short', put((before) => before.slice(0, -1))],
    ['of another time', put((before) => before.replace(/^\d/, '9'))],
    ['without a time', put((before) => before.replace(/^\d+/, ''))],
    ['one bit off', put((before) => `${before.slice(0, -5)}${before.at(-5) === 'A' ? 'B' : 'A'}${before.slice(-4)}`)],
  ] as (readonly [string, Damage])[])('as %s are never "nothing is known"', async (_, damage) => {
    await damage(place);
    await expect(readFacts()).rejects.toMatchObject(corrupt);
    wasTold();
    // Nor after another one was put beside it.
    await stores.facts.put({ ...user, kind: 'user' }, { ...fact, scope: 'another', at: epochSeconds(NOW + 1) });
    await expect(readFacts()).rejects.toMatchObject(corrupt);
  });
});
