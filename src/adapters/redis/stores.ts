/** Everything that Doorward keeps in Redis: the connections, and what is made of them. */

import type {
  Clock,
  Entropy,
  Logger,
  OnceRegistry,
  SessionStore,
  StoreNewsListener,
  UserFacts,
} from '../../core/ports.ts';
import { Acknowledgements } from '../../core/revocation/acknowledgements.ts';
import { leaseTerms, type LeaseTerms } from '../../core/revocation/lease-terms.ts';
import { inStep, Replica } from '../../core/revocation/replica.ts';
import type { UserFact } from '../../core/signals/user-fact.ts';
import { createConnect } from './connect.ts';
import type { LinkState, RedisConnection, RedisLink, RedisServer } from './connection.ts';
import { corruptionTeller, type Corruption } from './corruption.ts';
import { createRedisOnceRegistry } from './once-registry.ts';
import { renewalsOver } from './renewals.ts';
import type { Timers } from '../../core/timers.ts';
import { Announcer, type Watch } from './announcer.ts';
import { GuardedReads } from './guarded-reads.ts';
import { LeaseKeeper, NEWS_MS } from './lease-keeper.ts';
import { RedisSessionStore, type KnownSession } from './session-store.ts';
import { RedisUserFacts } from './user-facts.ts';

/** Sessions that one process keeps at hand, and the bytes of their records. */
const CACHE_BOUNDS = { entriesMax: 50_000, weightMax: 64 * 1024 * 1024 };
/** Users whose facts one process keeps at hand, and the bytes of them. */
const FACT_BOUNDS = { entriesMax: 20_000, weightMax: 32 * 1024 * 1024 };
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
  /** 0 without a lease. */
  readonly leftMs: number;
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
  readonly facts: UserFacts;
  readonly lease: () => LeaseState;
};

/** What the connections of one use are like. */
export type StoreHealth = Readonly<Record<keyof Connections, LinkState>>;

/** With what only real connections can tell. */
export type ConnectedStores = RedisStores & {
  readonly health: () => StoreHealth;
  /** Resolves with why this Redis must not be used, where it was reached and is such a one; else, or when it is out of reach, with undefined. */
  readonly refusal: () => Promise<string | undefined>;
};

type Parts = {
  readonly connections: Connections;
  readonly replica: Replica<KnownSession>;
  /** Of the same terms. */
  readonly factsAtHand: Replica<readonly UserFact[]>;
  readonly watch: Watch;
  readonly replicas: number;
  readonly secrets: () => readonly string[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly withinMs: number;
  /** Told of each stored session that is none of ours. */
  readonly onCorrupt?: (fault: Corruption) => void;
  readonly news?: StoreNewsListener;
};

const noNews: StoreNewsListener = { onInvalidated: () => undefined, onAnew: () => undefined };

/** From its parts; everything that happens by itself begins here. @throws RangeError without a secret */
export function composeRedisStores(parts: Parts): RedisStores {
  const { connections, replica, factsAtHand, clock, timers, entropy, withinMs, news = noNews } = parts;
  const incarnation = Buffer.from(entropy.bytes(INCARNATION_BYTES)).toString('base64url');
  const announcer = new Announcer({
    ...parts,
    redis: connections.announcements,
    incarnation,
    onCarriedOut: () => keeper.wake(),
  });
  const keeper = new LeaseKeeper({
    ...parts,
    replica: inStep(replica, factsAtHand),
    ...connections,
    incarnation,
    onApplied: (entries) => {
      announcer.remember(entries);
      if (entries.length > 0) news.onInvalidated(entries);
    },
    onAnew: () => news.onAnew(),
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
  const facts = new RedisUserFacts({
    ...parts,
    redis: connections.main,
    reads: new GuardedReads({ replica: factsAtHand, keeper, clock, timers, withinMs }),
    announcer,
    forgetAll: () => factsAtHand.forgetAll(),
    onCorrupt: parts.onCorrupt ?? (() => undefined),
  });
  keeper.start();
  return {
    sessions,
    once: createRedisOnceRegistry(connections.main),
    facts,
    lease: () => ({
      isHeld: replica.holds({ monotonicMs: clock.monotonicMs(), now: clock.now() }),
      leftMs: replica.leftMs({ monotonicMs: clock.monotonicMs(), now: clock.now() }),
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
  readonly timers: Timers;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly terms?: LeaseTerms;
  /** Told of each answer and each stored session that is none of ours. */
  readonly onCorrupt?: (fault: Corruption) => void;
  readonly news?: StoreNewsListener;
}): ConnectedStores {
  const { redis: server, logger, entropy, terms = leaseTerms() } = options;
  const onCorrupt = corruptionTeller({ ...options, onCorrupt: options.onCorrupt ?? (() => undefined) });
  const { command_timeout_ms: commandMs } = server;
  // An outage is told once, by the connection that all requests use.
  const quiet: Logger = { ...logger, info: () => undefined, warn: () => undefined };
  const connect = createConnect(server, { logger: quiet }, options.timers);
  const link = (commandTimeoutMs: number, told: Logger): RedisLink =>
    connect({
      commandMs: commandTimeoutMs,
      isForControlOnly: told !== logger,
      parts: { logger: told, entropy, onCorrupt },
    });
  const links: Readonly<Record<keyof Connections, RedisLink>> = {
    main: link(commandMs, logger),
    renewals: link(Math.min(commandMs, terms.renewWithinMs), quiet),
    announcements: link(commandMs, quiet),
    news: link(commandMs + NEWS_MS, quiet),
  };
  const stores = composeRedisStores({
    ...options,
    onCorrupt,
    connections: { ...links, renewals: renewalsOver(links.renewals, links.main) },
    replica: new Replica(terms, CACHE_BOUNDS),
    factsAtHand: new Replica(terms, FACT_BOUNDS),
    watch: (carriedOut) => new Acknowledgements(carriedOut, terms),
    replicas: options.replicas ?? 0,
    withinMs: commandMs,
  });
  return {
    ...stores,
    health: () => ({
      main: links.main.state(),
      renewals: links.renewals.state(),
      announcements: links.announcements.state(),
      news: links.news.state(),
    }),
    refusal: () => links.main.refusal(),
  };
}
