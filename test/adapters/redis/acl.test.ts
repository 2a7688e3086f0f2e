/** The user of docs/redis.md, as it stands there, is enough for everything; and with less Doorward says what is missing. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { RedisServer } from '../../../src/adapters/redis/connection.ts';
import { NEEDED_COMMANDS } from '../../../src/adapters/redis/hello.ts';
import * as scripts from '../../../src/adapters/redis/scripts.ts';
import { helloScript } from '../../../src/adapters/redis/hello.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { onceRegistryContract } from '../../contract/once-registry.contract.ts';
import { sessionStoreContract } from '../../contract/session-store.contract.ts';
import { userFactsContract } from '../../contract/user-facts.contract.ts';
import { aClock, aSession, type ManualClock } from '../../core/session/a-session.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { startRedisCluster, type RedisCluster } from '../../support/redis-groups.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sleep, waitFor } from '../../support/wait.ts';
import { aLogger, openConnection, openStores, rawClient, serverAt } from './a-redis.ts';
import { ACL_PASSWORD, ACL_USER, aclWords } from './redis-guide.ts';

const own = { username: ACL_USER, password: ACL_PASSWORD };

function contracts(name: string, server: () => RedisServer, flush: () => Promise<unknown>): void {
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
  userFactsContract(name, async (clock) => {
    const { here, elsewhere, close } = await open(clock);
    return { facts: here.facts, elsewhere: elsewhere.facts, processes: 2, close };
  });
  onceRegistryContract(name, async () => {
    const { here, elsewhere, close } = await open(aClock());
    return { registry: here.once, elsewhere: elsewhere.once, pass: (seconds) => sleep(seconds * 1000), close };
  });
}

describe('the rule of the guide', () => {
  test('names the commands that scripts call and that Doorward sends, and no other', () => {
    const called = [...Object.values(scripts), helloScript]
      .map((each) => (typeof each === 'object' ? each.lua : ''))
      .flatMap((lua) => [...lua.matchAll(/redis\.call\('([A-Z]+)'/g)].map(([, command]) => command));
    const used = new Set([...called, 'EVAL', 'EVALSHA', 'WAIT', 'XREAD']);
    const allowed = aclWords('acl').flatMap((word) => (word.startsWith('+') ? [word.slice(1).toUpperCase()] : []));
    expect([...allowed].sort()).toEqual([...used].sort());
    expect([...NEEDED_COMMANDS].sort()).toEqual([...used].sort());
  });
});

describe('one server', () => {
  const folder = temporaryFolder();
  let redis: RunningRedis;
  let raw: Redis;
  beforeAll(async () => {
    redis = await startRedis({ folder });
    raw = rawClient(redis.port);
    await raw.call('ACL', [...aclWords('acl')]);
  });
  afterEach(() => raw.call('ACL', [...aclWords('acl')]));
  afterAll(async () => {
    raw.disconnect();
    await redis.stop();
    folder.remove();
  });

  contracts(
    'redis by the user of the guide',
    () => serverAt(redis.port, own),
    () => raw.flushall(),
  );

  test('another database needs SELECT as well', async () => {
    const logger = aLogger();
    const without = openConnection(serverAt(redis.port, { ...own, database: 2 }), logger);
    await waitFor('the log to say so', () => (logger.lines.join().includes('NOPERM') ? true : undefined));
    await without.close();
    await raw.call('ACL', [...aclWords('acl database')]);
    const { sessions } = await openStores(serverAt(redis.port, { ...own, database: 2 }), aClock());
    await sessions.close();
  });

  test.each(NEEDED_COMMANDS.filter((name) => !name.startsWith('EVAL')))(
    'without %s it is refused by name, at once',
    async (name) => {
      await raw.call('ACL', ['SETUSER', ACL_USER, `-${name.toLowerCase()}`]);
      const logger = aLogger();
      const connection = openConnection(serverAt(redis.port, own), logger);
      expect(await connection.refusal()).toContain(`may not run ${name} on the keys of Doorward: docs/redis.md`);
      expect(connection.state().circuits).toEqual(['open']);
      expect(logger.lines.join()).toContain(`may not run ${name} `);
      await connection.close();
    },
  );

  test('without scripts, and on other keys, it is refused with a sentence', async () => {
    await raw.call('ACL', ['SETUSER', ACL_USER, '-evalsha']);
    const noScripts = openConnection(serverAt(redis.port, own));
    expect(await noScripts.refusal()).toContain('run hello (NOPERM): docs/redis.md');
    await noScripts.close();
    await raw.call('ACL', [...aclWords('acl').map((word) => (word === '~dw:*' ? '~other:*' : word))]);
    const otherKeys = openConnection(serverAt(redis.port, own));
    expect(await otherKeys.refusal()).toMatch(/may not run XREAD, DEL, .*ZREVRANGE on the keys/);
    await otherKeys.close();
  });

  test('what is taken away later is unavailable with a line in the log, and comes back', async () => {
    const logger = aLogger();
    const { sessions } = await openStores(serverAt(redis.port, own), aClock(), { logger });
    const session = aSession({ handle: handleOf('before'), mark: await sessions.loginMark() });
    expect(await sessions.create(session)).toBe(true);
    await raw.call('ACL', ['SETUSER', ACL_USER, '-get']);
    sessions.forget(session.handle);
    await expect(Promise.resolve(sessions.get(session.handle))).rejects.toMatchObject({ code: 'store-unavailable' });
    await waitFor('the log to say why', () => (logger.lines.join().includes('run read (NOPERM)') ? true : undefined));
    await raw.call('ACL', ['SETUSER', ACL_USER, '+get']);
    const found = await waitFor('the session to be known', async () => ({ is: await sessions.get(session.handle) }));
    expect(found.is).toEqual(session);
    await sessions.close();
  });
});

describe('a Cluster', () => {
  let cluster: RedisCluster;
  const onAll = async (...args: readonly string[]): Promise<void> => {
    for (const node of [...cluster.masters, ...cluster.replicas]) await cluster.call(node, 'ACL', ...args);
  };
  beforeAll(async () => {
    cluster = await startRedisCluster();
    await onAll(...aclWords('acl'));
    await onAll(...aclWords('acl cluster'));
  }, 30_000);
  afterAll(() => cluster.stop());
  const server = (): RedisServer => {
    const nodes = cluster.masters.map(({ host, port }) => ({ host, port }));
    return serverAt(0, { ...own, where: { kind: 'cluster', nodes } });
  };

  contracts('Redis Cluster by the user of the guide', server, () => cluster.flush());

  test('without CLUSTER SLOTS, whoever asks is told why no node is known', async () => {
    await onAll(...aclWords('acl'));
    const connection = openConnection(server());
    await waitFor('the reason', () =>
      connection.run(scripts.readScript, ['dw:{x}:s'], []).then(
        () => undefined,
        (error: unknown) => (String(error).includes('run CLUSTER (NOPERM)') ? (true as const) : undefined),
      ),
    );
    await connection.close();
  });
});
