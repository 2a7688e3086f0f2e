/** Redis is full (`maxmemory` reached, `noeviction`): nothing new is begun, and whatever ends or keeps what is there goes on. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { ConnectedStores } from '../../../src/adapters/redis/stores.ts';
import type { SessionStore } from '../../../src/core/ports.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { aClock, aSession, secondsAfter } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sleep } from '../../support/wait.ts';
import { openStores, rawClient, serverAt, SHORT_TERMS } from './a-redis.ts';

const OWNER = 'the process that refreshes';

describe('a Redis that others have filled', () => {
  const folder = temporaryFolder();
  let redis: RunningRedis;
  let raw: Redis;
  let here: ConnectedStores;
  let elsewhere: ConnectedStores;
  let ofAlice: Session;
  let ofBob: Session;
  beforeAll(async () => {
    redis = await startRedis({ folder, args: ['--maxmemory', '8mb'] });
    raw = rawClient(redis.port);
    const server = serverAt(redis.port);
    [here, elsewhere] = await Promise.all([openStores(server, aClock()), openStores(server, aClock())]);
    ofAlice = await login('alice');
    ofBob = await login('bob');
    expect(await here.sessions.claim(ofBob.handle, OWNER, 60_000)).toMatchObject({ kind: 'claimed' });
    await fill();
  });
  afterAll(async () => {
    raw.disconnect();
    await Promise.all([here.sessions.close(), elsewhere.sessions.close()]);
    await redis.stop();
    folder.remove();
  });

  /** Far beyond its bound: what Redis frees in passing makes no room. */
  const fill = async (): Promise<void> => {
    let outcome = '';
    for (let count = 0; !outcome.includes('OOM'); count += 1) {
      outcome = await raw.set(`foreign:${count}`, 'x'.repeat(100_000)).catch((error: unknown) => String(error));
    }
    await raw.config('SET', 'maxmemory', '6mb');
  };
  const login = async (subject: string, { sessions } = here): Promise<Session> => {
    const session = aSession({ handle: handleOf(subject), subject, mark: await sessions.loginMark() });
    expect(await sessions.create(session)).toBe(true);
    return session;
  };
  /** As it is stored. */
  const read = async (store: SessionStore, { handle }: Session): Promise<Session | undefined> => {
    store.forget(handle);
    return store.get(handle);
  };
  const isRefused = { code: 'store-unavailable', message: expect.stringMatching(/^Redis answers OOM to /) };

  test('takes no login, and says why', async () => {
    await expect(here.once.use('flow', 60)).rejects.toMatchObject(isRefused);
    await expect(login('carol')).rejects.toMatchObject(isRefused);
    expect(await here.sessions.get(handleOf('carol'))).toBeUndefined();
    // The circuit is as it was: who asks for something else is answered.
    expect(here.health().main.circuits).toEqual(['closed']);
  });

  test('keeps who is signed in, beyond the lease of every process, and for one that starts', async () => {
    await sleep(2 * SHORT_TERMS.holdMs);
    expect(await read(here.sessions, ofAlice)).toEqual(ofAlice);
    expect(await read(elsewhere.sessions, ofAlice)).toEqual(ofAlice);
    const started = await openStores(serverAt(redis.port), aClock());
    expect(await read(started.sessions, ofAlice)).toEqual(ofAlice);
    await started.sessions.close();
  });

  test('takes the last use of a session, which would be over as idle without', async () => {
    await here.sessions.touch(ofAlice.handle, secondsAfter(60));
    expect(await read(elsewhere.sessions, ofAlice)).toEqual({ ...ofAlice, lastSeenAt: secondsAfter(60) });
    expect(await raw.pttl(`dw:{${ofAlice.handle}}:s`)).toBeGreaterThan(60_000);
  });

  test('begins no refresh, and stores what came of one that was under way', async () => {
    await expect(here.sessions.claim(ofAlice.handle, OWNER, 1000)).rejects.toMatchObject(isRefused);
    const refreshed: Session = { ...ofBob, version: ofBob.version + 1, email: 'bob@new.example.com' };
    expect(await here.sessions.replace(refreshed, OWNER)).toMatchObject({
      kind: 'replaced',
      announced: { kind: 'confirmed' },
    });
    expect(await read(elsewhere.sessions, ofBob)).toEqual(refreshed);
  });

  test('takes revocations: of one session, of a user, and of everything', async () => {
    const { sessions } = here;
    const isOver = async (session: Session): Promise<void> => {
      expect(await elsewhere.sessions.get(session.handle)).toBeUndefined();
    };
    expect(await sessions.revoke({ kind: 'session', handle: ofAlice.handle }, 'admin')).toMatchObject({
      kind: 'confirmed',
      sessions: 1,
    });
    await isOver(ofAlice);
    expect(await sessions.revoke({ ...ofBob, kind: 'user' }, 'admin')).toMatchObject({
      kind: 'confirmed',
      sessions: 1,
    });
    await isOver(ofBob);
    expect(await sessions.revoke({ kind: 'all' }, 'admin')).toMatchObject({ kind: 'confirmed' });
  });

  test('takes logins again once there is room', async () => {
    await raw.del(...(await raw.keys('foreign:*')));
    const session = await login('carol');
    expect(await read(elsewhere.sessions, session)).toEqual(session);
  });
});
