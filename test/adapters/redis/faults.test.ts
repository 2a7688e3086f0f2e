import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { createRedisStores } from '../../../src/adapters/redis/stores.ts';
import { createRedisStores as create } from '../../../src/adapters/redis/stores.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { systemTimers } from '../../../src/adapters/system/timers.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { DependencyError, type SessionStore } from '../../../src/core/ports.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { leaseTerms } from '../../../src/core/revocation/lease-terms.ts';
import { assertConfirmed } from '../../../src/core/session/revocation.ts';
import { aClock, aSession, secondsAfter } from '../../core/session/a-session.ts';
import { freePort } from '../../support/ports.ts';
import { startRedis, type RunningRedis } from '../../support/redis.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sleep, waitFor } from '../../support/wait.ts';
import { aLogger, openStores, SECRETS, serverAt, untilUp, type ReadableLogger } from './a-redis.ts';

type Stores = ReturnType<typeof createRedisStores>;

const DEADLINE_MS = 300;
const unavailable = { name: 'DependencyError', code: 'store-unavailable' };

/** How long it took to be told that the store is out of reach, and nothing else. */
const timeOfRefusal = async (ask: () => unknown): Promise<number> => {
  const startedAt = performance.now();
  await expect(Promise.resolve(ask())).rejects.toMatchObject(unavailable);
  return performance.now() - startedAt;
};

/** Everything that a store can be asked. */
const questions = ({ sessions, once }: Stores, session: Session): readonly (() => unknown)[] => [
  () => sessions.get(session.handle),
  () => sessions.loginMark(),
  () => sessions.create(session),
  () => sessions.touch(session.handle, secondsAfter(60)),
  async () => assertConfirmed(await sessions.revoke({ kind: 'session', handle: session.handle }, 'admin')),
  async () => assertConfirmed(await sessions.revoke({ ...session, kind: 'user' }, 'admin')),
  () => sessions.list({ limit: 10 }),
  () => sessions.list({ user: 'alice', limit: 10 }),
  () => sessions.ping(),
  () => once.use('flow', 60),
  () => once.wasUsed('flow'),
];

