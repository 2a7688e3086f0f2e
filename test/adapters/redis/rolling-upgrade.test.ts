/** Two versions on one Redis: an older process meets an invalidation of a kind that only a newer one knows. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { CONTROL_KEY, INVALIDATIONS_KEY, sessionKey } from '../../../src/adapters/redis/keys.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { aClock, aSession } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { waitFor } from '../../support/wait.ts';
import { aLogger, openStores, rawClient, serverAt } from './a-redis.ts';

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

test('a kind that a process does not know empties what it has at hand, and it goes on', async () => {
  const [clock, logger] = [aClock(), aLogger()];
  const [here, elsewhere] = await Promise.all([
    openStores(serverAt(redis.port), clock, { logger }),
    openStores(serverAt(redis.port), clock),
  ]);
  const mark = await here.sessions.loginMark();
  const [ended, other] = ['ended', 'other'].map((name) => aSession({ handle: handleOf(name), mark }));
  if (ended === undefined || other === undefined) throw new Error('two sessions');
  for (const session of [ended, other]) {
    expect(await here.sessions.create(session)).toBe(true);
    expect(await here.sessions.get(session.handle)).toEqual(session);
  }
  await waitFor('the sessions to be at hand', () => (here.lease().entries === 2 ? true : undefined));

  logger.lines.length = 0;
  // As a newer version does it: counted, appended, and what it ends is deleted.
  const seq = await raw.hincrby(CONTROL_KEY, 'seq', 1);
  await raw.xadd(INVALIDATIONS_KEY, `${seq}-0`, 'hist', mark.history, 'kind', 'of-tomorrow', 'key', 'whatever');
  await raw.del(sessionKey(ended.handle));

  await waitFor('what was at hand to go', () => (here.lease().entries === 0 ? true : undefined));
  expect(await here.sessions.get(ended.handle)).toBeUndefined();
  expect(await here.sessions.get(other.handle)).toEqual(other);
  expect(here.lease().isHeld).toBe(true);
  // It takes part as before: it acknowledges what comes after, and nobody waits for it.
  expect(await elsewhere.sessions.revoke({ kind: 'session', handle: other.handle }, 'admin')).toMatchObject({
    ...{ kind: 'confirmed', members: 2, acknowledged: 2 },
  });
  expect(await here.sessions.get(other.handle)).toBeUndefined();
  expect(logger.lines).toEqual([]);
  await here.sessions.close();
  await elsewhere.sessions.close();
});
