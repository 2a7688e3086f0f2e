import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { afterAll, afterEach, describe, expect, test } from '@jest/globals';

import { loadTlsMaterial } from '../../../src/adapters/envoy/tls-files.ts';
import { createMemorySessionStore } from '../../../src/adapters/memory/session-store.ts';
import {
  startAdminListener,
  type AdminListener,
  type AdminListenerOptions,
  type AdminTlsMaterial,
} from '../../../src/adapters/web/admin-listener.ts';
import type { Administrator, ChangeRecord } from '../../../src/core/audit/change-record.ts';
import type { Logger } from '../../../src/core/ports.ts';
import { aClock } from '../../core/session/a-session.ts';
import { createCertificateAuthority, type Certificate } from '../../support/certificates.ts';
import { rawRequest, sendRaw, type RawResponse } from '../../support/raw-http.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait.ts';

const TOKEN = 'x7Qm2vTz9LpR4sWk8NfYb3HcJd6GtUe1';
const OPERATOR = 'email:operator@example.com';
/** As many as there may be (strangers.ts). */
const STRANGERS_MAX = 128;

const folder = temporaryFolder();
const tokenFile = folder.file('tokens');
writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
const ca = createCertificateAuthority(folder);
const nextCa = createCertificateAuthority(folder, 'next-ca');
const own = ca.issue('admin', ['IP:127.0.0.1']);
const operator = ca.issue('operator', [OPERATOR, 'DNS:laptop.example.com']);

const lines: string[] = [];
const log = (fields: Readonly<Record<string, unknown>>, message: string): void => {
  lines.push(`${message} ${JSON.stringify(fields)}`);
};
const logger: Logger = { debug: log, info: log, warn: log, error: log };
const changes: ChangeRecord[] = [];

const listeners: AdminListener[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const listener of listeners.splice(0)) await listener.close();
  lines.length = 0;
  changes.length = 0;
});
afterAll(() => folder.remove());

const materialOf = ({ certFile, keyFile }: Certificate, clientCa = ca): Promise<AdminTlsMaterial> =>
  loadTlsMaterial({
    setting: 'admin_tls',
    certificate_file: certFile,
    key_file: keyFile,
    client_ca_file: clientCa.certFile,
  });

/** What the files are replaced by. */
let replace: (material: AdminTlsMaterial) => void = () => undefined;
let isWatched = false;
const tlsFor = async (clientNames: readonly string[] | undefined): Promise<AdminListenerOptions['tls']> => ({
  material: await materialOf(own),
  watch: (onChange) => {
    replace = onChange;
    isWatched = true;
    return () => (isWatched = false);
  },
  clientNames,
});

type Changes = Omit<Partial<AdminListenerOptions>, 'tls'> & { readonly tls?: ReturnType<typeof tlsFor> | undefined };

async function start({ tls, ...changed }: Changes): Promise<AdminListener> {
  const listener = await startAdminListener({
    sessions: createMemorySessionStore({ clock: aClock() }),
    idps: () => ['default'],
    audit: { isFull: () => false, write: (record) => void changes.push(record), flush: () => Promise.resolve() },
    entropy: systemEntropy,
    clock: aClock(),
    logger,
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    tokenFile: undefined,
    tls: await tls,
    ...changed,
  });
  listeners.push(listener);
  return listener;
}

const requestAt = (port: number, path = '/v1/sessions'): string =>
  rawRequest({ path, host: `127.0.0.1:${port}`, lines: [`Authorization: Bearer ${TOKEN}`] });
const overTls = (certificate: Certificate | undefined, authority = ca) => ({
  ca: authority.cert,
  servername: '',
  ...(certificate === undefined ? {} : { certificate }),
});
const ask = ({ port }: AdminListener, certificate?: Certificate): Promise<RawResponse> =>
  sendRaw({ port, tls: overTls(certificate) }, requestAt(port));

