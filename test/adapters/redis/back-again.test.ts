/** Redis is back after an outage: from the first answer on, sessions are known, though the connections come back one after the other. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlSlot } from '../../../src/adapters/redis/control-slot.ts';
import type { RedisLink } from '../../../src/adapters/redis/connection.ts';
import { renewalsOver } from '../../../src/adapters/redis/renewals.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { aClock, aSession } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sleep, waitFor } from '../../support/wait.ts';
import { openConnection, openStores, serverAt, SHORT_TERMS, untilUp } from './a-redis.ts';

const folder = temporaryFolder();
let redis: RunningRedis;
beforeAll(async () => {
  redis = await startRedis({ folder, durable: true });
});
afterAll(async () => {
  await redis.stop();
  folder.remove();
});

describe('the first that is asked after an outage', () => {
  const OUTAGES: readonly (readonly [string, () => Promise<void>])[] = [
    [
      'a restart',
      async () => {
        await redis.kill();
        await sleep(2 * SHORT_TERMS.holdMs);
        await redis.restart();
      },
    ],
    [
      'a pause',
      async () => {
        redis.pause();
        await sleep(800);
        redis.resume();
      },
    ],
  ];
  test.each(OUTAGES)(
    'of %s, is answered: a login, and the page after it',
    async (name, outage) => {
      const { sessions } = await openStores(serverAt(redis.port, { command_timeout_ms: 300 }), aClock());
      const before = aSession({ handle: handleOf(`${name}, before`), mark: await sessions.loginMark() });
      expect(await sessions.create(before)).toBe(true);
      for (let round = 0; round < 4; round += 1) {
        await outage();
        await untilUp(sessions);
        // With no pause: what was at hand is gone with the lease, so that both are read, and need a new one.
        expect(await sessions.get(before.handle)).toEqual(before);
        const login = aSession({ handle: handleOf(`${name}, ${round}`), mark: await sessions.loginMark() });
        expect(await sessions.create(login)).toBe(true);
        expect(await sessions.get(login.handle)).toEqual(login);
      }
      await sessions.close();
    },
    30_000,
  );
});

describe('renewals', () => {
  let proxy: TcpProxy;
  let own: RedisLink;
  let main: RedisLink;
  beforeAll(async () => {
    proxy = await startTcpProxy(redis.port);
    own = openConnection(serverAt(proxy.port, { command_timeout_ms: 200 }));
    main = openConnection(serverAt(redis.port));
    await Promise.all([own, main].map(isIn('closed')));
  });
  afterAll(async () => {
    await Promise.all([own.close(), main.close(), proxy.close()]);
  });
  const isIn = (circuit: string) => (link: RedisLink) =>
    waitFor(`a circuit that is ${circuit}`, () => (link.state().circuits[0] === circuit ? true : undefined));
  const renew = (): Promise<unknown> =>
    new ControlSlot(renewalsOver(own, main)).renew('one', {
      history: undefined,
      applied: 0,
      sentAt: undefined as never,
    });

  test('go by their own connection, by that of all requests while their own is out, and back', async () => {
    await expect(renew()).resolves.toMatchObject({ entries: undefined });
    proxy.behave({ kind: 'drop' });
    // By their own: nothing stands before them, and whether it was carried out cannot be known.
    await expect(renew()).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(own.state().circuits).toEqual(['open']);
    await expect(renew()).resolves.toMatchObject({ entries: undefined });
    proxy.behave({ kind: 'pass' });
    await isIn('closed')(own);
    proxy.behave({ kind: 'drop' });
    await expect(renew()).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});
