/** Every example of docs/redis.md is a configuration that loads, and means what the guide says. */

import { afterAll, expect, test } from '@jest/globals';
import { createCertificateAuthority } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { example } from '../redis/redis-guide.ts';
import { loadedWith } from './support.ts';

const folder = temporaryFolder();
const authority = createCertificateAuthority(folder);
const client = authority.issue('client', ['DNS:doorward']);
afterAll(() => folder.remove());

const world = {
  env: { REDIS_PASSWORD: 'secret' },
  files: {
    'redis-password': 'secret\n',
    'sentinel-password': 'of-sentinels\n',
    'redis-ca.crt': authority.cert,
    'redis-client.crt': client.cert,
    'redis-client.key': client.key,
  },
};
const own = { username: 'doorward', password: 'secret' };
const files = { ca_file: expect.any(String), cert_file: expect.any(String), key_file: expect.any(String) };

test.each([
  ['server', { ...own, where: { kind: 'server', host: 'redis.internal', port: 6379 }, tls: undefined }],
  ['url', { ...own, where: { kind: 'server', host: 'redis.internal', port: 6379 }, tls: { ca_file: undefined } }],
  [
    'sentinels',
    {
      ...own,
      tls: files,
      replicas: 2,
      where: { kind: 'sentinels', master_name: 'main', username: 'doorward', password: 'of-sentinels', tls: files },
    },
  ],
  ['cluster', { ...own, tls: files, replicas: 1, where: { kind: 'cluster' } }],
  ['eviction', { allow_eviction: true, command_timeout_ms: 500, connect_timeout_ms: 2000 }],
])('the example %s of the guide loads', async (name, meant) => {
  const { server } = await loadedWith(example(name), world);
  expect(server.session_store).toBe('redis');
  expect(server.redis).toMatchObject(meant);
});
