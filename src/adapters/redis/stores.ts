/** Everything that Doorward keeps in Redis, over one connection. */

import type { Clock, Entropy, Logger, OnceRegistry, SessionStore } from '../../core/ports.ts';
import { createRedisConnection, type RedisServer } from './connection.ts';
import { createRedisOnceRegistry } from './once-registry.ts';
import { createRedisSessionStore } from './session-store.ts';

/**
 * Returns at once, whether Redis is there or not; until it is, everything throws `store-unavailable`. `sessions.close` closes both.
 * `secrets`, as they are now, seal what is stored (the first seals, all open); all processes on one Redis need the same.
 * @throws Error where a TLS file cannot be read, RangeError without a secret
 */
export function createRedisStores(options: {
  readonly redis: RedisServer;
  readonly secrets: () => readonly string[];
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}): { readonly sessions: SessionStore; readonly once: OnceRegistry } {
  const { redis: server, logger, entropy } = options;
  const connection = createRedisConnection({ server, logger, entropy });
  return {
    sessions: createRedisSessionStore({ ...options, connection }),
    once: createRedisOnceRegistry(connection),
  };
}