describe('a Redis that fails', () => {
  const folder = temporaryFolder();
  let redis: RunningRedis;
  let proxy: TcpProxy;
  let stores: Stores;
  let logger: ReadableLogger;
  let session: Session;
  let logins = 0;
  beforeAll(async () => {
    redis = await startRedis({ folder, durable: true });
    proxy = await startTcpProxy(redis.port);
  });
  afterAll(async () => {
    await proxy.close();
    await redis.stop();
    folder.remove();
  });
  beforeEach(async () => {
    proxy.behave({ kind: 'pass' });
    logger = aLogger();
    stores = await openStores(
      serverAt(proxy.port, { command_timeout_ms: DEADLINE_MS, connect_timeout_ms: 500 }),
      aClock(),
      { logger, terms: leaseTerms() },
    );
    logins += 1;
    session = aSession({ handle: handleOf(`login ${logins}`), mark: await stores.sessions.loginMark() });
    expect(await stores.sessions.create(session)).toBe(true);
  });
  afterEach(async () => {
    await stores.sessions.close();
  });

  /** As it is stored now. */
  const read = (): unknown => {
    stores.sessions.forget(session.handle);
    return stores.sessions.get(session.handle);
  };
  /** Each connection finds out by itself, with the first that is asked of it. */
  const isNoticed = async (): Promise<void> => {
    for (const ask of questions(stores, session)) {
      expect(await timeOfRefusal(ask)).toBeLessThan(2 * DEADLINE_MS + 200);
    }
  };
  const refusesEverythingAtOnce = async (): Promise<void> => {
    for (const ask of questions(stores, session)) expect(await timeOfRefusal(ask)).toBeLessThan(50);
  };
  const isBack = async (): Promise<void> => {
    await untilUp(stores.sessions);
    const found = await waitFor('sessions to be known', async () => ({ is: await read() }));
    expect(found.is).toEqual(session);
  };

  test('killed: everything is refused at once and nothing is queued; back: it goes on, and nobody was signed out', async () => {
    await redis.kill();
    await waitFor('the connection to be seen as lost', () => (proxy.connections() === 0 ? true : undefined));
    await refusesEverythingAtOnce();
    await redis.restart();
    const backAt = performance.now();
    // Its mark is of the history before the restart, and still good.
    await isBack();
    expect(performance.now() - backAt).toBeLessThan(1500);
    expect(await stores.sessions.create(aSession({ mark: session.mark }))).toBe(false);
    const again = await stores.sessions.loginMark();
    expect(again.history).not.toBe(session.mark.history);
    expect(again.seq).toBeGreaterThanOrEqual(session.mark.seq + 2 ** 32);
  });

  test('stopped (SIGSTOP): the first to ask waits for its deadline, the next are refused at once', async () => {
    redis.pause();
    try {
      const first = await timeOfRefusal(read);
      // Or that of the renewal which it needs first.
      expect(first).toBeGreaterThan(leaseTerms().renewWithinMs - 20);
      expect(first).toBeLessThan(DEADLINE_MS + 200);
      await isNoticed();
      await refusesEverythingAtOnce();
      // It takes connections all the same; that does not make it reachable.
      await sleep(3 * DEADLINE_MS);
      await refusesEverythingAtOnce();
    } finally {
      redis.resume();
    }
    await isBack();
  });

  test('a black hole is noticed within the deadline, for all who wait', async () => {
    proxy.behave({ kind: 'drop' });
    const times = await Promise.all(Array.from({ length: 20 }, () => timeOfRefusal(read)));
    expect(Math.max(...times)).toBeLessThan(DEADLINE_MS + 200);
    await isNoticed();
    await refusesEverythingAtOnce();
    proxy.behave({ kind: 'pass' });
    const openAt = performance.now();
    await isBack();
    expect(performance.now() - openAt).toBeLessThan(1500);
  });

  test('slow, but within the deadline: answers are late and right', async () => {
    proxy.behave({ kind: 'delay', ms: 40 });
    expect(await read()).toEqual(session);
    expect(await stores.once.use('slow', 60)).toBe(true);
  });

  test('slower than the deadline: refused, and no late answer is taken for another', async () => {
    proxy.behave({ kind: 'delay', ms: DEADLINE_MS + 100 });
    await expect(Promise.resolve(read())).rejects.toMatchObject(unavailable);
    proxy.behave({ kind: 'pass' });
    await isBack();
  });

  test('slower than the deadline for long: the circuit is open within 2 s, and closed again once answers are in time', async () => {
    proxy.behave({ kind: 'delay', ms: 1000 });
    const startedAt = performance.now();
    await waitFor('the circuit to open', async () => {
      await Promise.resolve(stores.once.wasUsed('flow')).catch(() => undefined);
      return stores.health().main.circuits.includes('closed') ? undefined : true;
    });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    await isNoticed();
    await refusesEverythingAtOnce();
    proxy.behave({ kind: 'pass' });
    await isBack();
    expect(stores.health().main.circuits).toEqual(['closed']);
    expect(stores.health().main.openings).toBeGreaterThan(0);
  });

  test('a revocation whose reply is lost is an error, and holds once it was carried out', async () => {
    // Redis has to know the script, or it is sent a second time.
    await stores.sessions.revoke(
      { kind: 'user', issuer: 'https://idp.example.com', subject: 'somebody else' },
      'admin',
    );
    proxy.behave({ kind: 'corrupt', change: () => undefined });
    const revocation = await stores.sessions.revoke({ ...session, kind: 'user' }, 'admin');
    expect(revocation).toMatchObject({ kind: 'not-confirmed', why: 'unreachable' });
    proxy.behave({ kind: 'pass' });
    await untilUp(stores.sessions);
    const found = await waitFor('sessions to be known', async () => ({ is: await read() }));
    expect(found.is).toBeUndefined();
  });

  test('connections that are reset mid-reply are refusals', async () => {
    for (const bytes of [0, 1, 10, 60]) {
      proxy.behave({ kind: 'truncate', bytes });
      await expect(Promise.resolve(read())).rejects.toMatchObject(unavailable);
      proxy.behave({ kind: 'pass' });
      await isBack();
    }
  });

  test('whatever is changed in replies, the answer is the session as it was, or an error', async () => {
    let round = 0;
    let refused = 0;
    const changes: readonly ((chunk: Buffer) => Buffer)[] = [
      (chunk) => flipped(chunk, round * 31),
      (chunk) => chunk.subarray(0, Math.max(1, chunk.length - 3)),
      (chunk) => Buffer.concat([chunk, chunk]),
      () => Buffer.from('$-1\r\n'),
      () => Buffer.from('*-1\r\n'),
      () => Buffer.from('+OK\r\n'),
      () => Buffer.from(':1\r\n'),
      () => Buffer.from('*2\r\n$1\r\nx\r\n$3\r\nabc\r\n'),
      () => Buffer.from('-WRONGTYPE x\r\n'),
      () => Buffer.from('HTTP/1.1 200 OK\r\n\r\n'),
      () => Buffer.from('>1\r\n$-1\r\n'),
    ];
    for (; round < 44; round += 1) {
      await untilUp(stores.sessions);
      const change = changes[round % changes.length];
      let left = 1 + (round % 3);
      proxy.behave({
        kind: 'corrupt',
        change: (chunk) => {
          left -= 1;
          return left < 0 || change === undefined ? chunk : change(chunk);
        },
      });
      const outcome = await Promise.resolve(read()).catch((error: unknown) => error);
      expect([session, expect.objectContaining({ name: 'DependencyError' })]).toContainEqual(outcome);
      if (outcome instanceof DependencyError) refused += 1;
      proxy.behave({ kind: 'pass' });
    }
    expect(refused).toBeGreaterThan(30);
    await isBack();
  }, 30_000);
  const flipped = (chunk: Buffer, place: number): Buffer => {
    const changed = Buffer.from(chunk);
    const at = place % changed.length;
    changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at);
    return changed;
  };

  test('a reply that nobody asked for shifts no answer, and ends nothing but the connection', async () => {
    for (const surplus of [
      '$-1\r\n',
      '*0\r\n',
      ':1\r\n',
      '>1\r\n$-1\r\n',
      '>0\r\n',
      '*1\r\n$-1\r\n',
      '_\r\n',
      '%1\r\n+a\r\n+b\r\n',
    ]) {
      proxy.say(surplus);
      await sleep(20);
      const outcome = await Promise.resolve(read()).catch((error: unknown) => error);
      expect([session, expect.objectContaining({ name: 'DependencyError' })]).toContainEqual(outcome);
      await isBack();
    }
  });

  test('an outage is two lines in the log, however many ask', async () => {
    logger.lines.length = 0;
    proxy.behave({ kind: 'reset' });
    for (let count = 0; count < 100; count += 1) {
      await Promise.resolve(read()).catch(() => undefined);
      await sleep(5);
    }
    proxy.behave({ kind: 'pass' });
    await isBack();
    const told = logger.lines.filter((line) => line.includes(' reach'));
    expect(told).toHaveLength(2);
    expect(told[0]).toContain('out of reach');
    expect(told[1]).toContain('in reach');
    // Of the lease, where the outage outlasted it.
    expect(logger.lines.length - told.length).toBeLessThanOrEqual(2);
  });

  test('after it was closed nothing is asked of it any more', async () => {
    await stores.sessions.close();
    await refusesEverythingAtOnce();
    await waitFor('the connection to be closed', () => (proxy.connections() === 0 ? true : undefined));
    const accepted = proxy.accepted();
    await sleep(700);
    expect(proxy.accepted()).toBe(accepted);
  });
});

