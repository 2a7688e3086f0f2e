/** The parts of a simulated world that a mutation may put another in the place of. */

import type { Watch } from '../../src/adapters/redis/announcer.ts';
import type { KnownSession } from '../../src/adapters/redis/session-store.ts';
import type { SessionStore } from '../../src/core/ports.ts';
import { Acknowledgements } from '../../src/core/revocation/acknowledgements.ts';
import type { CacheBounds } from '../../src/core/revocation/covered-cache.ts';
import { leaseTerms, type LeaseTerms } from '../../src/core/revocation/lease-terms.ts';
import { Replica } from '../../src/core/revocation/replica.ts';
import type { UserFact } from '../../src/core/signals/user-fact.ts';
import type { Machine } from './machine.ts';
import type { Random } from './random.ts';
import type { RedisNode } from './redis-node.ts';
import { ScriptedRedis } from './scripted-redis.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What a mutation may put in the place of a part. Everything else of the code under test stays as it is. */
export type Parts = {
  readonly replica: (terms: LeaseTerms, machine: Machine, bounds: CacheBounds) => Replica<KnownSession>;
  readonly factsAtHand: (terms: LeaseTerms, bounds: CacheBounds) => Replica<readonly UserFact[]>;
  readonly watch: (terms: LeaseTerms, machine: Machine) => Watch;
  readonly terms: LeaseTerms;
  readonly redis: (replid: string, world: { readonly time: VirtualTime; readonly random: Random }) => ScriptedRedis;
  readonly onSend: (script: string, node: RedisNode, machine: Machine) => void;
  readonly isWaited: (script: string) => boolean;
  readonly keepsReplicas: boolean;
  readonly keepsReplid: boolean;
  /** How a refresh uses the store. */
  readonly refreshesThrough: (sessions: SessionStore) => Pick<SessionStore, 'claim' | 'replace' | 'release' | 'revoke'>;
  /** Decides by what a promise gave. */
  readonly decidesBlind: boolean;
  /** Reads the mark when the code was redeemed already. */
  readonly marksLate: boolean;
  /** Members vanish by a clock that is not the revoker's. */
  readonly membersVanish: boolean;
};

export const parts: Parts = {
  replica: (terms, _, bounds) => new Replica(terms, bounds),
  factsAtHand: (terms, bounds) => new Replica(terms, bounds),
  watch: (terms) => (carriedOut) => new Acknowledgements(carriedOut, terms),
  terms: leaseTerms(),
  redis: (replid, { time }) => new ScriptedRedis(replid, () => time.nowMs),
  onSend: () => undefined,
  isWaited: () => true,
  keepsReplicas: false,
  keepsReplid: false,
  refreshesThrough: (sessions) => sessions,
  decidesBlind: false,
  marksLate: false,
  membersVanish: false,
};
