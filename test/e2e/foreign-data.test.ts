/** Sessions in Redis swapped, copied, cut short or put there by somebody else: 503 and a record of it, never another's identity, and others go on. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';

import { CONTROL_KEY, INVALIDATIONS_KEY, nameIndexKey, sessionKey } from '../../src/adapters/redis/keys.ts';
import type { SessionHandle } from '../../src/core/units.ts';
import { rawClient } from '../adapters/redis/a-redis.ts';
import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { linesOf } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import type { WebClient } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

const folder = temporaryFolder();
let redis: RunningRedis;
let raw: Redis;
let world: World;

type User = { readonly client: WebClient; readonly key: string; readonly handle: SessionHandle };
const users = new Map<string, User>();
const userOf = (name: string): User => {
  const user = users.get(name);
  if (user === undefined) throw new Error(`${name} is not signed in`);
  return user;
};
const UNTOUCHED = 'grace';

beforeAll(async () => {
  redis = await startRedis({ folder });
  raw = rawClient(redis.port);
  world = await openWorld({
    profile: 'hardened',
    routes: standardRoutes,
    config: () => ({ session_store: 'redis', redis: { url: `redis://${redis.host}:${redis.port}/0` } }),
  });
  for (const name of ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'heidi', UNTOUCHED]) await signIn(name);
});
afterAll(async () => {
  raw.disconnect();
  await world.close();
  await redis.stop();
  folder.remove();
});

const emailOf = (name: string): string => `${name}@example.com`;
const page = (path: string): string => `${world.origins('app')}${path}`;

async function signIn(name: string): Promise<void> {
  await world.provider().setUser({ login: name, email: emailOf(name), email_verified: true });
  const client = world.client();
  expect((await world.login(client, page('/'), name)).status).toBe(200);
  const [handle = ''] = await raw.zrange(nameIndexKey(emailOf(name)), '0', '0');
  users.set(name, { client, key: sessionKey(handle as SessionHandle), handle: handle as SessionHandle });
}

/** With what is read anew from Redis, and by whom the application is told that it was asked. */
async function expectAllowed(name: string): Promise<void> {
  expect((await userOf(name).client.get(page('/'), API)).status).toBe(200);
  expect(linesOf(world.lastReceived(), 'x-email')).toEqual([emailOf(name)]);
}

/** As a newer version would tell of what this one does not know: everything at hand goes. */
async function dropAtHand(): Promise<void> {
  const seq = Number(await raw.hget(CONTROL_KEY, 'seq')) + 1;
  await raw
    .multi()
    .xadd(INVALIDATIONS_KEY, `${seq}-0`, 'hist', 'h', 'kind', 'of-tomorrow', 'key', '')
    .hset(CONTROL_KEY, 'seq', seq)
    .exec();
  await waitFor('nothing to be at hand', async () =>
    /^doorward_session_cache_entries 0$/m.test((await world.doorward.ops('/metrics')).body) ? true : undefined,
  );
}

async function found(fault: string): Promise<number> {
  const { body } = await world.doorward.ops('/metrics');
  return [...body.matchAll(/^doorward_store_corrupt_total\{(.*)\} (\d+)$/gm)]
    .filter(([, labels = '']) => labels.includes(`fault="${fault}"`))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}

const changeBytes = async (key: string, change: (bytes: Buffer) => Buffer): Promise<unknown> =>
  raw.set(key, change((await raw.getBuffer(key)) ?? Buffer.of()), 'KEEPTTL');

async function swap(one: string, other: string): Promise<void> {
  await raw.multi().rename(one, 'aside').rename(other, one).rename('aside', other).exec();
}

const session = (...args: readonly string[]) =>
  world.doorward.command(['session', ...args, '--socket', world.folder.file('admin.sock')]);