/** Who asks, as the audit has it. */
async function auditedBy({ port }: AdminListener, certificate?: Certificate): Promise<Administrator | undefined> {
  const [headers = '', ...rest] = requestAt(port, '/v1/all/revoke').replace('GET', 'POST').split('\r\nConnection:');
  const body = `${headers}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection:${rest.join('')}{}`;
  expect((await sendRaw({ port, tls: overTls(certificate) }, body)).status).toBe(200);
  return changes.at(-1)?.by;
}

function held<Held extends Socket>(socket: Held): Held {
  socket.on('error', () => undefined);
  socket.resume();
  sockets.push(socket);
  return socket;
}
const opened = (event: 'connect' | 'secureConnect', socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
  });

describe('an admin listener', () => {
  test.each([
    ['nothing that proves who asks', undefined],
    ['TLS that asks for no certificate', tlsFor(undefined)],
  ])('does not start with %s', async (_, tls) => {
    await expect(start({ tls })).rejects.toThrow('needs a token, or certificates of clients');
  });

  test('says in words that it cannot bind', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const { port } = other.address() as { port: number };
    await expect(start({ tokenFile, address: { kind: 'tcp', host: '127.0.0.1', port } })).rejects.toThrow(
      `the admin listener cannot bind 127.0.0.1 port ${port} (EADDRINUSE)`,
    );
    other.close();
  });

  test('that is closed cuts off whoever is connected, and looks after its files no more', async () => {
    const listener = await start({ tokenFile, tls: tlsFor(undefined) });
    const socket = held(connect(listener.port, '127.0.0.1'));
    await opened('connect', socket);
    expect(isWatched).toBe(true);
    await listener.close();
    expect(isWatched).toBe(false);
    await waitFor('the end', () => (socket.destroyed ? true : undefined));
  });
});

/** The names of a certificate as openssl takes them byte by byte: one URI. */
function derOfUri(uri: string): string {
  const name = Buffer.concat([Buffer.from([0x86, uri.length]), Buffer.from(uri)]);
  return `DER:${Buffer.concat([Buffer.from([0x30, name.length]), name]).toString('hex')}`;
}

describe('a client certificate', () => {
  const named = tlsFor([OPERATOR, 'URI:spiffe://example.com/admin']);
  test.each([
    ['of a name that is listed', () => operator, 200],
    ['of another that is listed', () => ca.issue('workload', ['URI:spiffe://example.com/admin']), 200],
    ['of another name', () => ca.issue('somebody', ['email:somebody@example.com']), 403],
    ['of a name of another kind', () => ca.issue('host', ['DNS:operator@example.com']), 403],
    ['of a longer name', () => ca.issue('longer', [`${OPERATOR}.evil`]), 403],
    ['of a name that looks like two', () => ca.issue('forged', [derOfUri(`x, ${OPERATOR}`)]), 403],
  ])('%s', async (_, certificate, status) => {
    expect((await ask(await start({ tls: named }), certificate())).status).toBe(status);
  });

  test('of any name may, where none is demanded', async () => {
    const listener = await start({ tls: tlsFor([]) });
    expect((await ask(listener, ca.issue('anybody', ['email:anybody@example.com']))).status).toBe(200);
  });

  test('of another authority, and none at all, end with the handshake', async () => {
    const listener = await start({ tls: tlsFor([]) });
    await expect(ask(listener, nextCa.issue('foreign', [OPERATOR]))).rejects.toThrow();
    await expect(ask(listener)).rejects.toThrow();
    expect(lines).toEqual([]);
  });

  test('is told to the audit, with the token where both are asked for', async () => {
    const certificate = {
      subject: 'O=Doorward tests, CN=operator',
      names: [OPERATOR, 'DNS:laptop.example.com'],
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    };
    const token = { name: undefined, fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) };
    const via = { via: 'address', from: '127.0.0.1' };
    expect(await auditedBy(await start({ tls: named }), operator)).toEqual({ ...via, token: undefined, certificate });
    expect(await auditedBy(await start({ tls: named, tokenFile }), operator)).toEqual({ ...via, token, certificate });
    const tls = tlsFor(undefined);
    expect(await auditedBy(await start({ tls, tokenFile }))).toEqual({ ...via, token, certificate: undefined });
  });
});

