/** A Doorward that cannot open a listener says so and ends; it never looks ready meanwhile. */

import { createServer } from 'node:net';
import { writeFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { stringify } from 'yaml';

import { newSecret, runDoorward } from '../support/doorward.ts';
import { freePort } from '../support/ports.ts';
import { startRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
const taken = createServer();
let takenPort = 0;

beforeAll(async () => {
  takenPort = await freePort();
  await new Promise<void>((resolve) => taken.listen(takenPort, '127.0.0.1', resolve));
});
afterAll(async () => {
  await new Promise((resolve) => taken.close(resolve));
  folder.remove();
});

test.each(['grpc_address', 'ops_address'])('with the port of %s taken it ends with 1 and a sentence', async (key) => {
  const file = folder.file(`${key}.yaml`);
  const config = {
    grpc_address: `127.0.0.1:${await freePort()}`,
    ops_address: `127.0.0.1:${await freePort()}`,
    admin_socket: folder.file(`${key}.sock`),
    cookie_secret: newSecret(),
    shared_secret: newSecret(),
    // Out of reach, and so tried again and again in the background.
    idps: [{ name: 'default', url: 'https://127.0.0.1:1/', client_id: 'a', client_secret: 'b' }],
    routes: [{ from: 'http://app.localhost', allow_any_authenticated_user: true }],
    [key]: `127.0.0.1:${takenPort}`,
  };
  writeFileSync(file, stringify(config));
  const { code, stderr } = await runDoorward(['serve', '-c', file]);
  expect(code).toBe(1);
  expect(stderr).toContain('EADDRINUSE');
  expect(stderr).not.toContain('"msg":"ready"');
});

test('with a Redis that evicts it ends with 1, and says how that is mended', async () => {
  const redis = await startRedis({ folder, args: ['--maxmemory-policy', 'allkeys-lru'] });
  const file = folder.file('evicting.yaml');
  const config = {
    grpc_address: `127.0.0.1:${await freePort()}`,
    ops_address: `127.0.0.1:${await freePort()}`,
    admin_socket: folder.file('evicting.sock'),
    cookie_secret: newSecret(),
    shared_secret: newSecret(),
    idps: [{ name: 'default', url: 'https://127.0.0.1:1/', client_id: 'a', client_secret: 'b' }],
    routes: [{ from: 'http://app.localhost', allow_any_authenticated_user: true }],
    redis: { host: redis.host, port: redis.port },
  };
  writeFileSync(file, stringify(config));
  const { code, stderr } = await runDoorward(['serve', '-c', file]);
  await redis.stop();
  expect(code).toBe(1);
  expect(stderr).toContain('allkeys-lru');
  expect(stderr).toContain('set it to noeviction, or take the risk with `redis.allow_eviction: true`');
  expect(stderr).not.toContain('"msg":"ready"');
});
