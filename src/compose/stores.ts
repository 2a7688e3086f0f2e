/** The store that the configuration names: memory, the embedded default, or Redis. */

import type { ServerConfig } from '../adapters/config/server-config.ts';
import { createMemoryOnceRegistry } from '../adapters/memory/once-registry.ts';
import { createMemorySessionStore } from '../adapters/memory/session-store.ts';
import { createMemoryUserFacts } from '../adapters/memory/user-facts.ts';
import { createRedisStores, type ConnectedStores } from '../adapters/redis/stores.ts';
import type { Corruption } from '../adapters/redis/corruption.ts';
import type {
  Clock,
  Entropy,
  Logger,
  OnceRegistry,
  SessionStore,
  StoreNewsListener,
  UserFacts,
} from '../core/ports.ts';
import type { Timers } from '../core/timers.ts';

export type Stores = {
  readonly kind: 'memory' | 'redis';
  readonly sessions: SessionStore;
  readonly once: OnceRegistry;
  readonly facts: UserFacts;
  /** What only a store outside of the process has. */
  readonly outside: Pick<ConnectedStores, 'health' | 'lease' | 'refusal'> | undefined;
};

export function openStores(
  server: Pick<ServerConfig, 'session_store' | 'redis'>,
  parts: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly entropy: Entropy;
    readonly logger: Logger;
    /** Seal what is stored outside; the first seals, all open. */
    readonly secrets: () => readonly string[];
    /** Told of each thing in a store outside, or from it, that is none of ours. */
    readonly onCorrupt: (fault: Corruption) => void;
    readonly news: StoreNewsListener;
  },
): Stores {
  if (server.session_store === 'redis' && server.redis !== undefined) {
    const stores = createRedisStores({ ...parts, redis: server.redis, replicas: server.redis.replicas });
    return { kind: 'redis', sessions: stores.sessions, once: stores.once, facts: stores.facts, outside: stores };
  }
  const { clock } = parts;
  const onInvalidated: StoreNewsListener['onInvalidated'] = (entries) => {
    parts.news.onInvalidated(entries);
  };
  const sessions = createMemorySessionStore({ clock, onInvalidated });
  return {
    kind: 'memory',
    sessions,
    once: createMemoryOnceRegistry({ clock }),
    facts: createMemoryUserFacts({ clock, onInvalidated }),
    outside: undefined,
  };
}
