/** What a running Doorward tells of its Redis, at /readyz?verbose and as metrics: one that evicts, then one that is gone and comes back. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { newSecret, startDoorward } from '../support/doorward.ts';
import type { RunningDoorward } from '../support/doorward.ts';
import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait.ts';

const folder = temporaryFolder();
let redis: RunningRedis;
let doorward: RunningDoorward;
beforeAll(async () => {
  redis = await startRedis({ folder, args: ['--maxmemory-policy', 'allkeys-lru'] });
  doorward = await startDoorward({
    folder,
    address: `unix:${folder.file('check.sock')}`,
    config: {
      cookie_secret: newSecret(),
      shared_secret: newSecret(),
      // Out of reach, and so tried again and again in the background.
      idps: [{ name: 'default', url: 'https://127.0.0.1:1/', client_id: 'a', client_secret: 'b' }],
      routes: [{ from: 'http://app.localhost', allow_any_authenticated_user: true }],
      redis: { host: redis.host, port: redis.port, allow_eviction: true },
      workers: 1,
    },
  });
});
afterAll(async () => {
  await doorward.stop();
  await redis.stop();
  folder.remove();
});

/** The whole text, once it has all of these. */
const told = (path: string, wanted: readonly RegExp[]): Promise<string> =>
  waitFor(
    `${path} to tell ${wanted.join(', ')}`,
    async () => {
      const { status, body } = await doorward.ops(path);
      expect(status).toBe(200);
      return wanted.every((each) => each.test(body)) ? body : undefined;
    },
    10_000,
  );

test('a Redis that evicts is used where the risk is taken, with a warning that log, readyz and metrics have', async () => {
  expect(doorward.output()).toContain('the maxmemory-policy of Redis is allkeys-lru');
  await told('/readyz?verbose', [
    /session store \(redis\).*answers/,
    /redis main.*circuit closed; opened 0 times/,
    /redis maxmemory-policy.*1 nodes may drop sessions and revocations/,
    /lease on sessions.*held for [0-9]+ ms more/,
  ]);
  await told('/metrics', [
    /^doorward_redis_evicting_nodes 1$/m,
    /^doorward_redis_circuits\{use="main",state="closed"\} 1$/m,
    /^doorward_redis_circuit_openings_total\{use="main"\} 0$/m,
    /^doorward_lease_remaining_seconds 0\.[0-9]+$/m,
  ]);
});

test('a Redis that is gone is told, and that it is back; Doorward is ready all the while', async () => {
  await redis.kill();
  await told('/readyz?verbose', [
    /session store \(redis\).*does not answer/,
    /redis main.*circuit (?:half-)?open; opened 1 times/,
    /lease on sessions.*none/,
  ]);
  await told('/metrics', [
    /^doorward_redis_circuits\{use="main",state="closed"\} 0$/m,
    /^doorward_redis_circuit_openings_total\{use="main"\} 1$/m,
    /^doorward_lease_remaining_seconds 0$/m,
  ]);
  await redis.restart();
  await told('/readyz?verbose', [/redis main.*circuit closed; opened 1 times/, /lease on sessions.*held for/]);
  await told('/metrics', [/^doorward_redis_circuits\{use="main",state="closed"\} 1$/m]);
});