describe('TLS', () => {
  const handshake = (port: number, options: ConnectionOptions = {}): TLSSocket =>
    held(
      connectTls({
        port,
        host: '127.0.0.1',
        ca: [ca.cert, nextCa.cert],
        cert: operator.cert,
        key: operator.key,
        ...options,
      }),
    );

  test('is not of a version that is broken', async () => {
    const { port } = await start({ tls: tlsFor([]) });
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(opened('secureConnect', handshake(port, old))).rejects.toThrow();
    await opened('secureConnect', handshake(port, { maxVersion: 'TLSv1.2' }));
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('of a session that was before is none of now (%s)', async (version) => {
    const listener = await start({ tls: tlsFor([]) });
    const first = handshake(listener.port, { minVersion: version, maxVersion: version });
    let session: Buffer | undefined;
    first.on('session', (given: Buffer) => (session = given));
    await opened('secureConnect', first);
    first.write(requestAt(listener.port));
    await waitFor('the end', () => (first.destroyed ? true : undefined));
    session ??= first.getSession();
    const again = handshake(listener.port, { minVersion: version, maxVersion: version, session });
    await opened('secureConnect', again);
    expect(again.isSessionReused()).toBe(false);
  });

  test('has the new files for whoever asks next, and none is left of those who were trusted before', async () => {
    const listener = await start({ tls: tlsFor([OPERATOR]) });
    const { port } = listener;
    const early = handshake(port);
    let answer = '';
    early.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    await opened('secureConnect', early);
    const nextOperator = nextCa.issue('next-operator', [OPERATOR]);
    replace(await materialOf(nextCa.issue('next-admin', ['IP:127.0.0.1']), nextCa));
    early.write(requestAt(port));
    await waitFor('the end', () => (early.destroyed ? true : undefined));
    expect(answer).toBe('');
    const tls = overTls(nextOperator, nextCa);
    expect((await sendRaw({ port, tls }, requestAt(port))).status).toBe(200);
    await expect(sendRaw({ port, tls: overTls(operator, nextCa) }, requestAt(port))).rejects.toThrow();
    expect(lines).toEqual(['the new files of admin_tls are in use {}']);
  });
});

describe('strangers', () => {
  const openOf = (all: readonly Socket[]): number => all.filter(({ destroyed }) => !destroyed).length;

  test.each([
    ['in the clear', { tokenFile }, undefined],
    ['in the handshake', { tls: tlsFor([OPERATOR]) }, operator],
  ])('%s are so many at most, and keep nobody out who may ask', async (_, options, certificate) => {
    const listener = await start(options);
    const { port } = listener;
    const all: Socket[] = [];
    for (let count = 0; count < STRANGERS_MAX + 40; count += 1) {
      const socket = held(connect(port, '127.0.0.1'));
      all.push(socket);
      await opened('connect', socket);
    }
    await waitFor('room', () => (openOf(all) <= STRANGERS_MAX ? true : undefined));
    // The newest are those who are left.
    expect(openOf(all.slice(-STRANGERS_MAX))).toBe(openOf(all));
    for (let times = 0; times < 3; times += 1) {
      const tls = certificate === undefined ? {} : { tls: overTls(certificate) };
      expect((await sendRaw({ port, ...tls }, requestAt(port))).status).toBe(200);
    }
    expect(lines).toEqual([]);
  });

  test('do not end what somebody asks who may', async () => {
    let finish: (sessions: readonly []) => void = () => undefined;
    const asked = new Promise<readonly []>((resolve) => (finish = resolve));
    const store = createMemorySessionStore({ clock: aClock() });
    let isAsked = false;
    const list = (): Promise<readonly []> => {
      isAsked = true;
      return asked;
    };
    const { port } = await start({ tokenFile, sessions: { ...store, list } });
    const answer = sendRaw({ port }, requestAt(port));
    await waitFor('the question', () => (isAsked ? true : undefined));
    for (let count = 0; count < STRANGERS_MAX + 20; count += 1)
      await opened('connect', held(connect(port, '127.0.0.1')));
    finish([]);
    expect((await answer).status).toBe(200);
  });
});
