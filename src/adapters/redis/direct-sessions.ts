/**
 * Sessions in Redis for a process that decides nothing: it lists, shows and ends them, and takes no part in leases. So nobody ever waits for it,
 * and it does not know whether the history is settled: a revocation of its own takes as long as the longest lease.
 */

import { setTimeout as pause } from 'node:timers/promises';

import type { Clock, Entropy, Logger, SessionStore } from '../../core/ports.ts';
import { Acknowledgements } from '../../core/revocation/acknowledgements.ts';
import { leaseTerms, type LeaseTerms } from '../../core/revocation/lease-terms.ts';
import { Announcer } from './announcer.ts';
import { createConnect } from './connect.ts';
import type { RedisLink, RedisServer } from './connection.ts';
import { RedisSessionStore } from './session-store.ts';
import type { Timers } from '../../core/timers.ts';

export type DirectSessions = Pick<SessionStore, 'list' | 'get' | 'revoke' | 'close'> & {
  /** Resolves with undefined when Redis answers, else with why it must not, or cannot, be used. */
  readonly whyNot: () => Promise<string | undefined>;
};

/** Only for what goes on in the background of a process that decides. */
const NO_CACHE = { amend: () => undefined, forget: () => undefined, forgetAll: () => undefined };

/** `secrets`, `replicas` and `terms`: those of the processes that decide. @throws Error where a TLS file cannot be read, RangeError without a secret */
export function createDirectSessions(options: {
  readonly redis: RedisServer;
  readonly replicas: number;
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly timers: Timers;
  readonly terms?: LeaseTerms;
}): DirectSessions {
  const { redis, replicas, secrets, clock, timers, entropy, logger, terms = leaseTerms() } = options;
  const connect = createConnect(redis, { logger }, timers);
  const link = (isForControlOnly: boolean, told: Logger): RedisLink =>
    connect({
      commandMs: redis.command_timeout_ms,
      isForControlOnly,
      parts: { logger: told, entropy, onCorrupt: () => undefined },
    });
  const main = link(false, logger);
  // What is wrong with Redis is told once.
  const announcements = link(true, { ...logger, info: () => undefined, warn: () => undefined });
  const announcer = new Announcer({
    redis: announcements,
    replicas,
    // Only members and those who settle a history are known by one.
    incarnation: '',
    watch: (carriedOut) => new Acknowledgements(carriedOut, terms),
    clock,
    timers,
    logger,
    onCarriedOut: () => undefined,
  });
  const sessions = new RedisSessionStore({
    redis: main,
    // As it is at this moment; nothing is decided by it.
    reads: { get: async (_, read) => (await read()).value },
    replica: NO_CACHE,
    announcer,
    secrets: () => secrets,
    clock,
    entropy,
    logger,
    close: async () => {
      announcer.stop();
      await Promise.all([main.close(), announcements.close()]);
    },
  });
  return {
    list: (query) => sessions.list(query),
    get: (handle) => sessions.get(handle),
    revoke: (target) => sessions.revoke(target),
    close: () => sessions.close(),
    whyNot: () => untilUp({ main, announcements }, clock.monotonicMs() + redis.connect_timeout_ms, clock),
  };
}

/** Between two looks at whether Redis has answered. */
const LOOK_EACH_MS = 10;

async function untilUp(
  { main, announcements }: { readonly main: RedisLink; readonly announcements: RedisLink },
  untilMs: number,
  clock: Clock,
): Promise<string | undefined> {
  let refusal: string | undefined;
  void main.refusal().then((told) => {
    refusal = told;
  });
  while (clock.monotonicMs() < untilMs) {
    if (refusal !== undefined || [main, announcements].every(isUp)) return refusal;
    // Nothing else may keep the process from ending meanwhile.
    await pause(LOOK_EACH_MS);
  }
  // Of a Cluster a part may do: what it lacks is told by whoever asks for it.
  return isUp(announcements) ? undefined : 'Redis is out of reach';
}

const isUp = (link: RedisLink): boolean => {
  const { circuits } = link.state();
  return circuits.length > 0 && circuits.every((circuit) => circuit === 'closed');
};
