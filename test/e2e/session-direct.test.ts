/** `doorward session --direct`: straight against Redis, with no service, or beside one; the same answers, the same audit, no scan. */

import { readFileSync, writeFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { stringify } from 'yaml';

import { ALL_SESSIONS_KEY, CONTROL_KEY } from '../../src/adapters/redis/keys.ts';
import { createDirectSessions, type DirectSessions } from '../../src/adapters/redis/direct-sessions.ts';
import type { ConnectedStores } from '../../src/adapters/redis/stores.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { systemEntropy } from '../../src/adapters/system/entropy.ts';
import { systemTimers } from '../../src/adapters/system/timers.ts';
import type { ChangeRecord } from '../../src/core/audit/change-record.ts';
import { leaseTerms } from '../../src/core/revocation/lease-terms.ts';
import { handleOf } from '../../src/core/session/cookie.ts';
import type { Session } from '../../src/core/session/session.ts';
import { epochSeconds, idpName } from '../../src/core/units.ts';
import { aLogger, openStores, rawClient, serverAt } from '../adapters/redis/a-redis.ts';
import { aSession } from '../core/session/a-session.ts';
import { newSecret, runDoorward, type CommandResult } from '../support/doorward.ts';
import { startRedis, type RunningRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait.ts';

const OTHERS = 5_000;
const AT_ONCE = 50;
const OWN = 7;

const folder = temporaryFolder();
const auditFile = folder.file('audit.jsonl');
const shared = newSecret();
let redis: RunningRedis;
let raw: Redis;
/** As a service has it: a member, which must acknowledge. */
let service: ConnectedStores;

type Changes = Readonly<Record<string, unknown>>;

function configWith(name: string, changes: Changes = {}): string {
  const file = folder.file(`${name}.yaml`);
  const config = {
    grpc_address: `unix:${folder.file('check.sock')}`,
    ops_address: `unix:${folder.file('ops.sock')}`,
    admin_socket: 'off',
    cookie_secret: newSecret(),
    shared_secret: shared,
    idps: { corp: { url: 'https://127.0.0.1:1/', client_id: 'a', client_secret: 'b' } },
    routes: [{ from: 'http://app.localhost', allow_any_authenticated_user: true }],
    redis: { host: redis.host, port: redis.port },
    audit: { destination: auditFile },
    ...changes,
  };
  writeFileSync(file, stringify(config));
  return file;
}

const opened: DirectSessions[] = [];
let config = '';
beforeAll(async () => {
  redis = await startRedis({ folder });
  raw = rawClient(redis.port);
  service = await openStores(serverAt(redis.port), systemClock, { secrets: [shared], terms: leaseTerms() });
  config = configWith('doorward');
});
afterAll(async () => {
  for (const sessions of opened) await sessions.close();
  await service.sessions.close();
  raw.disconnect();
  await redis.stop();
  folder.remove();
});

const direct = (args: readonly string[], file = config): Promise<CommandResult> =>
  runDoorward(['session', ...args, '--direct', '-c', file]);

async function signIn(subject: string, device: number): Promise<Session> {
  const now = systemClock.now();
  const session = aSession({
    handle: handleOf(`${subject} ${device}`),
    subject,
    email: `${subject}@example.com`,
    idp: idpName('corp'),
    createdAt: now,
    authTime: now,
    lastSeenAt: now,
    expiresAt: epochSeconds(now + 3600),
    mark: await service.sessions.loginMark(),
  });
  expect(await service.sessions.create(session)).toBe(true);
  return session;
}

/** At hand of the service from then on, so only a revocation that it hears of ends it. */
async function atHand(subject: string): Promise<Session> {
  const session = await signIn(subject, 0);
  expect(await service.sessions.get(session.handle)).toBeDefined();
  return session;
}

const changes = (): readonly ChangeRecord[] =>
  readFileSync(auditFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ChangeRecord);

const isThere = async ({ handle }: Session): Promise<boolean> => (await service.sessions.get(handle)) !== undefined;

describe('against Redis itself', () => {
  test('each revocation is over, for a process that has the session at hand, when the command returns', async () => {
    const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(atHand));
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error('nobody signed in');
    const members = (await raw.hkeys(CONTROL_KEY)).filter((field) => field.startsWith('m:'));
    expect(members).toHaveLength(1);
    const shown = await direct(['show', alice.handle, '-o', 'json']);
    expect(shown).toMatchObject({ code: 0 });
    expect(JSON.parse(shown.stdout)).toMatchObject({ email: 'alice@example.com' });

    const one = await direct(['revoke', alice.handle, '--reason', 'laptop lost']);
    expect(await isThere(alice)).toBe(false);
    expect(one).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^revoked: 1 session, acknowledged by 1 of 1 process in [\d.]+ ms\n$/),
    });

    expect(await direct(['revoke-user', 'bob@example.com', '--reason', 'left'])).toMatchObject({ code: 0 });
    expect([await isThere(bob), await isThere(carol)]).toEqual([false, true]);
    expect(await direct(['revoke-idp', 'corp'])).toMatchObject({ code: 0 });
    expect(await isThere(carol)).toBe(false);
    const dave = await atHand('dave');
    expect(await direct(['revoke-all', '--reason', 'drill'])).toMatchObject({ code: 0 });
    expect(await isThere(dave)).toBe(false);

    // The command itself was none: nobody ever waits for it.
    expect((await raw.hkeys(CONTROL_KEY)).filter((field) => field.startsWith('m:'))).toEqual(members);
    expect(changes().filter(({ outcome }) => outcome !== 'asked')).toMatchObject([
      { target: { kind: 'session', handle: alice.handle }, reason: 'laptop lost', outcome: 'confirmed', sessions: 1 },
      { target: { kind: 'user', subject: 'bob' }, reason: 'left', outcome: 'confirmed', members: 1, acknowledged: 1 },
      { target: { kind: 'idp', idp: 'corp' } },
      { target: { kind: 'all' }, reason: 'drill' },
    ]);
    for (const { by } of changes()) {
      expect(by).toEqual({ via: 'direct', uid: process.getuid?.(), host: expect.any(String) });
    }
  });

  test(`listing and ending a user's sessions takes no scan and the same commands beside ${OTHERS} of others`, async () => {
    const calls = async (): Promise<Readonly<Record<string, number>>> => {
      const info = await raw.info('commandstats');
      return Object.fromEntries(
        [...info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, count]) => [name ?? '', Number(count)]),
      );
    };
    const sessions = createDirectSessions({
      redis: serverAt(redis.port),
      replicas: 0,
      secrets: [shared],
      clock: systemClock,
      timers: systemTimers,
      entropy: systemEntropy,
      logger: aLogger(),
    });
    opened.push(sessions);
    expect(await sessions.whyNot()).toBeUndefined();
    const administer = async (subject: string): Promise<Readonly<Record<string, number>>> => {
      for (let device = 0; device < OWN; device += 1) await signIn(subject, device);
      await raw.config('RESETSTAT');
      expect(await sessions.list({ user: `${subject}@example.com`, limit: 1000 })).toHaveLength(OWN);
      const target = { kind: 'user', issuer: aSession().issuer, subject } as const;
      expect(await sessions.revoke(target, 'admin')).toMatchObject({ kind: 'confirmed', sessions: OWN });
      return calls();
    };
    // Each script is sent whole the first time.
    await administer('erin');
    const alone = await administer('frank');
    for (let made = 0; made < OTHERS; made += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, place) => signIn(`other-${made + place}`, 0)));
    }
    const among = await administer('grace');
    expect(await raw.zcard(ALL_SESSIONS_KEY)).toBeGreaterThanOrEqual(OTHERS);
    // What the service does by itself meanwhile, and how often it is looked whether it has, depends on time.
    for (const name of ['zrevrange', 'zrem', 'zremrangebyscore', 'unlink', 'set']) {
      expect({ [name]: among[name] }).toEqual({ [name]: alone[name] });
      expect(among[name]).toBeGreaterThan(0);
    }
    for (const name of Object.keys(among))
      expect(name).not.toMatch(/scan|keys|smembers|sort|inter|union|randomkey|dbsize/);
  });

  test('an unknown session, a provider that is not configured and a name of nobody are refused in words', async () => {
    const nobody = handleOf('nobody');
    const [shown, revoked, idp, user] = await Promise.all([
      direct(['show', nobody]),
      direct(['revoke', nobody]),
      direct(['revoke-idp', 'crop']),
      direct(['revoke-user', 'nobody@example.com']),
    ]);
    expect(shown).toMatchObject({ code: 1, stderr: 'there is no such session\n' });
    expect(revoked).toMatchObject({ code: 0, stdout: expect.stringContaining('0 sessions') });
    expect(idp).toMatchObject({ code: 1, stderr: 'no identity provider of that name is configured\n' });
    expect(user).toMatchObject({ code: 1, stderr: expect.stringContaining('no live session') });
  });
});

