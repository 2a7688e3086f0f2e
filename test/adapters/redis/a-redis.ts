/** For the tests of the Redis adapter: how to get at the server, and a log that can be read. */

import { Redis } from 'ioredis';
import { createConnect } from '../../../src/adapters/redis/connect.ts';
import type { RedisLink, RedisServer } from '../../../src/adapters/redis/connection.ts';
import { systemTimers } from '../../../src/adapters/system/timers.ts';
import type { Corruption } from '../../../src/adapters/redis/corruption.ts';
import { createRedisStores, type ConnectedStores } from '../../../src/adapters/redis/stores.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import type { Clock, Logger } from '../../../src/core/ports.ts';
import { LEASE_MS, leaseTerms, type LeaseTerms } from '../../../src/core/revocation/lease-terms.ts';
import { waitFor } from '../../support/wait.ts';

export const SECRETS = ['a secret for records of thirty-two bytes'];

export const serverAt = (port: number, changes: Partial<RedisServer> = {}): RedisServer => ({
  where: { kind: 'server', host: '127.0.0.1', port },
  database: 0,
  username: undefined,
  password: undefined,
  tls: undefined,
  command_timeout_ms: 500,
  connect_timeout_ms: 2000,
  allow_eviction: false,
  ...changes,
});

export type ReadableLogger = Logger & { readonly lines: string[] };

export const aLogger = (): ReadableLogger => {
  const lines: string[] = [];
  const log = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  return { lines, debug: log, info: log, warn: log, error: log };
};

/** The wall clock of the test; leases and deadlines are of real time. */
export const inRealTime = (clock: Clock): Clock => ({ now: () => clock.now(), monotonicMs: () => performance.now() });

/** A fifth of the lease that services have: a test then waits no longer for what nobody acknowledges. */
export const SHORT_TERMS = leaseTerms(LEASE_MS / 5);

/** Stores whose server has answered. */
export async function openStores(
  server: RedisServer,
  clock: Clock,
  options: {
    readonly secrets?: readonly string[];
    /** As they are now; wins over `secrets`. */
    readonly secretsNow?: () => readonly string[];
    readonly logger?: Logger;
    readonly terms?: LeaseTerms;
    readonly onCorrupt?: (fault: Corruption) => void;
  } = {},
): Promise<ConnectedStores> {
  const stores = createRedisStores({
    redis: server,
    secrets: options.secretsNow ?? (() => options.secrets ?? SECRETS),
    terms: options.terms ?? SHORT_TERMS,
    clock: inRealTime(clock),
    entropy: systemEntropy,
    timers: systemTimers,
    logger: options.logger ?? aLogger(),
    ...(options.onCorrupt === undefined ? {} : { onCorrupt: options.onCorrupt }),
  });
  await untilUp(stores.sessions);
  return stores;
}

/** The stores of two processes on an empty Redis, for the contracts. */
export async function openTwoStores(raw: Redis, server: RedisServer, clock: Clock) {
  await raw.flushall();
  const [here, elsewhere] = await Promise.all([openStores(server, clock), openStores(server, clock)]);
  return {
    here,
    elsewhere,
    close: async () => {
      await here.sessions.close();
      await elsewhere.sessions.close();
    },
  };
}

export const untilUp = (store: { ping(): Promise<void> }, timeoutMs?: number): Promise<true> =>
  waitFor('Redis to be in reach', () => store.ping().then(() => true as const), timeoutMs);

export const openConnection = (
  server: RedisServer,
  logger: Logger = aLogger(),
  onCorrupt: (fault: Corruption) => void = () => undefined,
): RedisLink =>
  createConnect(
    server,
    { logger },
    systemTimers,
  )({
    commandMs: server.command_timeout_ms,
    isForControlOnly: false,
    parts: { logger, entropy: systemEntropy, onCorrupt },
  });

/** A client of the tests themselves. */
export const rawClient = (port: number): Redis => new Redis({ port, host: '127.0.0.1', protocol: 2 });
