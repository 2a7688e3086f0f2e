/** Redis killed, paused, or answering nonsense: what needs a session is 503 in words, what does not goes on, nothing is allowed by mistake. */

import { createServer } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { rawClient } from '../adapters/redis/a-redis.ts';
import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sleep, waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import type { WebClient, WebResponse } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

/** An outage is told within the store's own limit (0.5 s), and well before Envoy's. */
const TOLD_WITHIN_MS = 1500;

const folder = temporaryFolder();
let redis: RunningRedis;
let world: World;
let alice: WebClient;

beforeAll(async () => {
  redis = await startRedis({ folder, durable: true });
  world = await openWorld({
    profile: 'hardened',
    routes: standardRoutes,
    config: () => ({ session_store: 'redis', redis: { url: `redis://${redis.host}:${redis.port}/0` } }),
  });
  alice = world.client();
  await world.login(alice, page('/'), 'alice');
});
afterAll(async () => {
  await world.close();
  await redis.stop();
  folder.remove();
});

const page = (path: string): string => `${world.origins('app')}${path}`;

/** Sessions at hand are good for as long as the lease: nothing can have been revoked without Doorward within it (docs/sessions.md). */
const leaseOver = (): Promise<void> => sleep(1_100);

async function expectOutage(): Promise<void> {
  await leaseOver();
  const startedAt = performance.now();
  const api = await alice.get(page('/sre/x'), API);
  expect(performance.now() - startedAt).toBeLessThan(TOLD_WITHIN_MS);
  expect(api.status).toBe(503);
  expect(Number(api.header('retry-after'))).toBeGreaterThan(0);
  expect(api.json()).toMatchObject({ error: expect.stringMatching(/unavailable|timeout/) });

  const browser = await alice.get(page('/sre/x'));
  expect(browser.status).toBe(503);
  expect(browser.header('content-type')).toContain('text/html');
  expect(browser.header('location')).toBeUndefined();

  expect((await alice.get(page('/public/x'), API)).status).toBe(200);
  expect((await world.client().get(page('/public/x'), API)).status).toBe(200);
  expect((await world.client().get(page('/sre/x'), API)).status).toBe(401);
  expect((await world.doorward.ops('/readyz')).status).toBe(200);
  expect((await world.doorward.ops('/readyz?verbose')).body).toMatch(/session store/);
}

const recovered = (): Promise<WebResponse> =>
  waitFor(
    'the session to be known again',
    async () => {
      const response = await alice.get(page('/sre/x'), API);
      expect([200, 503]).toContain(response.status);
      return response.status === 200 ? response : undefined;
    },
    10_000,
  );

describe('with Redis', () => {
  test('killed, session routes are 503 with Retry-After and public routes go on; afterwards the session goes on', async () => {
    await redis.kill();
    await expectOutage();
    await redis.restart();
    await recovered();
  });

  test('paused, the same, within the store’s own time limit', async () => {
    redis.pause();
    try {
      await expectOutage();
    } finally {
      redis.resume();
    }
    await recovered();
  });

  test('full, nobody can sign in, and is told so; who is signed in goes on, and can be signed out', async () => {
    const [carol, raw] = [world.client(), rawClient(redis.port)];
    await world.login(carol, page('/'), 'carol');
    await raw.config('SET', 'maxmemory', '1mb');
    try {
      const bob = world.client();
      const end = await world.login(bob, page('/'), 'bob');
      expect(end.status).toBe(503);
      expect(end.header('content-type')).toContain('text/html');
      expect(end.header('location')).toBeUndefined();
      expect(await bob.cookie(page('/'), '__Host-doorward')).toBeUndefined();
      await waitFor('the log to say why', () =>
        world.doorward.output().includes('Redis answers OOM') ? true : undefined,
      );
      // Read anew, under a new lease.
      await leaseOver();
      for (const client of [alice, carol]) expect((await client.get(page('/'), API)).status).toBe(200);
      const { configFile } = world.doorward;
      const args = ['session', 'revoke-user', 'carol@partner.example', '-c', configFile];
      expect(await world.doorward.command(args)).toMatchObject({ code: 0, stderr: '' });
      expect((await carol.get(page('/'), API)).status).toBe(401);
    } finally {
      await raw.config('SET', 'maxmemory', '0');
      raw.disconnect();
    }
    expect((await world.login(world.client(), page('/'), 'bob')).status).toBe(200);
  });

  test('killed, a callback signs nobody in, and a later login does', async () => {
    await redis.kill();
    const client = world.client();
    const end = await world.login(client, page('/'), 'bob');
    expect(end.status).toBe(503);
    expect(await client.cookie(page('/'), '__Host-doorward')).toBeUndefined();
    // Past the lease, a session that is known again was read from Redis.
    await leaseOver();
    await redis.restart();
    await recovered();
    expect((await world.login(world.client(), page('/'), 'bob')).status).toBe(200);
  });

  test.each([
    ['an HTTP error', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['OK to everything', '+OK\r\n'],
    ['a number to everything', ':1\r\n'],
    ['nothing to everything', '$-1\r\n'],
    ['text to everything', '$4\r\nevil\r\n'],
    ['a reply that never ends', '$1000000\r\nA'],
    ['an error to everything', '-ERR no\r\n'],
    ['nested lists', '*1\r\n*1\r\n*1\r\n$1\r\nA\r\n'],
    ['zero bytes', '\0\0\0\0'],
  ])('answering %s, nobody is let in and nothing breaks', async (_name, reply) => {
    await redis.kill();
    const sockets = new Set<{ destroy(): void }>();
    const liar = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('data', () => socket.write(reply));
    });
    await new Promise<void>((resolve) => liar.listen(redis.port, redis.host, resolve));
    try {
      // Also long enough for Doorward to have connected to it.
      await leaseOver();
      for (let tries = 0; tries < 4; tries++) {
        const response = await alice.get(page('/sre/x'), API);
        expect([401, 503]).toContain(response.status);
      }
      expect((await alice.get(page('/public/x'), API)).status).toBe(200);
      expect(world.doorward.exitCode()).toBeUndefined();
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => liar.close(resolve));
      await redis.restart();
    }
    await recovered();
  });
});

test('a Doorward that starts without its Redis serves what it can, and the rest as soon as it can', async () => {
  await redis.kill();
  const second = await openWorld({
    profile: 'minimal',
    scheme: 'http',
    routes: standardRoutes,
    config: () => ({ session_store: 'redis', redis: { url: `redis://${redis.host}:${redis.port}/0` } }),
  });
  try {
    const home = `${second.origins('app')}/`;
    expect((await second.client().get(`${home}public/x`, API)).status).toBe(200);
    expect((await second.client().get(home, API)).status).toBe(401);
    expect((await second.doorward.ops('/readyz')).status).toBe(200);
    await redis.restart();
    await waitFor('a login to work', async () =>
      (await second.login(second.client(), home, 'alice')).status === 200 ? true : undefined,
    );
  } finally {
    await second.close();
  }
});