describe('a session in Redis', () => {
  const damages: readonly (readonly [string, string, (key: string) => Promise<unknown>])[] = [
    ['swapped with that of another', 'alice', (key) => swap(key, userOf('bob').key)],
    ['that another was swapped with', 'bob', () => Promise.resolve()],
    ['cut short', 'carol', (key) => changeBytes(key, (bytes) => bytes.subarray(0, -7))],
    ['of another type', 'dave', async (key) => [await raw.del(key), await raw.hset(key, 'email', emailOf(UNTOUCHED))]],
    [
      'of a newer format',
      'erin',
      (key) => changeBytes(key, (bytes) => Buffer.concat([Buffer.of(3), bytes.subarray(1)])),
    ],
    [
      'that says an older format',
      'frank',
      (key) => changeBytes(key, (bytes) => Buffer.concat([Buffer.of(1), bytes.subarray(1)])),
    ],
    ['that is a copy of another', 'heidi', (key) => raw.copy(userOf(UNTOUCHED).key, key, 'REPLACE')],
  ];
  const faultsBefore = new Map<string, number>();

  beforeAll(async () => {
    for (const fault of ['record', 'wrong-type']) faultsBefore.set(fault, await found(fault));
    for (const [, name, damage] of damages) await damage(userOf(name).key);
    await dropAtHand();
  });

  test.each(damages)('%s is 503 to its user and nobody to anyone; it is in the audit', async (_, name) => {
    const { client, handle } = userOf(name);
    const received = world.upstream.received().length;
    const api = await client.get(page(`/of-${name}`), API);
    expect(api.status).toBe(503);
    expect(Number(api.header('retry-after'))).toBeGreaterThan(0);
    expect(api.text).not.toContain('@');

    const browser = await client.get(page(`/of-${name}`));
    expect([browser.status, browser.header('location')]).toEqual([503, undefined]);
    expect(browser.text).not.toContain('@example.com');
    // What was stored is untouched as well: the user is not signed out by an outage.
    expect([...api.setCookies, ...browser.setCookies]).toEqual([]);
    expect(world.upstream.received()).toHaveLength(received);

    const record = await world.doorward.auditOf(({ path }) => path === `/of-${name}`);
    expect(record).toMatchObject({
      decision: 'error',
      status: 503,
      code: 'store-corrupt',
      identity: { state: 'unread' },
    });
    expect([record.subject, record.email, record.idp]).toEqual([undefined, undefined, undefined]);
    expect([undefined, handle]).toContain(record.session);
    await expectAllowed(UNTOUCHED);
  });

  test('is counted by what is wrong with it', async () => {
    // Asked for by a program and by a browser.
    expect((await found('record')) - (faultsBefore.get('record') ?? 0)).toBeGreaterThanOrEqual(2 * 6);
    expect((await found('wrong-type')) - (faultsBefore.get('wrong-type') ?? 0)).toBeGreaterThanOrEqual(2);
    expect(world.doorward.output()).toContain('not what Doorward keeps there');
  });

  test('that is put back is the session of its user again', async () => {
    await swap(userOf('alice').key, userOf('bob').key);
    await expectAllowed('alice');
    await expectAllowed('bob');
  });

  test('that nobody can read can be ended', async () => {
    const { client, handle } = userOf('carol');
    expect(await session('revoke', handle)).toMatchObject({ code: 0 });
    expect((await client.get(page('/'), API)).status).toBe(401);
    await expectAllowed(UNTOUCHED);
  });
});

test('a damaged control slot ends nothing and confirms nothing, and the administrator is told so', async () => {
  await raw.hset(CONTROL_KEY, 'end', 'never');
  const told = await session('revoke-all', '--reason', 'drill');
  expect(told).toMatchObject({ code: 1, stderr: expect.stringContaining('what the session store holds is damaged') });
  const direct = await world.doorward.command(['session', 'revoke-all', '--direct', '-c', world.doorward.configFile]);
  expect(direct).toMatchObject({ code: 1, stderr: expect.stringContaining('what the session store holds is damaged') });
  const outcomes = await waitFor('the records of the changes', () => {
    const ofAll = world.doorward.changes().filter(({ target }) => target.kind === 'all');
    return ofAll.length === 2 ? ofAll.map(({ outcome }) => outcome) : undefined;
  });
  expect(outcomes).toEqual(['store-corrupt', 'store-corrupt']);

  // The lease is over by then, and nothing is decided without it.
  const { client } = userOf(UNTOUCHED);
  await waitFor('sessions to be unknown', async () =>
    (await client.get(page('/'), API)).status === 503 ? true : undefined,
  );
  expect((await client.get(page('/public/x'), API)).status).toBe(200);
  expect(world.doorward.exitCode()).toBeUndefined();

  // The way out that the documentation names.
  await raw.del(CONTROL_KEY);
  await waitFor('everybody to be signed out', async () =>
    (await client.get(page('/'), API)).status === 401 ? true : undefined,
  );
  await signIn('ivan');
  await expectAllowed('ivan');
});
