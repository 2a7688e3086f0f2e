/** Everything that Doorward keeps in Redis: the connections, and what is made of them. */

import type { Clock, Entropy, Logger, OnceRegistry, SessionStore } from '../../core/ports.ts';
import { leaseTerms, type LeaseTerms } from '../../core/revocation/lease-terms.ts';
import { Replica } from '../../core/revocation/replica.ts';
import { createRedisConnection, type RedisConnection, type RedisServer } from './connection.ts';
import { createRedisOnceRegistry } from './once-registry.ts';
import { systemTimers, type Timers } from './timers.ts';
import { Announcer } from './announcer.ts';
import { GuardedReads } from './guarded-reads.ts';
import { LeaseKeeper, NEWS_MS } from './lease-keeper.ts';
import { RedisSessionStore, type KnownSession } from './session-store.ts';

/** Sessions that one process keeps at hand, and the bytes of their records. */
const CACHE_BOUNDS = { entriesMax: 50_000, weightMax: 64 * 1024 * 1024 };
/** 96 random bits: no two starts of a process have the same. */
const INCARNATION_BYTES = 12;

/** Each kind of use has its own, so that none waits for another. */
export type Connections = {
  readonly main: RedisConnection;
  readonly renewals: RedisConnection;
  readonly announcements: RedisConnection;
  readonly news: RedisConnection;
};

export type LeaseState = {
  readonly isHeld: boolean;
  /** undefined = never. */
  readonly renewedMsAgo: number | undefined;
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
  readonly withoutLease: number;
};

export type RedisStores = {
  readonly sessions: SessionStore;
  readonly once: OnceRegistry;
  readonly lease: () => LeaseState;
};

type Parts = {
  readonly connections: Connections;
  readonly replica: Replica<KnownSession>;
  readonly replicas: number;
  readonly secrets: () => readonly string[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly withinMs: number;
};

/** From its parts; everything that happens by itself begins here. @throws RangeError without a secret */
export function composeRedisStores(parts: Parts): RedisStores {
  const { connections, replica, clock, timers, entropy, withinMs } = parts;
  const incarnation = Buffer.from(entropy.bytes(INCARNATION_BYTES)).toString('base64url');
  const announcer = new Announcer({
    ...parts,
    redis: connections.announcements,
    incarnation,
    terms: replica.terms,
    onCarriedOut: () => keeper.wake(),
  });
  const keeper = new LeaseKeeper({
    ...parts,
    ...connections,
    incarnation,
    onApplied: (entries) => announcer.remember(entries),
    onHistory: (history, before) => void announcer.settle(history, before),
  });
  const sessions = new RedisSessionStore({
    ...parts,
    redis: connections.main,
    reads: new GuardedReads({ replica, keeper, clock, timers, withinMs }),
    announcer,
    close: async () => {
      announcer.stop();
      await keeper.stop();
      await Promise.all(Object.values(connections).map((connection) => connection.close()));
    },
  });
  keeper.start();
  return {
    sessions,
    once: createRedisOnceRegistry(connections.main),
    lease: () => ({
      isHeld: replica.holds({ monotonicMs: clock.monotonicMs(), now: clock.now() }),
      renewedMsAgo: replica.renewedAtMs === undefined ? undefined : clock.monotonicMs() - replica.renewedAtMs,
      entries: replica.size,
      ...replica.counts,
    }),
  };
}

/**
 * Returns at once, whether Redis is there or not; until it is, everything throws `store-unavailable`. `sessions.close` closes both.
 * `secrets`, as they are now, seal what is stored (the first seals, all open); all processes on one Redis need the same. `replicas`: other
 * nodes that hold the data, at least; those that are connected count anyhow. `terms`: the same for all processes on one Redis.
 * @throws Error where a TLS file cannot be read, RangeError without a secret
 */
export function createRedisStores(options: {
  readonly redis: RedisServer;
  readonly replicas?: number;
  readonly secrets: () => readonly string[];
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly terms?: LeaseTerms;
}): RedisStores {
  const { redis: server, logger, entropy, terms = leaseTerms() } = options;
  const { command_timeout_ms: commandMs } = server;
  // An outage is told once, by the connection that all requests use.
  const quiet: Logger = { ...logger, info: () => undefined, warn: () => undefined };
  const connect = (timeoutMs: number, told: Logger): RedisConnection =>
    createRedisConnection({ server: { ...server, command_timeout_ms: timeoutMs }, logger: told, entropy });
  return composeRedisStores({
    ...options,
    connections: {
      main: connect(commandMs, logger),
      renewals: connect(Math.min(commandMs, terms.renewWithinMs), quiet),
      announcements: connect(commandMs, quiet),
      news: connect(commandMs + NEWS_MS, quiet),
    },
    replica: new Replica(terms, CACHE_BOUNDS),
    replicas: options.replicas ?? 0,
    timers: systemTimers,
    withinMs: commandMs,
  });
}
