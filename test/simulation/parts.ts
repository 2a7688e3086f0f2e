/** The parts of a simulated world that a mutation may put another in the place of. */

import type { Watch } from '../../src/adapters/redis/announcer.ts';
import type { KnownSession } from '../../src/adapters/redis/session-store.ts';
import type { SessionStore } from '../../src/core/ports.ts';
import { Acknowledgements } from '../../src/core/revocation/acknowledgements.ts';
import type { CacheBounds } from '../../src/core/revocation/covered-cache.ts';
import { leaseTerms, type LeaseTerms } from '../../src/core/revocation/lease-terms.ts';
import { Replica } from '../../src/core/revocation/replica.ts';
import { refreshedSession } from '../../src/core/session/refresh.ts';
import type { Refreshed } from '../../src/core/session/refreshed.ts';
import type { Session } from '../../src/core/session/session.ts';
import type { UserFact } from '../../src/core/signals/user-fact.ts';
import type { EpochSeconds } from '../../src/core/units.ts';
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
  /** What a refresh makes of a session. */
  readonly refreshed: (
    session: Session,
    answer: Refreshed,
    now: EpochSeconds,
    sessions: Pick<SessionStore, 'loginMark'>,
  ) => Promise<Session>;
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
  refreshed: (session, answer, now) => Promise.resolve(refreshedSession(session, answer, now)),
  decidesBlind: false,
  marksLate: false,
  membersVanish: false,
};
