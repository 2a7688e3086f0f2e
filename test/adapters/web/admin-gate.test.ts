import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';

import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createAdminGate, type AdminGateOptions } from '../../../src/adapters/web/admin-gate.ts';
import type { Admit } from '../../../src/adapters/web/admin-http.ts';
import type { Logger } from '../../../src/core/ports.ts';
import { aClock, type ManualClock } from '../../core/session/a-session.ts';
import { createCertificateAuthority } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const TOKEN = 'x7Qm2vTz9LpR4sWk8NfYb3HcJd6GtUe1';
const OTHER = 'pR4sWk8NfYb3HcJd6GtUe1x7Qm2vTz9L';
const PORT = 9903;

const folder = temporaryFolder();
const tokenFile = folder.file('tokens');
const certificate = createCertificateAuthority(folder).issue('admin', [
  'DNS:admin.example.com',
  'DNS:*.ops.example.com',
  'IP:192.0.2.7',
  'IP:2001:db8::7',
]).cert;
afterAll(() => folder.remove());

const lines: string[] = [];
const log = (fields: Readonly<Record<string, unknown>>, message: string): void => {
  lines.push(`${message} ${JSON.stringify(fields)}`);
};
const logger: Logger = { debug: log, info: log, warn: log, error: log };
let clock: ManualClock;
beforeEach(() => {
  lines.length = 0;
  clock = aClock();
  rmSync(tokenFile, { force: true, recursive: true });
  writeFileSync(tokenFile, `alice ${TOKEN}\n`, { mode: 0o600 });
});

const gateWith = (changes: Partial<AdminGateOptions> = {}): Admit =>
  createAdminGate({ tokenFile, clientNames: undefined, ownCertificate: () => undefined, clock, logger, ...changes });

type Headers = Readonly<Record<string, readonly string[]>>;
const usual: Headers = { host: [`127.0.0.1:${PORT}`], authorization: [`Bearer ${TOKEN}`] };

/** What the gate reads of a request. */
const aRequest = (headers: Headers, localPort = PORT): IncomingMessage =>
  ({ headersDistinct: headers, socket: { localPort, remoteAddress: '127.0.0.1' } }) as unknown as IncomingMessage;

/** 200 = may ask. */
async function statusOf(gate: Admit, headers: Headers, localPort?: number): Promise<number> {
  const by = await gate(aRequest({ ...usual, ...headers }, localPort));
  return by.ok ? 200 : by.error.status;
}

describe('the host that is asked', () => {
  test.each([
    ['127.0.0.1:9903', 200],
    ['127.1.2.3:9903', 200],
    ['localhost:9903', 200],
    ['LOCALHOST:9903', 200],
    ['[::1]:9903', 200],
    ['127.0.0.1', 421],
    ['127.0.0.1:9904', 421],
    ['127.0.0.1:', 421],
    ['127.0.0.1:9903:9903', 421],
    ['127.0.0.1.evil.example.com:9903', 421],
    ['127.evil:9903', 421],
    ['127.1:9903', 421],
    ['2130706433:9903', 421],
    ['localhost.evil.example.com:9903', 421],
    ['admin.example.com:9903', 421],
    ['192.0.2.7:9903', 421],
    ['0.0.0.0:9903', 421],
    ['[::]:9903', 421],
    ['[::ffff:127.0.0.1]:9903', 421],
    ['user@127.0.0.1:9903', 421],
    ['127.0.0.1:9903, 127.0.0.1:9903', 421],
    ['127.0.0.1:99030', 421],
    ['', 421],
  ])('without TLS, by "%s": %i', async (host, status) => {
    expect(await statusOf(gateWith(), { host: [host] })).toBe(status);
  });

  test.each([
    ['admin.example.com:9903', 200],
    ['ADMIN.example.com:9903', 200],
    ['eu.ops.example.com:9903', 200],
    ['192.0.2.7:9903', 200],
    ['[2001:db8::7]:9903', 200],
    ['a.eu.ops.example.com:9903', 421],
    ['example.com:9903', 421],
    ['admin.example.com.evil.example.com:9903', 421],
    ['admin.example.com.:9903', 421],
    ['localhost:9903', 421],
    ['127.0.0.1:9903', 421],
    ['[::1]:9903', 421],
    ['admin.example.com', 421],
  ])('with TLS, by "%s": %i', async (host, status) => {
    expect(await statusOf(gateWith({ ownCertificate: () => certificate }), { host: [host] })).toBe(status);
  });

  test('none, or two, is none of ours', async () => {
    const host = usual['host']?.[0] ?? '';
    expect(await statusOf(gateWith(), { host: [] })).toBe(421);
    expect(await statusOf(gateWith(), { host: [host, host] })).toBe(421);
  });

  test('needs no port where that is the usual one', async () => {
    expect(await statusOf(gateWith(), { host: ['localhost'] }, 80)).toBe(200);
    const overTls = gateWith({ ownCertificate: () => certificate });
    expect(await statusOf(overTls, { host: ['admin.example.com'] }, 443)).toBe(200);
    expect(await statusOf(overTls, { host: ['admin.example.com'] }, 80)).toBe(421);
  });

  test('is judged by the certificate of now', async () => {
    let now: string = certificate;
    const gate = gateWith({ ownCertificate: () => now });
    expect(await statusOf(gate, { host: [`next.example.com:${PORT}`] })).toBe(421);
    now = createCertificateAuthority(folder, 'next-ca').issue('next', ['DNS:next.example.com']).cert;
    expect(await statusOf(gate, { host: [`next.example.com:${PORT}`] })).toBe(200);
  });
});

