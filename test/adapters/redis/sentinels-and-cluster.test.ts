/** The same promises where sentinels name the master and where Redis is a Cluster, and what is theirs: failover, slots, WAIT. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RedisServer } from '../../../src/adapters/redis/connection.ts';
import { slotOf } from '../../../src/adapters/redis/cluster-slots.ts';
import { isDependencyError } from '../../../src/core/ports.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { onceRegistryContract } from '../../contract/once-registry.contract.ts';
import { sessionStoreContract } from '../../contract/session-store.contract.ts';
import { aClock, aSession, type ManualClock } from '../../core/session/a-session.ts';
import { startRedis } from '../../support/redis.ts';
import {
  startRedisCluster,
  startSentinelGroup,
  type RedisCluster,
  type SentinelGroup,
} from '../../support/redis-groups.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sleep, waitFor } from '../../support/wait.ts';
import { aLogger, openConnection, openStores, serverAt, untilUp } from './a-redis.ts';

const PASSWORD = 'password-of-the-sentinels';

function contracts(name: string, server: () => RedisServer, flush: () => Promise<void>): void {
  const open = async (clock: ManualClock) => {
    await flush();
    const [here, elsewhere] = await Promise.all([openStores(server(), clock), openStores(server(), clock)]);
    const close = async (): Promise<void> => {
      await here.sessions.close();
      await elsewhere.sessions.close();
    };
    return { here, elsewhere, close };
  };
  sessionStoreContract(name, async (clock) => {
    const { here, elsewhere, close } = await open(clock);
    return { store: here.sessions, elsewhere: elsewhere.sessions, processes: 2, close };
  });
  onceRegistryContract(name, async () => {
    const { here, elsewhere, close } = await open(aClock());
    return { registry: here.once, elsewhere: elsewhere.once, pass: (seconds) => sleep(seconds * 1000), close };
  });
}

describe('a Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  }, 30_000);
  afterAll(() => cluster.stop());
  const server = (): RedisServer =>
    serverAt(0, {
      where: { kind: 'cluster', nodes: cluster.masters.slice(1).map(({ host, port }) => ({ host, port })) },
    });

  contracts('Redis Cluster', server, () => cluster.flush());

  test('counts the slot of a key as its nodes do', async () => {
    const [node] = cluster.masters;
    for (const key of ['dw:{dw}:ctl', 'dw:{a-handle}:s', 'no tag', '{}x', 'a}b{c}d', 'ä{ö}', '{open']) {
      expect(await cluster.call(node as never, 'CLUSTER', 'KEYSLOT', key)).toBe(slotOf(key));
    }
  });

  test('a revocation is confirmed when the replica of the control slot has it, and not when it is cut off', async () => {
    await cluster.flush();
    const { sessions, health } = await openStores(server(), aClock());
    expect(await sessions.revoke({ kind: 'all' }, 'admin')).toMatchObject({ kind: 'confirmed' });
    expect(health().main.circuits).toEqual(['closed', 'closed', 'closed']);
    expect(health().renewals.circuits).toEqual(['closed']);
    const place = Math.floor((slotOf('dw:{dw}:ctl') * 3) / 16_384);
    cluster.replicas[place]?.pause();
    try {
      expect(await sessions.revoke({ kind: 'all' }, 'admin')).toMatchObject({ why: 'not-on-all-nodes' });
    } finally {
      cluster.replicas[place]?.resume();
    }
    await sessions.close();
  });

  test('a master that fails leaves its sessions unknown, and they are known again at the replica that takes over', async () => {
    await cluster.flush();
    const { sessions } = await openStores(server(), aClock());
    const mark = await sessions.loginMark();
    const stored = Array.from({ length: 30 }, (_, count) => aSession({ handle: handleOf(`login ${count}`), mark }));
    for (const session of stored) expect(await sessions.create(session)).toBe(true);
    await sleep(200);
    const failing = Math.floor((slotOf('dw:{dw}:ctl') * 3) / 16_384) === 0 ? 1 : 0;
    await cluster.masters[failing]?.kill();
    const outcomes = new Set<string>();
    for (const { handle } of stored) {
      sessions.forget(handle);
      const outcome = await Promise.resolve(sessions.get(handle)).then(
        (session) => (session === undefined ? 'absent' : 'found'),
        (error: unknown) => (isDependencyError(error) ? error.code : 'another error'),
      );
      outcomes.add(outcome);
    }
    expect([...outcomes].sort()).toEqual(['found', 'store-unavailable']);
    for (const session of stored) {
      const found = await waitFor(
        'the session to be known again',
        async () => {
          sessions.forget(session.handle);
          return { is: await sessions.get(session.handle) };
        },
        15_000,
      );
      expect(found.is).toEqual(session);
    }
    await sessions.close();
  }, 30_000);
});

describe('sentinels', () => {
  let group: SentinelGroup;
  beforeAll(async () => {
    group = await startSentinelGroup(PASSWORD);
  }, 30_000);
  afterAll(() => group.stop());
  const server = (password: string | undefined = PASSWORD, masterName = group.masterName): RedisServer => {
    const { sentinels: nodes } = group;
    const own = { username: undefined, password, tls: undefined };
    return serverAt(0, { where: { kind: 'sentinels', nodes, master_name: masterName, ...own } });
  };

  contracts('Redis by sentinels', server, () => group.flush());

  test.each([
    ['a wrong password', () => server('wrong')],
    ['a master that they do not know', () => server(PASSWORD, 'other')],
  ])('with %s Redis is out of reach, and the log shows no password', async (_, where) => {
    const logger = aLogger();
    const connection = openConnection(where(), logger);
    await waitFor('the log to say so', () => (logger.lines.length > 0 ? true : undefined));
    expect(connection.state()).toMatchObject({ circuits: ['open'] });
    expect(logger.lines.join()).not.toContain(PASSWORD);
    await connection.close();
  });

  test('after a failover the replica is spoken to, and sessions from before are known', async () => {
    await group.flush();
    const { sessions } = await openStores(server(), aClock());
    const session = aSession({ handle: handleOf('before'), mark: await sessions.loginMark() });
    expect(await sessions.create(session)).toBe(true);
    expect(await sessions.revoke({ kind: 'session', handle: handleOf('another') }, 'admin')).toMatchObject({
      kind: 'confirmed',
    });
    await group.master.kill();
    await sleep(700);
    await expect(sessions.ping()).rejects.toMatchObject({ code: 'store-unavailable' });
    await untilUp(sessions, 20_000);
    const found = await waitFor('sessions to be known', async () => ({ is: await sessions.get(session.handle) }));
    expect(found.is).toEqual(session);
    await sessions.close();
  }, 30_000);
});

describe('a Redis that evicts', () => {
  test('is refused, also where it is reached anew, unless the risk is taken', async () => {
    const folder = temporaryFolder();
    const redis = await startRedis({
      folder,
      args: ['--maxmemory-policy', 'allkeys-lru', '--rename-command', 'CONFIG', ''],
    });
    const logger = aLogger();
    const refused = openConnection(serverAt(redis.port), logger);
    expect(await refused.refusal()).toContain('allkeys-lru');
    expect(refused.state()).toEqual({ circuits: ['open'], openings: 0, evicting: 1 });
    expect(logger.lines.join()).toContain('allkeys-lru');
    await refused.close();
    const { sessions, health, refusal } = await openStores(serverAt(redis.port, { allow_eviction: true }), aClock(), {
      logger,
    });
    expect(await refusal()).toBeUndefined();
    expect(health().main.evicting).toBe(1);
    await sessions.close();
    await redis.stop();
    folder.remove();
  });
});
