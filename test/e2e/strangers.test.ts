/** What strangers send leaves nothing behind: no key in Redis, no memory that stays. */

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';

import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sleep } from '../support/wait.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

const REQUESTS = 100_000;
const WARM_UP = 20_000;
const CONNECTIONS = 8;
/** What may stay of the second hundred thousand, after the first have made every pool as large as it gets. */
const GROWTH_MIB_MAX = 20;

const folder = temporaryFolder();
let redis: RunningRedis;
let database: Redis;
let world: World;
beforeAll(async () => {
  redis = await startRedis({ folder });
  database = new Redis(redis.port, redis.host);
  world = await openWorld({
    profile: 'minimal',
    scheme: 'http',
    routes: standardRoutes,
    config: () => ({
      session_store: 'redis',
      redis: { url: `redis://${redis.host}:${redis.port}/0` },
      audit: { destination: '/dev/null' },
    }),
  });
});
afterAll(async () => {
  database.disconnect();
  await world.close();
  await redis.stop();
  folder.remove();
});

const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;

/** Sends requests one behind the other on one connection, and counts the answers by status. */
function flood(count: number, request: (index: number) => string, statuses: Map<string, number>): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(world.envoy.port, '127.0.0.1');
    let sent = 0;
    let answered = 0;
    let tail = '';
    const AHEAD = 32;
    const send = (): void => {
      let batch = '';
      for (; sent < count && sent - answered < AHEAD; sent++) batch += request(sent);
      if (batch !== '') socket.write(batch, 'latin1');
    };
    socket.setEncoding('latin1');
    socket.on('error', reject);
    socket.on('connect', send);
    socket.on('data', (chunk: string) => {
      const text = tail + chunk;
      const lines = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)];
      for (const [, status = ''] of lines) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      answered += lines.length;
      // A status line may be cut in two; what is kept is one byte too short to be counted again.
      tail = text.slice(-'HTTP/1.1 200'.length);
      if (answered >= count) {
        socket.end();
        resolve();
      } else send();
    });
  });
}

const strangers = (index: number): string => {
  const kind = index % 4;
  const host = `Host: ${world.authority('app')}\r\n`;
  if (kind === 0) return `GET /sre/${index} HTTP/1.1\r\n${host}Sec-Fetch-Mode: navigate\r\nAccept: text/html\r\n\r\n`;
  if (kind === 1) return `GET /sre/${index} HTTP/1.1\r\n${host}Accept: application/json\r\n\r\n`;
  if (kind === 2) return `GET /${index} HTTP/1.1\r\n${host}Cookie: doorward=garbage${index}${'x'.repeat(80)}\r\n\r\n`;
  return `GET /.doorward/callback?state=s${index}&code=c HTTP/1.1\r\n${host}\r\n\r\n`;
};

async function sendAll(count: number): Promise<Map<string, number>> {
  const statuses = new Map<string, number>();
  const each = count / CONNECTIONS;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, (_, connection) =>
      flood(each, (index) => strangers(connection * each + index), statuses),
    ),
  );
  return statuses;
}

test(`${REQUESTS} anonymous requests add no key to Redis and no memory that stays`, async () => {
  await sendAll(WARM_UP);
  const keysBefore = await database.dbsize();
  await sleep(1000);
  const memoryBefore = residentMiB(world.doorward.pid);

  const statuses = await sendAll(REQUESTS);
  expect(Object.fromEntries(statuses)).toEqual({ 302: REQUESTS / 4, 401: REQUESTS / 2, 400: REQUESTS / 4 });
  expect(await database.dbsize()).toBe(keysBefore);
  await sleep(1000);
  expect(residentMiB(world.doorward.pid) - memoryBefore).toBeLessThan(GROWTH_MIB_MAX);
}, 110_000);
