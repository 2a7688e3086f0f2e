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
import { standardRoutes } from '../e2e/routes.ts';

const REQUESTS = 100_000;
const WARM_UP = 40_000;
const CONNECTIONS = 8;
/** Requests on one connection, one behind the other: three kinds of pages and a callback. */
const BATCH = 40;
/** What may stay, after the warm-up has made every pool as large as it gets. */
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

/** Three kinds of pages without a session, and last a callback that nobody began; Envoy ends the connection after a 400. */
function batch(number: number): string {
  const host = `Host: ${world.authority('app')}`;
  const pages = Array.from({ length: BATCH - 1 }, (_, index) => {
    const path = `/sre/${number}/${index}`;
    const lines = [
      ['Sec-Fetch-Mode: navigate', 'Accept: text/html'],
      ['Accept: application/json'],
      [`Cookie: doorward=garbage${number}x${index}${'x'.repeat(80)}`],
    ][index % 3];
    return [`GET ${path} HTTP/1.1`, host, ...(lines ?? []), '', ''].join('\r\n');
  });
  return `${pages.join('')}GET /.doorward/callback?state=s${number}&code=c HTTP/1.1\r\n${host}\r\n\r\n`;
}

/** Sends a batch on a connection of its own, and counts the answers by status. */
const sendBatch = (number: number, statuses: Map<string, number>): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(world.envoy.port, '127.0.0.1', () => socket.write(batch(number), 'latin1'));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('error', reject);
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('close', () => {
      for (const [, status = ''] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      resolve();
    });
  });

async function sendAll(count: number): Promise<Map<string, number>> {
  const statuses = new Map<string, number>();
  const batches = count / BATCH;
  let next = 0;
  const connection = async (): Promise<void> => {
    while (next < batches) await sendBatch(next++, statuses);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return statuses;
}

test(`${REQUESTS} anonymous requests add no key to Redis and no memory that stays`, async () => {
  await sendAll(WARM_UP);
  const keysBefore = await database.dbsize();
  await sleep(1000);
  const memoryBefore = residentMiB(world.doorward.pid);

  const statuses = await sendAll(REQUESTS);
  const ofKind = (REQUESTS / BATCH) * ((BATCH - 1) / 3);
  expect(Object.fromEntries(statuses)).toEqual({ 302: ofKind, 401: 2 * ofKind, 400: REQUESTS / BATCH });
  expect(await database.dbsize()).toBe(keysBefore);
  await sleep(1000);
  expect(residentMiB(world.doorward.pid) - memoryBefore).toBeLessThan(GROWTH_MIB_MAX);
}, 300_000);
