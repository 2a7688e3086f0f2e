import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { createMemorySessionStore } from '../../../src/adapters/memory/session-store.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { createAdminClient } from '../../../src/adapters/web/admin-client.ts';
import { startAdminServer, type AdminServer } from '../../../src/adapters/web/admin-server.ts';
import type { ChangeRecord } from '../../../src/core/audit/change-record.ts';
import { DependencyError, type ChangeAudit, type Logger, type SessionStore } from '../../../src/core/ports.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { idpName } from '../../../src/core/units.ts';
import { aClock, aSession, aSessionId, NOW } from '../../core/session/a-session.ts';
import { startProgram } from '../../support/child-process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait.ts';

const folder = temporaryFolder();
const socketPath = folder.file('admin.sock');
afterAll(() => folder.remove());

const lines: string[] = [];
const log = (fields: Readonly<Record<string, unknown>>, message: string): void => {
  lines.push(`${message} ${JSON.stringify(fields)}`);
};
const logger: Logger = { debug: log, info: log, warn: log, error: log };

const alice = aSession({ handle: handleOf(aSessionId('alice')), claims: new Map([['groups', ['a secret group']]]) });
const bob = aSession({ handle: handleOf(aSessionId('bob')), subject: 'bob-1', email: 'bob@example.com' });

const idps = (): readonly string[] => ['default', 'corp'];

const changes: ChangeRecord[] = [];
let isAuditFull = false;
let flushed: () => Promise<void> = () => Promise.resolve();
const audit: ChangeAudit<ChangeRecord> = {
  isFull: () => isAuditFull,
  write: (record) => {
    changes.push(record);
  },
  flush: () => flushed(),
};
const audited = { audit, clock: aClock(), entropy: systemEntropy };

let server: AdminServer;
let sessions: SessionStore;
const ask = createAdminClient(socketPath);
beforeEach(async () => {
  lines.length = 0;
  changes.length = 0;
  isAuditFull = false;
  flushed = () => Promise.resolve();
  sessions = createMemorySessionStore({ clock: aClock() });
  await sessions.create(alice);
  await sessions.create(bob);
  server = await startAdminServer({ socketPath, sessions, idps, ...audited, logger });
});
afterEach(() => server.close());

/** A request as it is written, with whatever headers and body. */
const raw = (
  method: string,
  path: string,
  {
    headers = {},
    body = '',
  }: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer } = {},
): Promise<{ readonly status: number; readonly allow: string | undefined; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, allow: response.headers.allow, text }));
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(body);
  });
const json = { 'content-type': 'application/json' };

