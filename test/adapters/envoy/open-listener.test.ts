import { chmodSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';

import { afterAll, afterEach, describe, expect, test } from '@jest/globals';

import { checkBindRules } from '../../../src/adapters/envoy/bind-rules.ts';
import { isOfThisMachine, type ListenAddress } from '../../../src/core/listen-address.ts';
import { isListedClient, soleUriName } from '../../../src/adapters/envoy/client-names.ts';
import { anAsker, closeAll, open, portOf } from './a-check-server.ts';
import { temporaryFolder } from './pki.ts';

const folder = temporaryFolder();
afterEach(closeAll);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let count = 0;
const socketPath = (): string => join(folder, `${count++}.sock`);
const unix = (path: string): ListenAddress => ({ kind: 'unix', path });

describe('the unix socket', () => {
  test('is for its owner only, whatever the mask, and answers Checks', async () => {
    const path = socketPath();
    const mask = process.umask(0);
    try {
      const server = await open({ address: unix(path) });
      expect(server.port).toBeUndefined();
    } finally {
      process.umask(mask);
    }
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect((await anAsker(`unix:${path}`).check()).status?.code).toBe(0);
  });

  test('is gone after the drain', async () => {
    const path = socketPath();
    const server = await open({ address: unix(path) });
    await server.drain(100);
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  test('that a killed process left is replaced', async () => {
    const path = socketPath();
    const listen = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(spawnSync(process.execPath, ['-e', listen]).signal).toBe('SIGKILL');
    expect(lstatSync(path).isSocket()).toBe(true);
    await open({ address: unix(path) });
    expect((await anAsker(`unix:${path}`).check()).status?.code).toBe(0);
  });

  test('of a process that lives is left alone', async () => {
    const path = socketPath();
    await open({ address: unix(path) });
    await expect(open({ address: unix(path) })).rejects.toThrow(`another process listens on ${path}`);
    expect((await anAsker(`unix:${path}`).check()).status?.code).toBe(0);
  });

  test.each<[string, (path: string) => void]>([
    [
      'a file',
      (path) => {
        writeFileSync(path, 'precious');
      },
    ],
    [
      'a folder',
      (path) => {
        mkdirSync(path);
      },
    ],
    [
      'a link',
      (path) => {
        symlinkSync('/etc/passwd', path);
      },
    ],
  ])('never replaces %s', async (_, put) => {
    const path = socketPath();
    put(path);
    await expect(open({ address: unix(path) })).rejects.toThrow(`${path} is there and is no socket`);
    expect(lstatSync(path, { throwIfNoEntry: false })).toBeDefined();
  });

  test('in a folder that is not there makes it, for the owner only', async () => {
    const path = join(folder, 'made', 'deep', 'x.sock');
    await open({ address: unix(path) });
    expect(lstatSync(join(folder, 'made', 'deep')).mode & 0o777).toBe(0o700);
    expect((await anAsker(`unix:${path}`).check()).status?.code).toBe(0);
  });

  test('with a path that no system binds whole is not bound in part', async () => {
    const path = join(folder, `${'x'.repeat(100)}.sock`);
    await expect(open({ address: unix(path) })).rejects.toThrow('is longer than 103 bytes');
  });

  test('is not put where others could put another in its place', async () => {
    const shared = join(folder, 'shared');
    mkdirSync(shared);
    chmodSync(shared, 0o775);
    await expect(open({ address: unix(join(shared, 'x.sock')) })).rejects.toThrow('can be written to by others');
    chmodSync(shared, 0o1777);
    await open({ address: unix(join(shared, 'x.sock')) });
  });

  test('is bound without a change to the mask of the process', async () => {
    const mask = process.umask(0o027);
    await open({ address: unix(socketPath()) });
    await expect(open({ address: tcp('256.0.0.1') })).rejects.toThrow();
    expect(process.umask(mask)).toBe(0o027);
  });
});

describe('a TCP address', () => {
  test('is bound at the port that is asked for, or says why not', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await expect(open({ address: { kind: 'tcp', host: '127.0.0.1', port } })).rejects.toThrow(
      /cannot bind 127.0.0.1 port \d+: .*EADDRINUSE/,
    );
    taken.close();
  });

  test('of all interfaces needs grpc_tls or grpc_insecure', async () => {
    const address: ListenAddress = { kind: 'tcp', host: '0.0.0.0', port: 0 };
    await expect(open({ address })).rejects.toThrow(/grpc_tls with a client CA is needed/);
    const server = await open({ address, insecure: true });
    expect((await anAsker(portOf(server)).check()).status?.code).toBe(0);
  });
});

const tcp = (host: string): ListenAddress => ({ kind: 'tcp', host, port: 1 });
const tls = { certificate_file: '/c', key_file: '/k', client_ca_file: '/a', spiffe_ids: [] };

describe('the bind rules', () => {
  test.each(['127.0.0.1', '127.255.1.2', '::1', 'localhost'])('%s is of this machine', (host) => {
    expect(isOfThisMachine(tcp(host))).toBe(true);
    expect(checkBindRules({ address: tcp(host), tls: undefined, insecure: false }).ok).toBe(true);
  });

  test.each([
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.1.example',
    '127.example',
    '127.1',
    '128.0.0.1',
    '::ffff:127.0.0.1',
    'localhost.example',
    'doorward',
    '',
  ])('%j may be reached by others, so it needs grpc_tls or grpc_insecure', (host) => {
    expect(checkBindRules({ address: tcp(host), tls: undefined, insecure: false }).ok).toBe(false);
    expect(checkBindRules({ address: tcp(host), tls, insecure: false }).ok).toBe(true);
    expect(checkBindRules({ address: tcp(host), tls: undefined, insecure: true }).ok).toBe(true);
  });

  test('a unix socket needs neither', () => {
    expect(checkBindRules({ address: unix('/run/x'), tls: undefined, insecure: false }).ok).toBe(true);
  });

  test('grpc_tls and grpc_insecure contradict each other', () => {
    expect(checkBindRules({ address: tcp('::'), tls, insecure: true })).toEqual({
      ok: false,
      error: 'grpc_insecure contradicts grpc_tls',
    });
  });
});

describe('the names of a client', () => {
  test.each<[string | undefined, string | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['DNS:a', undefined],
    ['URI:spiffe://a/b', 'spiffe://a/b'],
    ['DNS:a, URI:spiffe://a/b, IP Address:1.2.3.4', 'spiffe://a/b'],
    ['URI:spiffe://a/b, URI:spiffe://a/c', undefined],
    ['URI:spiffe://a/b, URI:spiffe://a/b', undefined],
    // A single name with a comma in it, as node:crypto prints it.
    ['DNS:"x, URI:spiffe://a/b"', undefined],
    ['DNS:"x, URI:spiffe://a/b, DNS:y"', undefined],
  ])('%j have the one URI %j', (names, uri) => {
    expect(soleUriName(names)).toBe(uri);
  });

  test('are not asked for where no list is configured', () => {
    expect(isListedClient(undefined, [])).toBe(true);
    expect(isListedClient(undefined, ['spiffe://a/b'])).toBe(false);
    expect(isListedClient('URI:spiffe://a/b', ['spiffe://a/b'])).toBe(true);
    expect(isListedClient('URI:spiffe://a/b', ['spiffe://a/c'])).toBe(false);
  });
});