test.each(['origin', 'sec-fetch-site', 'sec-fetch-mode', 'access-control-request-method'])(
  'a request with %s is of a browser, whatever it says',
  async (name) => {
    for (const value of ['', 'null', 'none', `http://127.0.0.1:${PORT}`])
      expect(await statusOf(gateWith(), { [name]: [value] })).toBe(403);
  },
);

describe('the token', () => {
  test.each([
    ['Bearer', [`Bearer ${TOKEN}`], 200],
    ['bearer in small letters', [`bearer ${TOKEN}`], 200],
    ['nothing', [], 401],
    ['nothing said', [''], 401],
    ['the scheme alone', ['Bearer '], 401],
    ['the token alone', [TOKEN], 401],
    ['another scheme', [`Basic ${TOKEN}`], 401],
    ['another token', [`Bearer ${OTHER}`], 401],
    ['a part of it', [`Bearer ${TOKEN.slice(0, -1)}`], 401],
    ['more than it', [`Bearer ${TOKEN}a`], 401],
    ['its name', ['Bearer alice'], 401],
    ['its line', [`Bearer alice ${TOKEN}`], 401],
    ['two spaces', [`Bearer  ${TOKEN}`], 401],
    ['a space after it', [`Bearer ${TOKEN} `], 401],
    ['it twice', [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`], 401],
    ['two in one', [`Bearer ${TOKEN}, Bearer ${TOKEN}`], 401],
    ['600 characters', [`Bearer ${'a'.repeat(600)}`], 401],
    ['601 characters', [`Bearer ${'a'.repeat(601)}`], 401],
    ['what is no ASCII', [`Bearer ${TOKEN}\u00e9`], 401],
  ])('as %s', async (_, authorization, status) => {
    expect(await statusOf(gateWith(), { authorization })).toBe(status);
  });

  test('is named by name and fingerprint to the audit', async () => {
    expect(await gateWith()(aRequest(usual))).toEqual({
      ok: true,
      value: {
        via: 'address',
        from: '127.0.0.1',
        token: { name: 'alice', fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) },
        certificate: undefined,
      },
    });
  });

  test('is of no use where a certificate is needed, and there is no TLS', async () => {
    expect(await statusOf(gateWith({ clientNames: [] }), {})).toBe(403);
  });
});

describe('a file of tokens', () => {
  const replaceBy = (make: () => void): (() => void) => {
    return () => {
      rmSync(tokenFile);
      make();
    };
  };
  test.each([
    ['that is not there', () => rmSync(tokenFile), 'cannot be read'],
    ['that is a folder', replaceBy(() => mkdirSync(tokenFile)), 'is no regular file of at most 64 KiB'],
    ['that is a pipe', replaceBy(() => execFileSync('mkfifo', [tokenFile])), 'is no regular file of at most 64 KiB'],
    [
      'that is too long',
      () => writeFileSync(tokenFile, ' '.repeat(64 * 1024 + 1)),
      'is no regular file of at most 64 KiB',
    ],
    ['that others may read', () => chmodSync(tokenFile, 0o604), expect.stringContaining('can be read by others')],
    ['that is empty', () => writeFileSync(tokenFile, ''), expect.stringContaining('is empty')],
    ['with a weak token', () => writeFileSync(tokenFile, 'secret'), expect.stringContaining('32 bytes in base64')],
  ])('%s lets nobody ask, and the log says why', async (_, spoil, reason) => {
    const gate = gateWith();
    expect(await statusOf(gate, {})).toBe(200);
    spoil();
    const refused = await gate(aRequest(usual));
    // Why, is not for strangers.
    expect(refused).toEqual({ ok: false, error: { status: 503, body: { error: 'the tokens cannot be read now' } } });
    const fault = lines.find((line) => line.startsWith('the file of admin_token_file cannot be used')) ?? '{}';
    expect(JSON.parse(fault.slice(fault.indexOf('{')))).toEqual({ reason });
    // Whoever shows none does not make us look.
    expect(await statusOf(gate, { authorization: [] })).toBe(401);
  });

  test('is read at each request', async () => {
    const gate = gateWith();
    expect(await statusOf(gate, { authorization: [`Bearer ${OTHER}`] })).toBe(401);
    writeFileSync(tokenFile, OTHER);
    expect(await statusOf(gate, { authorization: [`Bearer ${OTHER}`] })).toBe(200);
    expect(await statusOf(gate, {})).toBe(401);
  });
});

describe('the log', () => {
  test('has a line for refusals every ten seconds, however many there are', async () => {
    const gate = gateWith();
    for (let times = 0; times < 100; times += 1) await statusOf(gate, { origin: [TOKEN], host: [TOKEN] });
    expect(lines).toEqual([
      'somebody was refused at the admin address {"from":"127.0.0.1","status":403,"body":{"error":"no page of a browser may ask here"}}',
    ]);
    clock.advance(9.9);
    await statusOf(gate, { host: [] });
    expect(lines).toHaveLength(1);
    clock.advance(0.1);
    await statusOf(gate, { host: [] });
    await statusOf(gate, { host: [] });
    expect(lines).toHaveLength(2);
  });

  test('has a line for a file that cannot be used every ten seconds, also among other refusals', async () => {
    const gate = gateWith();
    await statusOf(gate, { host: [] });
    rmSync(tokenFile);
    for (let times = 0; times < 100; times += 1) await statusOf(gate, {});
    expect(lines).toEqual([
      expect.stringContaining('somebody was refused'),
      'the file of admin_token_file cannot be used: nobody may ask {"reason":"cannot be read"}',
    ]);
    clock.advance(10);
    for (let times = 0; times < 100; times += 1) await statusOf(gate, {});
    expect(lines).toHaveLength(4);
  });

  test('has nothing of those who may ask', async () => {
    expect(await statusOf(gateWith(), {})).toBe(200);
    expect(lines).toEqual([]);
  });
});