describe('not against', () => {
  test('the memory store', async () => {
    const file = configWith('memory', { redis: undefined, session_store: 'memory' });
    expect(await direct(['revoke-all'], file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the session store is memory, which is in the service alone'),
    });
  });

  test('a Redis that does not answer', async () => {
    const file = configWith('nowhere', { redis: { host: '127.0.0.1', port: 1, connect_timeout: '300ms' } });
    const { code, stderr } = await direct(['revoke-all'], file);
    expect(code).toBe(1);
    expect(stderr).toContain('doorward: Redis is out of reach\n');
  });

  test('a Redis that evicts', async () => {
    await raw.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const { code, stderr } = await direct(['list']);
    await raw.config('SET', 'maxmemory-policy', 'noeviction');
    expect(code).toBe(1);
    expect(stderr).toContain('allkeys-lru');
    await waitFor('the service to have Redis', () => service.sessions.ping().then(() => true as const));
  });

  test('anything, where the audit cannot be written', async () => {
    const seq = await raw.hget(CONTROL_KEY, 'seq');
    const file = configWith('no-audit', { audit: { destination: folder.file('missing/audit.jsonl') } });
    expect(await direct(['revoke-all'], file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be opened (ENOENT), so nothing was changed'),
    });
    expect(await raw.hget(CONTROL_KEY, 'seq')).toBe(seq);
  });

  test('a full disk without a word: what was done, and that the audit lacks it, is told', async () => {
    const file = configWith('full', { audit: { destination: '/dev/full' } });
    expect(await direct(['revoke-all'], file)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the audit could not be written'),
    });
  });

  test('two things at once', async () => {
    const [socket, address, token] = await Promise.all([
      direct(['list', '--socket', '/x']),
      direct(['list', '--address', '127.0.0.1:1']),
      direct(['list', '--token-file', '/x']),
    ]);
    expect(socket).toMatchObject({ code: 2 });
    expect(address).toMatchObject({ code: 2 });
    expect(token).toMatchObject({ code: 2, stderr: expect.stringContaining('need --address') });
  });
});

test('where the audit goes to stdout, the record is on stderr, and stdout has the answer alone', async () => {
  const file = configWith('stdout', { audit: { destination: 'stdout' } });
  const { code, stdout, stderr } = await direct(['revoke-all', '-o', 'json', '--reason', 'drill'], file);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ members: 1 });
  const records = stderr
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  const record = { log: 'audit', kind: 'administration', reason: 'drill' };
  expect(records).toMatchObject([
    { ...record, outcome: 'asked' },
    { ...record, outcome: 'confirmed' },
  ]);
});
