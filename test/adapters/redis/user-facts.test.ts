/** Facts of users over a real Redis: what every implementation promises, and what a hostile one makes of it. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { Corruption } from '../../../src/adapters/redis/corruption.ts';
import { factsKey } from '../../../src/adapters/redis/keys.ts';
import type { ConnectedStores } from '../../../src/adapters/redis/stores.ts';
import { holderKeysOf, ownerKeyOf } from '../../../src/core/signals/fact-keys.ts';
import { fieldOf, type FactOwner, type UserFact } from '../../../src/core/signals/user-fact.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { userFactsContract } from '../../contract/user-facts.contract.ts';
import { aClock, NOW } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { openStores, openTwoStores, rawClient, SECRETS, serverAt } from './a-redis.ts';

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

userFactsContract('redis', async (clock) => {
  const { here, elsewhere, close } = await openTwoStores(raw, serverAt(redis.port), clock);
  return {
    facts: here.facts,
    elsewhere: elsewhere.facts,
    processes: 2,
    close,
  };
});

const alice = { issuer: 'https://idp.example.com', subject: 'alice', email: 'alice@example.com' };
const ofAlice: FactOwner = { kind: 'user', issuer: alice.issuer, subject: alice.subject };
const key = factsKey(ownerKeyOf(ofAlice));
const fact: UserFact = { about: 'risk', scope: 'scope', level: 'high', at: epochSeconds(NOW) };
const field = fieldOf(fact);

const opened: ConnectedStores[] = [];
const open = async (secrets = SECRETS, onCorrupt: (fault: Corruption) => void = () => undefined) => {
  const stores = await openStores(serverAt(redis.port), aClock(), { secrets, onCorrupt });
  opened.push(stores);
  return stores.facts;
};

describe('what is in Redis', () => {
  beforeEach(async () => {
    await raw.flushall();
  });
  afterAll(() => Promise.all(opened.map(({ sessions }) => sessions.close())));

  test('tells neither who it is of nor how risky, and goes with its time', async () => {
    await (await open()).put(ofAlice, fact);
    const stored = JSON.stringify(await raw.hgetall(key));
    for (const text of ['alice', 'high', 'idp.example.com']) expect(stored).not.toContain(text);
    expect(await raw.pttl(key)).toBeGreaterThan(0);
  });

  test.each<readonly [string, () => Promise<unknown>]>([
    [
      'of another user',
      () =>
        raw
          .copy(key, factsKey('x'))
          .then(() => raw.del(key))
          .then(() => raw.rename(factsKey('x'), factsKey(holderKeysOf(alice)[1]))),
    ],
    ['under another field', async () => raw.hset(key, 'device:scope', (await raw.hget(key, field)) ?? '')],
    ['with another time', async () => raw.hset(key, field, ((await raw.hget(key, field)) ?? '').replace(/^\d/, '9'))],
    ['cut short', async () => raw.hset(key, field, ((await raw.hget(key, field)) ?? '').slice(0, -4))],
    ['of another form', () => raw.hset(key, field, 'low')],
    ['of another type', () => raw.set(key, 'low')],
  ])('a fact %s is a refusal and is counted, never an answer', async (_, tamper) => {
    const faults: Corruption[] = [];
    const facts = await open(SECRETS, (fault) => faults.push(fault));
    await facts.put(ofAlice, fact);
    await tamper();
    await expect(facts.of(alice)).rejects.toMatchObject({ code: 'store-corrupt' });
    expect(faults.length).toBeGreaterThan(0);
  });

  test('a fact that another secret sealed is a refusal, and one that an older secret sealed is not', async () => {
    await (await open()).put(ofAlice, fact);
    await expect((await open(['another secret of thirty-two bytes'])).of(alice)).rejects.toMatchObject({
      code: 'store-corrupt',
    });
    expect(await (await open(['a newer secret of thirty-two bytes', ...SECRETS])).of(alice)).toEqual([fact]);
  });

  test('what was opened by a secret that is gone is not at hand any more', async () => {
    let secrets = SECRETS;
    const stores = await openStores(serverAt(redis.port), aClock(), { secretsNow: () => secrets });
    opened.push(stores);
    await stores.facts.put(ofAlice, fact);
    await stores.facts.of(alice);
    expect(stores.facts.of(alice)).toEqual([fact]);
    secrets = ['another secret of thirty-two bytes', ...SECRETS];
    expect(stores.facts.of(alice)).toEqual([fact]);
    secrets = ['another secret of thirty-two bytes'];
    await expect(stores.facts.of(alice)).rejects.toMatchObject({ code: 'store-corrupt' });
  });

  test('out of reach it throws, and nothing is confirmed', async () => {
    const away = await startRedis({ folder });
    const stores = await openStores(serverAt(away.port), aClock());
    opened.push(stores);
    await away.stop();
    await expect(Promise.resolve().then(() => stores.facts.of(alice))).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    expect(await stores.facts.put(ofAlice, fact)).toMatchObject({ kind: 'not-confirmed' });
  });
});
