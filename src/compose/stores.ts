/** The store that the configuration names: memory, the embedded default, or Redis. */

import type { ServerConfig } from '../adapters/config/server-config.ts';
import { createMemoryOnceRegistry } from '../adapters/memory/once-registry.ts';
import { createMemorySessionStore } from '../adapters/memory/session-store.ts';
import { createRedisStores } from '../adapters/redis/stores.ts';
import type { Clock, Entropy, Logger, OnceRegistry, SessionStore } from '../core/ports.ts';

export type Stores = {
  readonly kind: 'memory' | 'redis';
  readonly sessions: SessionStore;
  readonly once: OnceRegistry;
};

export function openStores(
  server: Pick<ServerConfig, 'session_store' | 'redis'>,
  parts: {
    readonly clock: Clock;
    readonly entropy: Entropy;
    readonly logger: Logger;
    /** Seal what is stored outside; the first seals, all open. */
    readonly secrets: () => readonly string[];
  },
): Stores {
  if (server.session_store === 'redis' && server.redis !== undefined) {
    return { kind: 'redis', ...createRedisStores({ ...parts, redis: server.redis, replicas: server.redis.replicas }) };
  }
  const { clock } = parts;
  return { kind: 'memory', sessions: createMemorySessionStore({ clock }), once: createMemoryOnceRegistry({ clock }) };
}
