/** TLS with certificates on both sides where sentinels name the master and where Redis is a Cluster; sentinels with a user of their own. */

import { copyFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RedisServer, TlsFiles } from '../../../src/adapters/redis/connection.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { aClock, aSession } from '../../core/session/a-session.ts';
import { createCertificateAuthority, type Certificate } from '../../support/certificates.ts';
import {
  startRedisCluster,
  startSentinelGroup,
  type RedisCluster,
  type SentinelGroup,
} from '../../support/redis-groups.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sleep, waitFor } from '../../support/wait.ts';
import { aLogger, openConnection, openStores, serverAt, untilUp } from './a-redis.ts';
import { ACL_PASSWORD, ACL_USER, example } from './redis-guide.ts';

const folder = temporaryFolder();
const authority = createCertificateAuthority(folder);
const servers = { ...authority.issue('server', ['IP:127.0.0.1']), caFile: authority.certFile };
const client = authority.issue('client', ['DNS:doorward']);
afterAll(() => folder.remove());

const filesOf = ({ certFile, keyFile }: Certificate): TlsFiles => ({
  ca_file: authority.certFile,
  cert_file: certFile,
  key_file: keyFile,
  server_name: undefined,
});
const FILES = filesOf(client);
const BARE: TlsFiles = { ...FILES, cert_file: undefined, key_file: undefined };

let logins = 0;
async function worksThrough(
  server: RedisServer,
  whileOpen: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { sessions } = await openStores(server, aClock());
  const login = async (name: string) => {
    const session = aSession({ handle: handleOf(name), mark: await sessions.loginMark() });
    expect(await sessions.create(session)).toBe(true);
    const found = await waitFor('a lease', async () => ({ is: await sessions.get(session.handle) }));
    expect(found.is).toEqual(session);
    expect(await sessions.revoke({ kind: 'session', handle: session.handle }, 'admin')).toMatchObject({
      kind: 'confirmed',
    });
    expect(await sessions.get(session.handle)).toBeUndefined();
  };
  logins += 1;
  await login(`login ${logins}`);
  await whileOpen();
  await untilUp(sessions, 20_000);
  await sessions.close();
}

/** Files that are broken while nothing connects, and whole again. */
function rotating(name: string): { readonly tls: TlsFiles; break(): void; renew(): void } {
  const [certFile, keyFile] = [folder.file(`${name}.crt`), folder.file(`${name}.key`)];
  const take = (from: Certificate): void => {
    copyFileSync(from.certFile, certFile);
    copyFileSync(from.keyFile, keyFile);
  };
  take(client);
  return {
    tls: filesOf({ ...client, certFile, keyFile }),
    break: () => writeFileSync(certFile, 'half a certificate'),
    renew: () => take(authority.issue(`${name}-next`, ['DNS:doorward'])),
  };
}

describe('a Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ tls: servers });
  }, 30_000);
  afterAll(() => cluster.stop());
  const server = (tls: TlsFiles | undefined): RedisServer =>
    serverAt(0, { tls, where: { kind: 'cluster', nodes: cluster.masters.map(({ host, port }) => ({ host, port })) } });

  test('is spoken to with certificates, which are those of the files at each connection', async () => {
    const files = rotating('cluster');
    const { sessions, health } = await openStores(server(files.tls), aClock());
    const session = aSession({ handle: handleOf('rotation'), mark: await sessions.loginMark() });
    expect(await sessions.create(session)).toBe(true);
    const circuits = () => [health().main, health().renewals].flatMap((link) => link.circuits);
    const areAll = (circuit: string) => () => (circuits().every((each) => each === circuit) ? true : undefined);
    await waitFor('a connection to each node', areAll('closed'));

    files.break();
    for (const master of cluster.masters) await cluster.call(master, 'CLIENT', 'KILL', 'TYPE', 'normal');
    await waitFor('the connections to be lost', areAll('open'));
    // Many attempts: with what the files held before, one would do.
    for (let look = 0; look < 50; look += 1) {
      expect(new Set(circuits())).toEqual(new Set(['open']));
      await sleep(20);
    }
    files.renew();
    await waitFor('the connections to come about', areAll('closed'));
    expect(circuits()).toHaveLength(4);
    sessions.forget(session.handle);
    expect(await sessions.get(session.handle)).toEqual(session);
    await sessions.close();
  });

  test.each([
    ['a certificate', BARE],
    ['TLS', undefined],
  ])('without %s nobody tells of its nodes, and whoever asks is told so', async (_, tls) => {
    const connection = openConnection(server(tls));
    await waitFor('an attempt', () => new Promise<true>((resolve) => setTimeout(() => resolve(true), 300)));
    expect(connection.state()).toMatchObject({ circuits: ['open'] });
    await expect(connection.hasEntryAfter('dw:{dw}:inv', 0, 1)).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringMatching(/no node of Redis is known to have the slot \(.*CLUSTER/),
    });
    await connection.close();
  });
});

describe('sentinels', () => {
  let group: SentinelGroup;
  const password = 'password-of-the-sentinels';
  beforeAll(async () => {
    group = await startSentinelGroup(password, {
      tls: servers,
      users: [example('acl sentinel').replace(/^user /, '')],
    });
  }, 30_000);
  afterAll(() => group.stop());
  const server = (
    tls: TlsFiles | undefined,
    ofSentinels: TlsFiles | undefined,
    credentials = { username: ACL_USER as string | undefined, password: ACL_PASSWORD },
  ): RedisServer =>
    serverAt(0, {
      tls,
      where: {
        kind: 'sentinels',
        nodes: group.sentinels,
        master_name: group.masterName,
        ...credentials,
        tls: ofSentinels,
      },
    });

  test('and their master are spoken to with certificates, by the user of the guide or with a password', async () => {
    await worksThrough(server(FILES, FILES));
    await worksThrough(server(FILES, FILES, { username: undefined, password }));
  });

  test.each([
    ['a certificate for the sentinels', () => server(FILES, BARE)],
    ['TLS for the sentinels', () => server(FILES, undefined)],
    ['a certificate for the master', () => server(BARE, FILES)],
    ['the right password', () => server(FILES, FILES, { username: ACL_USER, password: 'wrong' })],
  ])('without %s Redis is out of reach', async (_, where) => {
    const logger = aLogger();
    const connection = openConnection(where(), logger);
    await waitFor('the log to say so', () =>
      logger.lines.some((line) => line.includes('out of reach')) ? true : undefined,
    );
    expect(connection.state()).toMatchObject({ circuits: ['open'] });
    await connection.close();
  });

  test('a failover while certificates are replaced: the replica is reached with the new ones', async () => {
    const files = rotating('sentinels');
    await worksThrough(server(files.tls, files.tls), async () => {
      files.break();
      await group.master.kill();
      files.renew();
    });
  }, 40_000);
});
