import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RedisServer } from '../../../src/adapters/redis/connection.ts';
import { createRedisStores } from '../../../src/adapters/redis/stores.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { systemTimers } from '../../../src/adapters/system/timers.ts';
import type { SessionStore } from '../../../src/core/ports.ts';
import { aClock } from '../../core/session/a-session.ts';
import { createCertificateAuthority, type Certificate, type CertificateAuthority } from '../../support/certificates.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait.ts';
import { aLogger, SECRETS, serverAt, untilUp, type ReadableLogger } from './a-redis.ts';

const folder = temporaryFolder();
const opened: SessionStore[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
afterAll(() => folder.remove());

const open = (server: RedisServer, logger = aLogger()): { store: SessionStore; logger: ReadableLogger } => {
  const stores = createRedisStores({
    redis: server,
    secrets: () => SECRETS,
    clock: aClock(),
    entropy: systemEntropy,
    timers: systemTimers,
    logger,
  });
  opened.push(stores.sessions);
  return { store: stores.sessions, logger };
};

const untilTold = (logger: ReadableLogger, text: string): Promise<true> =>
  waitFor(`the log to say ${text}`, () => (logger.lines.some((line) => line.includes(text)) ? true : undefined));

describe('TLS', () => {
  let redis: RunningRedis;
  let authority: CertificateAuthority;
  let client: Certificate;
  beforeAll(async () => {
    authority = createCertificateAuthority(folder);
    const server = authority.issue('server', ['DNS:redis.internal', 'IP:127.0.0.1']);
    client = authority.issue('client', ['DNS:doorward']);
    redis = await startRedis({ folder, tls: { ...server, caFile: authority.certFile } });
  });
  afterAll(() => redis.stop());

  const tls = (changes: Partial<NonNullable<RedisServer['tls']>> = {}): RedisServer =>
    serverAt(redis.port, {
      tls: {
        ca_file: authority.certFile,
        cert_file: client.certFile,
        key_file: client.keyFile,
        server_name: undefined,
        ...changes,
      },
    });

  test('with the authority and a certificate Redis is in reach, by address or by name', async () => {
    await untilUp(open(tls()).store);
    await untilUp(open(tls({ server_name: 'redis.internal' })).store);
  });

  test('a certificate of another authority, or for another name, is refused', async () => {
    const other = createCertificateAuthority(folder, 'other');
    await untilTold(open(tls({ ca_file: other.certFile })).logger, 'out of reach');
    const { store, logger } = open(tls({ server_name: 'elsewhere.internal' }));
    await untilTold(logger, 'ERR_TLS_CERT_ALTNAME_INVALID');
    await expect(store.ping()).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  test('without a certificate of its own, or without TLS, it is not let in', async () => {
    const bare = open(tls({ cert_file: undefined, key_file: undefined }));
    await untilTold(bare.logger, 'out of reach');
    const plain = open(serverAt(redis.port));
    await untilTold(plain.logger, 'out of reach');
    for (const { store } of [bare, plain]) {
      await expect(store.ping()).rejects.toMatchObject({ code: 'store-unavailable' });
    }
  });

  test('files are read anew at each connection; what cannot be used is tried again until it can', async () => {
    const [certFile, keyFile] = [folder.file('rotating.crt'), folder.file('rotating.key')];
    copyFileSync(client.certFile, certFile);
    copyFileSync(client.keyFile, keyFile);
    const { store } = open(tls({ cert_file: certFile, key_file: keyFile }));
    await untilUp(store);

    writeFileSync(certFile, 'half a certificate');
    await redis.kill();
    await redis.restart();
    await waitFor('the store to be out of reach', () =>
      store.ping().then(
        () => undefined,
        () => true as const,
      ),
    );
    const next = authority.issue('client-2', ['DNS:doorward']);
    copyFileSync(next.certFile, certFile);
    copyFileSync(next.keyFile, keyFile);
    await untilUp(store);
  });

  test('a file that is gone for a while does not end it', async () => {
    const caFile = folder.file('vanishing-ca.crt');
    copyFileSync(authority.certFile, caFile);
    const { store, logger } = open(tls({ ca_file: caFile }));
    await untilUp(store);
    rmSync(caFile);
    await redis.kill();
    await redis.restart();
    await untilUp(store);
    await untilTold(logger, 'cannot be read');
  });

  test('a file that was never there is an error at once', () => {
    expect(() => open(tls({ ca_file: folder.file('missing.crt') }))).toThrow('ENOENT');
  });
});

describe('passwords', () => {
  let redis: RunningRedis;
  const password = 'the-password-of-redis';
  const own = temporaryFolder();
  beforeAll(async () => {
    redis = await startRedis({ folder: own, password, user: { name: 'doorward', password: 'another-password' } });
  });
  afterAll(async () => {
    await redis.stop();
    own.remove();
  });

  test('the password of the default user, or user and password, open the door', async () => {
    await untilUp(open(serverAt(redis.port, { password })).store);
    await untilUp(open(serverAt(redis.port, { username: 'doorward', password: 'another-password' })).store);
    await untilUp(open(serverAt(redis.port, { password, database: 3 })).store);
  });

  test.each([
    ['none', {}, 'NOAUTH'],
    ['a wrong one', { password: 'wrong-password-1' }, 'WRONGPASS'],
    ['that of another user', { username: 'doorward', password }, 'WRONGPASS'],
  ])(
    'with a password of %s the store is out of reach, and the log shows no password',
    async (_, credentials, reason) => {
      const { store, logger } = open(serverAt(redis.port, credentials));
      await untilTold(logger, reason);
      const failure = await store.ping().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'store-unavailable' });
      const shown = `${logger.lines.join('\n')} ${String(failure)} ${JSON.stringify(failure)}`;
      expect(shown).not.toContain(password);
      expect(shown).not.toContain('wrong-password-1');
    },
  );
});
