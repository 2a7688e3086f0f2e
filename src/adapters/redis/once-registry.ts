/** Ids that were used, in Redis: one key each, by its hash, which goes with its time. */

import type { OnceRegistry } from '../../core/ports.ts';
import type { RedisConnection } from './connection.ts';
import { usedIdKey } from './keys.ts';
import { flagAt } from './replies.ts';
import { useOnceScript, wasUsedScript } from './scripts.ts';

export const createRedisOnceRegistry = (connection: RedisConnection): OnceRegistry => ({
  async wasUsed(id) {
    return flagAt(await connection.run(wasUsedScript, [usedIdKey(id)], []), 0);
  },
  async use(id, ttlSeconds) {
    return flagAt(await connection.run(useOnceScript, [usedIdKey(id)], [Math.ceil(ttlSeconds * 1000)]), 0);
  },
});
