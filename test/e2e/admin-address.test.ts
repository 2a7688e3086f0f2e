/** The admin address of a running process that demands a client certificate and a token: who may not ask, what strangers cannot hold, and what rotates. */

import { chmodSync, copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { createCertificateAuthority, type Certificate } from '../support/certificates.ts';
import { newSecret, startDoorward, type CommandResult, type RunningDoorward } from '../support/doorward.ts';
import { freePort } from '../support/ports.ts';
import { rawRequest, sendRaw, type RawRequest, type RawResponse } from '../support/raw-http.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait.ts';

const OPERATOR = 'email:operator@example.com';
const folder = temporaryFolder();
const ca = createCertificateAuthority(folder);
const nextCa = createCertificateAuthority(folder, 'next-ca');
const server = ca.issue('admin', ['IP:127.0.0.1', 'DNS:admin.example.com']);
const operator = ca.issue('operator', [OPERATOR]);
const somebody = ca.issue('somebody', ['email:somebody@example.com']);
const foreigner = createCertificateAuthority(folder, 'foreign-ca').issue('foreigner', [OPERATOR]);
const [token, otherToken] = [newSecret(), newSecret()];
const files = {
  tokens: folder.file('tokens'),
  certificate: folder.file('admin-now.crt'),
  key: folder.file('admin-now.key'),
  clientCa: folder.file('clients-now.crt'),
};
let port = 0;
let doorward: RunningDoorward;

const tokensAre = (text: string, mode = 0o600): void => {
  writeFileSync(`${files.tokens}.new`, text);
  chmodSync(`${files.tokens}.new`, mode);
  renameSync(`${files.tokens}.new`, files.tokens);
};
function filesAre(certificate: Certificate, clientCa: Certificate): void {
  copyFileSync(certificate.certFile, files.certificate);
  copyFileSync(certificate.keyFile, files.key);
  copyFileSync(clientCa.certFile, files.clientCa);
}

/** Those who hold a connection from before the first test on. */
const slow: { readonly what: string; readonly socket: Socket }[] = [];
function hold(what: string, socket: Socket): void {
  socket.on('error', () => undefined);
  socket.resume();
  slow.push({ what, socket });
}
const overTls = (certificate: Certificate): Socket =>
  connectTls({ port, host: '127.0.0.1', ca: [ca.cert, nextCa.cert], cert: certificate.cert, key: certificate.key });

beforeAll(async () => {
  port = await freePort();
  tokensAre(`alice ${token}\n`);
  filesAre(server, ca);
  doorward = await startDoorward({
    folder,
    address: `unix:${folder.file('check.sock')}`,
    config: {
      cookie_secret: newSecret(),
      shared_secret: newSecret(),
      session_store: 'memory',
      idps: { default: { url: 'https://127.0.0.1:1/', client_id: 'a', client_secret: 'b' } },
      routes: [{ from: 'https://app.example.com', allow_any_authenticated_user: true }],
      admin_address: `127.0.0.1:${port}`,
      admin_token_file: files.tokens,
      admin_tls: {
        certificate_file: files.certificate,
        key_file: files.key,
        client_ca_file: files.clientCa,
        client_names: OPERATOR,
      },
    },
  });
  hold('no handshake', connect(port, '127.0.0.1'));
  const half = connect(port, '127.0.0.1');
  half.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
  hold('half a handshake', half);
  hold('no request', overTls(operator));
  const request = overTls(operator);
  request.write('POST /v1/all/revoke HTTP/1.1\r\nHost:');
  hold('half a request', request);
  const body = overTls(operator);
  body.write(bytesOf({ ...everything, lines: [...everything.lines, 'Content-Length: 20'] }));
  body.write('{"reason"');
  hold('half a body, of who may ask', body);
});
afterAll(async () => {
  for (const { socket } of slow) socket.destroy();
  await doorward.stop();
  folder.remove();
});

const bearer = (said: string): string => `Authorization: Bearer ${said}`;
const everything = {
  method: 'POST',
  path: '/v1/all/revoke',
  lines: [bearer(token), 'Content-Type: application/json'],
} as const;
const bytesOf = (request: Partial<RawRequest>): string => rawRequest({ host: `127.0.0.1:${port}`, ...request });

/** As it is sent, by whoever has this certificate. */
const ask = (request: Partial<RawRequest>, certificate = operator, authority = ca): Promise<RawResponse> =>
  sendRaw({ port, tls: { ca: authority.cert, servername: '', certificate } }, bytesOf(request));
const list = (...lines: readonly string[]): Partial<RawRequest> => ({ path: '/v1/sessions', lines });
const statusFor = async (said: string): Promise<number> => (await ask(list(bearer(said)))).status;

function session(by: Certificate | undefined, authority = ca): Promise<CommandResult> {
  const certificate = by === undefined ? [] : ['--cert', by.certFile, '--key', by.keyFile];
  const at = ['--address', `127.0.0.1:${port}`, '--ca', authority.certFile, '--token-file', files.tokens];
  return doorward.command(['session', 'list', ...at, ...certificate]);
}

describe('nobody may ask', () => {
  const evil = 'https://evil.example.com';
  test.each([
    ['without a token', list(), 401],
    ['with another token', list(bearer(otherToken)), 401],
    ['with the token in another scheme', list(`Authorization: Basic ${token}`), 401],
    ['with two tokens', list(bearer(token), bearer(otherToken)), 401],
    ['with the token in the address', { path: `/v1/sessions?access_token=${token}` }, 401],
    ['without a Host', { ...list(bearer(token)), host: undefined }, 400],
    ['by two hosts', list(bearer(token), 'Host: evil.example.com'), 421],
    ['by another host', { ...list(bearer(token)), host: 'evil.example.com' }, 421],
    ['by a host that begins as this one', { ...list(bearer(token)), host: '127.0.0.1.evil.example.com' }, 421],
    ['by loopback, which the certificate does not name', { ...list(bearer(token)), host: 'localhost' }, 421],
    ['from a page', list(bearer(token), `Origin: ${evil}`), 403],
    ['from a page of no origin', list(bearer(token), 'Origin: null'), 403],
    ['from the address bar of a browser', list(bearer(token), 'Sec-Fetch-Site: none'), 403],
    [
      'for a page that would like to',
      { ...list(`Origin: ${evil}`, 'Access-Control-Request-Method: POST'), method: 'OPTIONS' },
      403,
    ],
  ] as const)('%s', async (_, request: Partial<RawRequest>, status) => {
    const answer = await ask(request);
    expect(answer.status).toBe(status);
    for (const name of ['origin', 'headers', 'methods', 'credentials'])
      expect(answer.header(`access-control-allow-${name}`)).toBeUndefined();
    // What there is, is not for strangers to find out.
    expect((await ask({ ...request, path: '/v1/nothing' })).status).toBe(status);
  });

  test('with a certificate of another authority, of another name, or none', async () => {
    const [may, foreign, other, none] = await Promise.all([
      session(operator),
      session(foreigner),
      session(somebody),
      session(undefined),
    ]);
    expect(may).toEqual({ code: 0, stdout: 'no sessions\n', stderr: '' });
    expect(other).toMatchObject({ code: 1, stderr: 'the client certificate bears no name that may ask\n' });
    for (const refused of [foreign, none])
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('no Doorward answers on') });
  });

  test('in the clear', async () => {
    await expect(sendRaw({ port }, bytesOf(list(bearer(token))))).rejects.toThrow();
  });
});

