/** A node that is reached later and evicts, as after a failover or a change of its settings. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { aClock, aSession } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait.ts';
import { aLogger, openStores, rawClient, serverAt, untilUp } from './a-redis.ts';

const folder = temporaryFolder();
let redis: RunningRedis;
let raw: Redis;
beforeAll(async () => {
  redis = await startRedis({ folder });
  raw = rawClient(redis.port);
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
  folder.remove();
});

const becomes = async (policy: string): Promise<void> => {
  await raw.config('SET', 'maxmemory-policy', policy);
  await raw.call('CLIENT', ['KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
};

test('it is out of reach until it evicts no more, and is told once', async () => {
  const logger = aLogger();
  const { sessions, health } = await openStores(serverAt(redis.port), aClock(), { logger });
  const session = aSession({ handle: handleOf('before'), mark: await sessions.loginMark() });
  expect(await sessions.create(session)).toBe(true);

  await becomes('volatile-ttl');
  await waitFor('it to be told', () => (logger.lines.join().includes('volatile-ttl') ? true : undefined));
  sessions.forget(session.handle);
  await expect(Promise.resolve(sessions.get(session.handle))).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(health().main).toMatchObject({ evicting: 1 });
  expect(health().main.circuits).not.toContain('closed');
  // Long enough for several attempts.
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(logger.lines.filter((line) => line.includes('not set up to keep'))).toHaveLength(1);

  await becomes('noeviction');
  await untilUp(sessions);
  const found = await waitFor('the session to be known', async () => ({ is: await sessions.get(session.handle) }));
  expect(found.is).toEqual(session);
  expect(health().main).toMatchObject({ circuits: ['closed'], evicting: 0 });
  await sessions.close();
});