describe('a Redis that is not there at the start', () => {
  test('everything is refused until it comes', async () => {
    const port = await freePort();
    const stores = create({
      redis: serverAt(port),
      secrets: () => SECRETS,
      clock: aClock(),
      entropy: systemEntropy,
      timers: systemTimers,
      logger: aLogger(),
    });
    for (const ask of questions(stores, aSession())) expect(await timeOfRefusal(ask)).toBeLessThan(50);
    const folder = temporaryFolder();
    const redis = await startRedis({ folder, port });
    await untilUp(stores.sessions);
    expect(await stores.once.use('flow', 60)).toBe(true);
    await stores.sessions.close();
    await redis.stop();
    folder.remove();
  });
});

describe('what is no Redis at all', () => {
  let server: Server;
  const sockets = new Set<Socket>();
  let answer: string | Buffer = '';
  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      socket.on('data', () => socket.write(answer));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test.each([
    ['an HTTP server', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['one that says OK to everything', '+OK\r\n'],
    ['one that says nothing exists', '$-1\r\n'],
    ['one that says yes to everything', '*2\r\n$1\r\n1\r\n:1\r\n'],
    ['one that says no to everything', '-NOAUTH Authentication required.\r\n'],
    ['one with endless nesting', '*1\r\n'.repeat(20_000)],
    ['one with a huge announcement', '$2147483647\r\nx'],
    ['one with a list of a billion', '*1000000000\r\n'],
    ['noise', Buffer.from(Array.from({ length: 997 }, (_, place) => (place * 7919) % 256))],
  ])('%s is never in reach, and does no harm', async (_, said) => {
    answer = said;
    const stores = create({
      redis: serverAt((server.address() as AddressInfo).port, { command_timeout_ms: 100, connect_timeout_ms: 200 }),
      secrets: () => SECRETS,
      clock: aClock(),
      entropy: systemEntropy,
      timers: systemTimers,
      logger: aLogger(),
    });
    for (let round = 0; round < 8; round += 1) {
      await expect(Promise.resolve(stores.sessions.get(aSession().handle))).rejects.toMatchObject(unavailable);
      await sleep(40);
    }
    await stores.sessions.close();
  });
});

describe('a replica', () => {
  test('is out of reach: sessions are read from a master only', async () => {
    const [folder, folderOfReplica] = [temporaryFolder(), temporaryFolder()];
    const master = await startRedis({ folder });
    const replica = await startRedis({
      folder: folderOfReplica,
      args: ['--replicaof', '127.0.0.1', String(master.port), '--replica-read-only', 'no'],
    });
    const logger = aLogger();
    const store: SessionStore = create({
      redis: serverAt(replica.port),
      secrets: () => SECRETS,
      clock: aClock(),
      entropy: systemEntropy,
      timers: systemTimers,
      logger,
    }).sessions;
    await waitFor('the log to say so', () =>
      logger.lines.some((line) => line.includes('NOTMASTER')) ? true : undefined,
    );
    await expect(store.ping()).rejects.toMatchObject(unavailable);
    await store.close();
    await replica.stop();
    await master.stop();
    folder.remove();
    folderOfReplica.remove();
  });
});