test('who may, asks by each name of the certificate, and finds nothing at unknown paths', async () => {
  for (const host of [`127.0.0.1:${port}`, `admin.example.com:${port}`])
    expect((await ask({ ...list(bearer(token)), host })).status).toBe(200);
  expect((await ask({ path: '/v1/nothing', lines: [bearer(token)] })).status).toBe(404);
});

test.each([
  ['a stranger', [] as readonly string[], 401],
  ['who may ask', everything.lines, 413],
])('a body without end, of %s, is not taken in', async (_, lines, status) => {
  const socket = overTls(operator);
  let answer = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(bytesOf({ ...everything, lines: [...lines, 'Content-Length: 1000000000'] }));
  const part = Buffer.alloc(64 * 1024, 32);
  const pour = (): void => {
    while (!socket.destroyed && socket.write(part));
  };
  socket.on('drain', pour);
  pour();
  await waitFor('the end', () => (socket.destroyed ? true : undefined));
  // What was not read takes the answer along, where the end comes before it.
  if (answer !== '') expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  // What the sockets of both ends hold, which is a small part of it.
  expect(socket.bytesWritten).toBeLessThan(32_000_000);
  expect(await statusFor(token)).toBe(200);
});

test('a token is of no use from the moment it is taken out of its file, and nobody may ask while that cannot be believed', async () => {
  tokensAre(`alice ${token}\nbob ${otherToken}\n`);
  expect([await statusFor(token), await statusFor(otherToken)]).toEqual([200, 200]);
  tokensAre(`${otherToken}\n`);
  expect([await statusFor(token), await statusFor(otherToken)]).toEqual([401, 200]);
  for (const [text, mode] of [
    ['', 0o600],
    [otherToken, 0o620],
    [otherToken, 0o604],
    [otherToken, 0o000],
    ['short', 0o600],
  ] as const) {
    tokensAre(text, mode);
    expect(await statusFor(otherToken)).toBe(503);
  }
  tokensAre(otherToken, 0o640);
  expect(await statusFor(otherToken)).toBe(200);
  tokensAre(`alice ${token}\n`);
});

test('who holds a connection, loses it', async () => {
  for (const { what, socket } of slow)
    await waitFor(`the end of ${what}`, () => (socket.destroyed ? true : undefined), 30_000);
}, 40_000);

test('files that are replaced are in use within seconds, and those before are not', async () => {
  const nextServer = nextCa.issue('next-admin', ['IP:127.0.0.1']);
  const nextOperator = nextCa.issue('next-operator', [OPERATOR]);
  // Shown and trusted before, with nothing asked yet: it asks nothing afterwards.
  const early = overTls(operator);
  let answer = '';
  early.on('error', () => undefined);
  early.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  await new Promise((resolve) => early.once('secureConnect', resolve));

  // A key that does not fit: what was in use stays.
  copyFileSync(nextServer.keyFile, files.key);
  await waitFor('the fault to be told', () => (doorward.output().includes('cannot be used') ? true : undefined));
  expect(await statusFor(token)).toBe(200);

  filesAre(nextServer, nextCa);
  const next = await waitFor('the new files', () => ask(list(bearer(token)), nextOperator, nextCa));
  expect(next.status).toBe(200);
  await expect(ask(list(bearer(token)), operator, nextCa)).rejects.toThrow();
  early.write(bytesOf(list(bearer(token))));
  await waitFor('the end of the early one', () => (early.destroyed ? true : undefined));
  expect(answer).toBe('');
});

test('the log has one line for all who were refused within ten seconds, and no token', () => {
  const output = doorward.output();
  expect(output.split('somebody was refused').length - 1).toBeLessThan(10);
  expect(output.split('nobody may ask').length - 1).toBe(1);
  for (const secret of [token, otherToken]) expect(output).not.toContain(secret);
});