describe('admin listener', () => {
  test('lists live sessions, of all or of one user', async () => {
    const all = await ask('GET', '/v1/sessions');
    expect(all.status).toBe(200);
    expect((all.body as { sessions: unknown[] }).sessions).toHaveLength(2);
    const { body } = await ask('GET', '/v1/sessions?user=bob%40example.com&limit=1');
    expect(body).toEqual({ sessions: [expect.objectContaining({ handle: bob.handle, email: 'bob@example.com' })] });
  });

  test('shows one session: who, when and which claims, but no value, token or mark', async () => {
    const { status, body } = await ask('GET', `/v1/sessions/${alice.handle}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ handle: alice.handle, email: alice.email, createdAt: NOW, claims: ['groups'] });
    for (const secret of ['a secret group', 'header.payload.signature', 'access', 'mark', aSessionId('alice')]) {
      expect(JSON.stringify(body)).not.toContain(secret);
    }
  });

  test('ends a session, and the log says which, by whom and why', async () => {
    const path = `/v1/sessions/${alice.handle}/revoke`;
    expect(await ask('POST', path, { reason: 'laptop lost\nsecond line' })).toMatchObject({
      status: 200,
      body: { sessions: 1, acknowledged: 1 },
    });
    expect(await sessions.get(alice.handle)).toBeUndefined();
    expect(await sessions.get(bob.handle)).toBeDefined();
    expect(lines).toHaveLength(1);
    for (const part of [alice.handle, '"via":"socket"', 'laptop lost\\\\nsecond line'.replace('\\\\', '\\')]) {
      expect(lines[0]).toContain(part);
    }
    expect(await ask('POST', path, {})).toMatchObject({ status: 200, body: { sessions: 0 } });
  });

  test('ends all sessions of a user, and no login in flight survives', async () => {
    const mark = await sessions.loginMark();
    const user = { issuer: bob.issuer, subject: bob.subject };
    expect(await ask('POST', '/v1/users/revoke', { ...user, reason: 'left' })).toMatchObject({ body: { sessions: 1 } });
    expect(await sessions.create({ ...bob, handle: handleOf('in flight'), mark })).toBe(false);
    expect(lines[0]).toContain('"subject":"bob-1"');
    expect(lines[0]).toContain('"reason":"left"');
  });

  test('ends all that a provider signed in, and nothing of another', async () => {
    const carol = aSession({ handle: handleOf('carol'), idp: idpName('corp') });
    await sessions.create(carol);
    expect(await ask('POST', '/v1/idps/revoke', { idp: 'corp', reason: 'leak' })).toMatchObject({
      status: 200,
      body: { acknowledged: 1, members: 1 },
    });
    expect(await sessions.get(carol.handle)).toBeUndefined();
    expect(await sessions.get(alice.handle)).toBeDefined();
    expect(lines[0]).toContain('"idp":"corp"');
  });

  test('a provider that is not configured is not found, rather than told as done', async () => {
    expect(await ask('POST', '/v1/idps/revoke', { idp: 'crop' })).toMatchObject({ status: 404 });
    expect(await ask('POST', '/v1/idps/revoke', {})).toMatchObject({ status: 400 });
    expect(lines).toEqual([]);
  });

  test('ends everything, logins in flight included', async () => {
    const mark = await sessions.loginMark();
    expect(await ask('POST', '/v1/all/revoke', { reason: 'drill' })).toMatchObject({ status: 200 });
    expect(await sessions.list({ limit: 10 })).toEqual([]);
    expect(await sessions.create({ ...bob, handle: handleOf('in flight'), mark })).toBe(false);
    expect(lines[0]).toContain('"kind":"all"');
  });

  test.each([
    ['GET', '/'],
    ['GET', '//'],
    ['GET', '/v2/sessions'],
    ['GET', '/v1'],
    ['GET', '/v1/users'],
    ['POST', '/v1/users/revoke/x'],
    ['POST', '/v1/users/delete'],
    ['POST', '/v1/all'],
    ['POST', '/v1/idps/corp/revoke'],
    ['POST', '/v1/__proto__/revoke'],
    ['POST', `/v1/sessions/x/delete`],
    ['GET', '/v1/sessions/x/revoke/y'],
    ['GET', '/V1/sessions'],
    ['GET', 'http://elsewhere/v1/sessions'],
  ])('%s %s is not found', async (method, path) => {
    expect((await raw(method, path)).status).toBe(404);
  });

  test.each([
    ['POST', '/v1/sessions', 'GET'],
    ['DELETE', `/v1/sessions/${alice.handle}`, 'GET'],
    ['GET', `/v1/sessions/${alice.handle}/revoke`, 'POST'],
    ['GET', '/v1/users/revoke', 'POST'],
    ['GET', '/v1/all/revoke', 'POST'],
  ])('%s %s is the wrong method, and changes nothing', async (method, path, allow) => {
    expect(await raw(method, path)).toMatchObject({ status: 405, allow });
    expect(await sessions.list({ limit: 10 })).toHaveLength(2);
  });

  test.each(['0', '1001', '-1', '1.5', 'all', '', '1e2'])('the limit "%s" is refused', async (limit) => {
    expect((await raw('GET', `/v1/sessions?limit=${limit}`)).status).toBe(400);
  });

  test.each(['x', `${alice.handle}x`, '..', '%2e%2e', '*', '__proto__'])(
    'the handle "%s" is refused',
    async (handle) => {
      expect((await raw('GET', `/v1/sessions/${handle}`)).status).toBe(400);
      expect((await raw('POST', `/v1/sessions/${handle}/revoke`, { headers: json, body: '{}' })).status).toBe(400);
    },
  );

  test('a session that does not exist is not found', async () => {
    expect(await ask('GET', `/v1/sessions/${handleOf('nobody')}`)).toMatchObject({ status: 404 });
  });

  test.each([
    ['no content type', {}, '{}', 415],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'reason=x', 415],
    ['text', { 'content-type': 'text/plain' }, '{}', 415],
    ['JSON of another charset', { 'content-type': 'application/json; charset=utf-16' }, '{}', 415],
    ['a list of types', { 'content-type': 'text/plain, application/json' }, '{}', 415],
    ['no body', json, '', 400],
    ['half a body', json, '{"reason":', 400],
    ['a list', json, '[]', 400],
    ['null', json, 'null', 400],
    ['a field too many', json, '{"reason":"x","force":"true"}', 400],
    ['a field of the wrong type', json, '{"reason":1}', 400],
    ['an empty reason', json, '{"reason":""}', 400],
    ['__proto__', json, '{"__proto__":"x"}', 400],
    ['a reason that is too long', json, JSON.stringify({ reason: 'x'.repeat(1025) }), 400],
    ['bytes that are no UTF-8', json, Buffer.from([0x7b, 0x22, 0x77, 0xff, 0x22, 0x7d]), 400],
    ['too much', json, JSON.stringify({ reason: 'x'.repeat(9000) }), 413],
    ['far too much', json, Buffer.alloc(1_000_000, 32), 413],
  ])('a body of %s is refused, and changes nothing', async (_, headers, body, status) => {
    const path = `/v1/sessions/${alice.handle}/revoke`;
    const answered = await raw('POST', path, { headers: headers, body });
    expect(answered.status).toBe(status);
    expect(JSON.parse(answered.text)).toEqual({ error: expect.any(String) });
    expect(await sessions.get(alice.handle)).toBeDefined();
    expect(lines).toEqual([]);
  });

  test.each([{}, { subject: 'bob-1' }, { issuer: 'https://idp.example.com' }])('%j names no user', async (body) => {
    expect(await ask('POST', '/v1/users/revoke', body as Record<string, string>)).toMatchObject({ status: 400 });
    expect((await raw('POST', '/v1/users/revoke', { headers: json, body: '[]' })).status).toBe(400);
  });

  test('JSON that says its charset is taken', async () => {
    const headers = { 'content-type': 'application/json; charset=UTF-8' };
    expect((await raw('POST', `/v1/sessions/${bob.handle}/revoke`, { headers, body: '{}' })).status).toBe(200);
  });
});

describe('admin listener and the audit', () => {
  const failing = async (revoke: SessionStore['revoke']): Promise<void> => {
    await server.close();
    const changed = { ...sessions, revoke };
    server = await startAdminServer({ socketPath, sessions: changed, idps, ...audited, logger });
  };
  const path = `/v1/sessions/${alice.handle}/revoke`;

  test.each([
    [path, {}, { kind: 'session', handle: alice.handle }],
    ['/v1/users/revoke', { issuer: bob.issuer, subject: 'bob-1' }, { issuer: bob.issuer, subject: 'bob-1' }],
    ['/v1/idps/revoke', { idp: 'corp' }, { kind: 'idp', idp: 'corp' }],
    ['/v1/all/revoke', {}, { kind: 'all' }],
  ])('POST %s is two records: who, what, why, then what came of it', async (asked, body, target) => {
    await ask('POST', asked, { ...(body as Readonly<Record<string, string>>), reason: 'drill' });
    const change = {
      ...{ v: 2, kind: 'administration', time: NOW, action: 'revoke', target, reason: 'drill' },
      ...{ by: { via: 'socket', uid: process.getuid?.() }, id: expect.stringMatching(/^[\w-]{22}$/) },
    };
    expect(changes).toMatchObject([
      { ...change, outcome: 'asked', members: undefined },
      { ...change, outcome: 'confirmed', members: 1, acknowledged: 1 },
    ]);
    expect(changes[1]?.id).toBe(changes[0]?.id);
    await ask('POST', asked, body);
    expect(changes[2]?.id).not.toBe(changes[0]?.id);
  });

  test('nothing is changed before it is written that it was asked for', async () => {
    const steps: string[] = [];
    flushed = async () => {
      await new Promise(setImmediate);
      steps.push(`written ${changes.map(({ outcome }) => outcome).join()}`);
    };
    await failing((...target) => {
      steps.push('revoked');
      return sessions.revoke(...target);
    });
    expect(await ask('POST', path, {})).toMatchObject({ status: 200 });
    expect(steps).toEqual(['written asked', 'revoked']);
  });

  test.each([
    ['hangs', (): Promise<void> => new Promise(() => undefined)],
    [
      'fails',
      (): Promise<void> => {
        isAuditFull = true;
        return Promise.resolve();
      },
    ],
  ])('nothing is changed where the audit %s', async (_, flush) => {
    flushed = flush;
    expect(await ask('POST', path, {})).toMatchObject({
      status: 503,
      body: { error: expect.stringContaining('nothing was changed') },
    });
    expect(await sessions.get(alice.handle)).toBeDefined();
    expect(changes.map(({ outcome }) => outcome)).toEqual(['asked']);
  });

  test('what is refused or only looked at is none', async () => {
    await ask('GET', '/v1/sessions');
    await ask('GET', `/v1/sessions/${alice.handle}`);
    await ask('POST', '/v1/idps/revoke', { idp: 'crop' });
    await raw('POST', path, { headers: json, body: '[]' });
    await raw('DELETE', path);
    expect(changes).toEqual([]);
  });

  test('what is not confirmed, or failed, has a second that says so', async () => {
    await failing(() => Promise.resolve({ kind: 'not-confirmed', why: 'unreachable', tookMs: 1, sessions: undefined }));
    expect(await ask('POST', path, {})).toMatchObject({ status: 503 });
    await failing(() =>
      Promise.resolve({ kind: 'not-confirmed', why: 'store-corrupt', tookMs: 1, sessions: undefined }),
    );
    expect(await ask('POST', path, {})).toMatchObject({
      status: 503,
      body: { error: expect.stringContaining('is damaged, so it is not known whether it is revoked') },
    });
    await failing(() => Promise.reject(new Error('a fault')));
    expect(await ask('POST', path, {})).toMatchObject({ status: 500 });
    const over = changes.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'asked');
    expect(over).toEqual(['unreachable', 'store-corrupt', 'failed']);
  });

  test('nothing is changed that could not be recorded', async () => {
    isAuditFull = true;
    expect(await ask('POST', path, {})).toMatchObject({
      status: 503,
      body: { error: expect.stringContaining('audit') },
    });
    expect(await sessions.get(alice.handle)).toBeDefined();
    expect(await ask('GET', '/v1/sessions')).toMatchObject({ status: 200 });
    expect(changes).toEqual([]);
  });
});

describe('admin listener without its store', () => {
  const broken = async (error: Error): Promise<{ readonly status: number; readonly body: unknown }> => {
    await server.close();
    const failing: SessionStore = { ...sessions, list: () => Promise.reject(error) };
    server = await startAdminServer({ socketPath, sessions: failing, idps, ...audited, logger });
    return ask('GET', '/v1/sessions');
  };

  test('says that the store cannot be reached, or read', async () => {
    expect(await broken(new DependencyError('store-unavailable', 'down'))).toEqual({
      status: 503,
      body: { error: 'the session store cannot be reached now' },
    });
    expect((await broken(new DependencyError('store-corrupt', 'odd'))).body).toEqual({
      error: 'what the session store holds cannot be read',
    });
  });

  test('says nothing of a fault of its own', async () => {
    expect(await broken(new Error('a secret'))).toEqual({ status: 500, body: { error: 'internal error' } });
    expect(lines.at(-1)).toContain('fault');
  });
});

describe('admin socket', () => {
  const startAt = (path: string): Promise<AdminServer> =>
    startAdminServer({ socketPath: path, sessions, idps, ...audited, logger });

  test('only its owner may open it, and the mask of the process is as it was', async () => {
    const modeOfNewFile = (): number => {
      const file = folder.file(`new-${lines.push('')}`);
      writeFileSync(file, '');
      return statSync(file).mode;
    };
    const mode = modeOfNewFile();
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    const nested = folder.file('made/admin.sock');
    const other = await startAt(nested);
    expect(statSync(folder.file('made')).mode & 0o777).toBe(0o700);
    expect(modeOfNewFile()).toBe(mode);
    await other.close();
    expect(existsSync(nested)).toBe(false);
  });

  test('is not taken from a process that listens on it', async () => {
    await expect(startAt(socketPath)).rejects.toThrow(`another process listens on ${socketPath}`);
    expect((await ask('GET', '/v1/sessions')).status).toBe(200);
  });

  test('that a killed process left is replaced', async () => {
    const path = folder.file('stale.sock');
    const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const holder = startProgram({ name: 'holder', command: process.execPath, args: ['-e', code] });
    await waitFor('the holder', () => (holder.stdout().includes('up') ? true : undefined));
    await expect(startAt(path)).rejects.toThrow('another process listens');
    holder.signal('SIGKILL');
    await holder.ended();
    expect(existsSync(path)).toBe(true);
    const next = await startAt(path);
    expect((await createAdminClient(path)('GET', '/v1/sessions')).status).toBe(200);
    await next.close();
  });

  test('does not replace a file', async () => {
    const path = folder.file('a-file');
    writeFileSync(path, 'precious');
    await expect(startAt(path)).rejects.toThrow('is there and is no socket');
    expect(existsSync(path)).toBe(true);
  });

  test('is not made where others could exchange it', async () => {
    mkdirSync(folder.file('open'));
    chmodSync(folder.file('open'), 0o777);
    await expect(startAt(folder.file('open/admin.sock'))).rejects.toThrow('can be written to by others');
    chmodSync(folder.file('open'), 0o1777);
    await (await startAt(folder.file('open/admin.sock'))).close();
  });

  test('whose path is too long is an error in words', async () => {
    await expect(startAt(folder.file('x'.repeat(200)))).rejects.toThrow('longer than 103 bytes');
  });

  test('that cannot be made is an error in words', async () => {
    mkdirSync(folder.file('taken.sock'));
    await expect(startAt(folder.file('taken.sock'))).rejects.toThrow('is there and is no socket');
  });

  test('takes a bounded number of connections', async () => {
    const open = Array.from({ length: 60 }, () => connect(socketPath));
    for (const socket of open) socket.on('error', () => undefined);
    await waitFor('the surplus to be closed', () =>
      open.filter(({ readyState }) => readyState === 'open').length <= 32 ? true : undefined,
    );
    for (const socket of open) socket.destroy();
    await waitFor('room', async () => ((await ask('GET', '/v1/sessions')).status === 200 ? true : undefined));
  });
});

describe('admin client', () => {
  test('says in words why nobody answers', async () => {
    const missing = folder.file('missing.sock');
    await expect(createAdminClient(missing)('GET', '/v1/sessions')).rejects.toThrow(
      `no Doorward answers on ${missing}: there is no such socket; is it running, and with this admin_socket?`,
    );
    writeFileSync(folder.file('plain'), '');
    await expect(createAdminClient(folder.file('plain'))('GET', '/v1/sessions')).rejects.toThrow('nobody listens');
  });

  const answering = async (text: string, client = createAdminClient): Promise<unknown> => {
    const path = folder.file('other.sock');
    const other = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => (text === '' ? undefined : socket.end(text)));
    });
    await new Promise<void>((resolve) => {
      other.listen(path, resolve);
    });
    const outcome = await client(path, 200)('GET', '/v1/sessions').catch((error: unknown) => error);
    other.close();
    return outcome;
  };

  test.each([
    ['HTML', 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>', 'is not Doorward'],
    ['half an answer', 'HTTP/1.1 200 OK\r\ncontent-length: 600\r\n\r\n{"sessions":[', 'broke off'],
    ['no HTTP', 'hello\r\n\r\n', 'HPE_INVALID'],
    ['nothing at all', '', 'it took too long'],
  ])('%s is an error in words', async (_, text, expected) => {
    expect(String(await answering(text))).toContain(expected);
  });

  test('an answer without end is cut off', async () => {
    const huge = `HTTP/1.1 200 OK\r\n\r\n${' '.repeat(9 * 1024 * 1024)}`;
    expect(String(await answering(huge, (path) => createAdminClient(path, 5000)))).toContain('is not Doorward');
  });
});
