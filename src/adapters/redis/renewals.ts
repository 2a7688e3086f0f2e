/**
 * The connection for renewals. Nothing stands before them on their own; while that one is on its way back they go by the one of all requests, so
 * that whoever reaches Redis has a lease, too.
 */

import type { RedisConnection, RedisLink } from './connection.ts';

export function renewalsOver(own: RedisLink, main: RedisLink): RedisConnection {
  // Which one is known in the turn of the write: a renewal counts from the moment before it.
  const link = (): RedisLink => (own.state().circuits.every((circuit) => circuit === 'closed') ? own : main);
  return {
    run: (script, keys, args) => link().run(script, keys, args),
    runOnAll: (script, keys, args, replicasOf) => link().runOnAll(script, keys, args, replicasOf),
    hasEntryAfter: (stream, seq, ms) => link().hasEntryAfter(stream, seq, ms),
    newEra: () => own.newEra(),
    close: () => own.close(),
  };
}
