/** Who may ask the Check listener: TLS with real certificates, asked by the real gRPC client. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';

import { credentials, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import type { CheckTls } from '../../../src/adapters/envoy/bind-rules.ts';
import type { CheckServerOptions } from '../../../src/adapters/envoy/check-server.ts';
import { aHandler, allowing, anAsker, closeAll, open, portOf, type Asker } from './a-check-server.ts';
import { fixture } from './oracle.ts';
import { anAuthority, temporaryFolder, type Authority, type Pem } from './pki.ts';

const ENVOY = 'spiffe://corp.example/ns/edge/sa/envoy';
const SERVER_NAMES = 'IP:127.0.0.1,DNS:localhost';
const POLL_MS = 20;

const folder = temporaryFolder();
let servers: Authority;
let clients: Authority;
let strangers: Authority;
let serverPem: Pem;
let envoy: Pem;

beforeAll(() => {
  [servers, clients, strangers] = [anAuthority(folder), anAuthority(folder), anAuthority(folder)];
  serverPem = servers.issue(SERVER_NAMES);
  envoy = clients.issue(`URI:${ENVOY}`);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
afterEach(closeAll);

let count = 0;

function tlsFiles({ certificate, key }: Pem, clientCa: Buffer, spiffe_ids: readonly string[] = []): CheckTls {
  const at = (name: string): string => join(folder, `${count}-${name}`);
  count += 1;
  const files = { certificate_file: at('tls.crt'), key_file: at('tls.key'), client_ca_file: at('ca.crt'), spiffe_ids };
  writeFileSync(files.certificate_file, certificate);
  writeFileSync(files.key_file, key);
  writeFileSync(files.client_ca_file, clientCa);
  return files;
}

const openTls = (tls: CheckTls, options: Partial<CheckServerOptions> = {}) =>
  open({ tls, tlsPollMs: POLL_MS, ...options });

const askAs = (port: string, pem: Pem | undefined, ca: Authority = servers, waitForReady = false): Asker =>
  anAsker(
    port,
    credentials.createSsl(ca.certificate, pem?.key ?? null, pem?.certificate ?? null),
    { 'grpc.ssl_target_name_override': 'localhost' },
    waitForReady,
  );

async function isAllowed(asker: Asker): Promise<boolean> {
  try {
    return (await asker.check(fixture('plain'), { deadline: Date.now() + 2_000 })).status?.code === 0;
  } catch (error) {
    // Refused in the handshake or right after it; never answered.
    expect(error).toMatchObject({ code: status.UNAVAILABLE });
    return false;
  }
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries === 2_000) throw new Error('it never held');
    await sleep(POLL_MS);
  }
}

describe('with grpc_tls', () => {
  test('who shows a certificate of the client CA may ask, and nobody else', async () => {
    const server = await openTls(tlsFiles(serverPem, clients.certificate));
    const port = portOf(server);
    expect(await isAllowed(askAs(port, envoy))).toBe(true);
    expect(await isAllowed(askAs(port, undefined))).toBe(false);
    expect(await isAllowed(askAs(port, strangers.issue(`URI:${ENVOY}`)))).toBe(false);
    // Not even who holds a certificate of the authority that has issued the server's own.
    expect(await isAllowed(askAs(port, serverPem))).toBe(false);
    expect(await isAllowed(anAsker(port, credentials.createInsecure()))).toBe(false);
    expect(await isAllowed(askAs(port, envoy))).toBe(true);
  });

  test('strangers are told of in the log, without a line for each', async () => {
    const server = await openTls(tlsFiles(serverPem, clients.certificate));
    for (let times = 0; times < 5; times++) await isAllowed(askAs(portOf(server), undefined));
    expect(server.logger.lines).toEqual([
      {
        level: 'warn',
        fields: { reason: expect.stringMatching(/^ERR_SSL_/), times: 1 },
        message: 'a caller of the Check listener was refused',
      },
    ]);
  });

  test('a client that does not trust the server does not ask it', async () => {
    const server = await openTls(tlsFiles(serverPem, clients.certificate));
    expect(await isAllowed(askAs(portOf(server), envoy, strangers))).toBe(false);
  });

  test.each<[string, string, boolean]>([
    ['the listed SPIFFE ID', `URI:${ENVOY}`, true],
    ['the listed SPIFFE ID beside a DNS name', `DNS:envoy.example,URI:${ENVOY}`, true],
    ['another SPIFFE ID', 'URI:spiffe://corp.example/ns/edge/sa/other', false],
    ['a longer SPIFFE ID', `URI:${ENVOY}/x`, false],
    ['two SPIFFE IDs', `URI:${ENVOY},URI:spiffe://corp.example/ns/edge/sa/other`, false],
    ['no URI at all', 'DNS:envoy.example', false],
    ['a DNS name that reads like it', `DNS:${ENVOY}`, false],
  ])('and a list of SPIFFE IDs, a certificate with %s', async (_, names, may) => {
    const server = await openTls(tlsFiles(serverPem, clients.certificate, [ENVOY, 'spiffe://corp.example/b']));
    expect(await isAllowed(askAs(portOf(server), clients.issue(names)))).toBe(may);
    expect(server.logger.lines.length).toBe(may ? 0 : 1);
  });

  test('TLS 1.1 and clients without HTTP/2 are not spoken to', async () => {
    const server = await openTls(tlsFiles(serverPem, clients.certificate));
    const handshake = (options: ConnectionOptions): Promise<string> =>
      new Promise((resolve) => {
        const { certificate: cert, key } = envoy;
        const socket = connectTls({
          host: '127.0.0.1',
          servername: 'localhost',
          port: server.port ?? 0,
          ca: servers.certificate,
          cert,
          key,
          ...options,
        });
        socket.on('secureConnect', () => {
          resolve(`${socket.getProtocol() ?? ''} ${String(socket.alpnProtocol)}`);
          socket.destroy();
        });
        socket.on('error', () => {
          resolve('refused');
        });
      });
    expect(await handshake({ ALPNProtocols: ['h2'] })).toBe('TLSv1.3 h2');
    expect(await handshake({ ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' })).toBe('TLSv1.2 h2');
    expect(await handshake({ ALPNProtocols: ['h2'], minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).toBe('refused');
    expect(await handshake({ ALPNProtocols: ['http/1.1'] })).toBe('refused');
  });
});

describe('files that are replaced under a running listener', () => {
  test('are in use for new connections, and those that are open go on', async () => {
    const tls = tlsFiles(serverPem, clients.certificate);
    const server = await openTls(tls);
    const before = askAs(portOf(server), envoy);
    expect(await isAllowed(before)).toBe(true);

    const renewed = strangers.issue(SERVER_NAMES);
    writeFileSync(tls.certificate_file, renewed.certificate);
    writeFileSync(tls.key_file, renewed.key);
    await eventually(() => isAllowed(askAs(portOf(server), envoy, strangers)));
    expect(await isAllowed(before)).toBe(true);
    expect(await isAllowed(askAs(portOf(server), envoy, servers))).toBe(false);
    expect(server.logger.lines).toContainEqual({
      level: 'info',
      fields: { client_ca_changed: false },
      message: 'the new files of grpc_tls are in use',
    });
  });

  test('with another client CA end the connections of those who are no longer trusted', async () => {
    const tls = tlsFiles(serverPem, clients.certificate);
    const server = await openTls(tls);
    const before = askAs(portOf(server), envoy);
    expect(await isAllowed(before)).toBe(true);

    writeFileSync(tls.client_ca_file, strangers.certificate);
    await eventually(async () => !(await isAllowed(before)));
    expect(await isAllowed(askAs(portOf(server), envoy))).toBe(false);
    expect(await isAllowed(askAs(portOf(server), strangers.issue('DNS:a')))).toBe(true);
  });

  test('with one more client CA fail no call of those who were trusted before', async () => {
    const tls = tlsFiles(serverPem, clients.certificate);
    const handler = aHandler(async () => {
      await sleep(2);
      return allowing;
    });
    const server = await openTls(tls, { handler });
    const asker = askAs(portOf(server), envoy, servers, true);
    let isOver = false;
    let answered = 0;
    const load = Array.from({ length: 10 }, async () => {
      while (!isOver) {
        expect((await asker.check()).status?.code).toBe(0);
        answered += 1;
      }
    });
    await eventually(() => answered > 100);
    writeFileSync(tls.client_ca_file, Buffer.concat([strangers.certificate, clients.certificate]));
    await eventually(() => server.logger.lines.some(({ fields }) => fields['client_ca_changed'] === true));
    const before = answered;
    await eventually(() => answered > before + 100);
    isOver = true;
    await Promise.all(load);
    expect(await isAllowed(askAs(portOf(server), strangers.issue('DNS:a')))).toBe(true);
  });

  test('do not let a session be resumed that was begun before', async () => {
    const tls = tlsFiles(serverPem, clients.certificate);
    const server = await openTls(tls);
    const dial = (session: Buffer | undefined) =>
      new Promise<{ session: Buffer | undefined; isReused: boolean; closed: boolean }>((resolve) => {
        const { certificate: cert, key } = envoy;
        const socket = connectTls({
          ...{ host: '127.0.0.1', port: server.port ?? 0, servername: 'localhost', ca: servers.certificate, cert, key },
          ...{ ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' as const, session },
        });
        socket.on('error', () => {
          resolve({ session: undefined, isReused: false, closed: true });
        });
        socket.on('secureConnect', () => {
          resolve({ session: socket.getSession(), isReused: socket.isSessionReused(), closed: false });
          socket.destroy();
        });
      });
    const first = await dial(undefined);
    expect(first.closed).toBe(false);
    expect(await dial(first.session)).toMatchObject({ isReused: false, closed: false });
    writeFileSync(tls.client_ca_file, strangers.certificate);
    await eventually(() => server.logger.lines.length > 0);
    expect((await dial(first.session)).closed).toBe(true);
  });

  test.each<[string, (tls: CheckTls) => void]>([
    [
      'a key that does not fit',
      (tls) => {
        writeFileSync(tls.key_file, servers.issue(SERVER_NAMES).key);
      },
    ],
    [
      'no certificate',
      (tls) => {
        writeFileSync(tls.certificate_file, 'nothing');
      },
    ],
    [
      'no client CA',
      (tls) => {
        writeFileSync(tls.client_ca_file, '');
      },
    ],
    [
      'nothing at all',
      (tls) => {
        rmSync(tls.client_ca_file);
      },
    ],
  ])('with %s are refused once in the log, and those before stay in use', async (_, spoil) => {
    const tls = tlsFiles(serverPem, clients.certificate);
    const server = await openTls(tls);
    spoil(tls);
    await eventually(() => server.logger.lines.length > 0);
    await sleep(10 * POLL_MS);
    expect(server.logger.lines).toMatchObject([
      { level: 'error', message: 'the new files of grpc_tls cannot be used; those before stay in use' },
    ]);
    expect(JSON.stringify(server.logger.lines)).not.toContain('PRIVATE');
    expect(await isAllowed(askAs(portOf(server), envoy))).toBe(true);
    expect(await isAllowed(askAs(portOf(server), undefined))).toBe(false);

    const { certificate, key } = servers.issue(SERVER_NAMES);
    for (const [file, text] of [
      [tls.key_file, key],
      [tls.certificate_file, certificate],
      [tls.client_ca_file, clients.certificate],
    ] as const) {
      writeFileSync(file, text);
    }
    await eventually(() => server.logger.lines.some(({ message }) => message.endsWith('are in use')));
    expect(await isAllowed(askAs(portOf(server), envoy))).toBe(true);
  });

  test('are not looked at any more after the drain', async () => {
    const tls = tlsFiles(serverPem, clients.certificate);
    const server = await openTls(tls);
    await server.drain(100);
    writeFileSync(tls.client_ca_file, strangers.certificate);
    await sleep(5 * POLL_MS);
    expect(server.logger.lines).toEqual([]);
  });
});

test.each<[string, (tls: CheckTls) => void, RegExp]>([
  [
    'a key that does not fit',
    (tls) => {
      writeFileSync(tls.key_file, servers.issue(SERVER_NAMES).key);
    },
    /certificate and key do not fit \(ERR_OSSL_X509_KEY_VALUES_MISMATCH\)/,
  ],
  [
    'a key that is none',
    (tls) => {
      writeFileSync(tls.key_file, 'nothing');
    },
    /certificate and key do not fit/,
  ],
  [
    'no certificate',
    (tls) => {
      writeFileSync(tls.certificate_file, '');
    },
    /the certificate file holds no certificate/,
  ],
  [
    'no client CA',
    (tls) => {
      writeFileSync(tls.client_ca_file, '\n');
    },
    /the client CA file holds no certificate/,
  ],
  [
    'a file that is not there',
    (tls) => {
      rmSync(tls.key_file);
    },
    /ENOENT/,
  ],
])('with %s the server does not start', async (_, spoil, message) => {
  const tls = tlsFiles(serverPem, clients.certificate);
  spoil(tls);
  await expect(openTls(tls)).rejects.toThrow(message);
});
