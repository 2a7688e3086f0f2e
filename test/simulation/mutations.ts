/**
 * The protocol with one mistake each: what a simulation that is worth anything must find. Each puts another part in the place of one of the code
 * under test, or of the Redis it talks to; nothing in the code under test can be switched off.
 */

import type { Watch } from '../../src/adapters/redis/announcer.ts';
import type { KnownSession } from '../../src/adapters/redis/session-store.ts';
import { Acknowledgements, type Progress } from '../../src/core/revocation/acknowledgements.ts';
import type { CacheBounds } from '../../src/core/revocation/covered-cache.ts';
import type { Invalidation } from '../../src/core/revocation/invalidation.ts';
import { leaseTerms, type LeaseTerms } from '../../src/core/revocation/lease-terms.ts';
import {
  Replica,
  type Fill,
  type FillReply,
  type Filled,
  type Moment,
  type Renewal,
  type RenewalReply,
} from '../../src/core/revocation/replica.ts';
import type { Machine } from './machine.ts';
import type { Random } from './random.ts';
import { ScriptedRedis, type Replacement, type Reply } from './scripted-redis.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Parts } from './parts.ts';
import type { Scene } from './world.ts';

abstract class Mutant extends Replica<KnownSession> {
  protected readonly machine: Machine;

  constructor(terms: LeaseTerms, machine: Machine, bounds: CacheBounds) {
    super(terms, bounds);
    this.machine = machine;
  }

  protected later(ms: number, run: () => void): void {
    this.machine.timers.after(ms, run);
  }
}

class LeaseFromReply extends Mutant {
  protected override hold(): void {
    const { clock } = this.machine;
    super.hold({ monotonicMs: clock.monotonicMs(), now: clock.now() });
  }
}

/** A flag that a timer takes away, where the clock should be looked at. */
class LeaseByTimer extends Mutant {
  #isHeld = false;
  #count = 0;

  protected override hold(sentAt: Moment): void {
    super.hold(sentAt);
    this.#isHeld = true;
    this.#count += 1;
    const count = this.#count;
    const leftMs = sentAt.monotonicMs + this.terms.holdMs - this.machine.clock.monotonicMs();
    this.later(Math.max(0, leftMs), () => {
      if (count === this.#count) this.#isHeld = false;
    });
  }

  override holds(): boolean {
    return this.#isHeld;
  }
}

class AckBeforeApply extends Mutant {
  protected override apply(entry: Invalidation): void {
    super.apply({ seq: entry.seq, kind: 'fact', key: 'nothing' });
    this.later(30, () => super.apply({ ...entry, seq: this.applied }));
  }
}

/** Renewals grant a lease although what they brought waits to be applied. */
class Unconditional extends Mutant {
  override endRenewal(renewal: Renewal, reply: RenewalReply): boolean {
    if (reply.entries === undefined || reply.entries.length === 0 || this.machine.clock.monotonicMs() % 10 < 1)
      return super.endRenewal(renewal, reply);
    this.hold(renewal.sentAt);
    return false;
  }
}

class RacingFill extends Mutant {
  protected override isPoisoned(): boolean {
    return false;
  }
}

class ResetNoFlush extends Mutant {
  protected override clear(): void {
    return undefined;
  }
}

class ResetNoPoison extends Mutant {
  protected override poisonReads(): void {
    return undefined;
  }
}

/** What was read is used, whatever happened while it was on its way. */
class UsedBlind extends Mutant {
  override endFill(fill: Fill, reply: FillReply<KnownSession>, at: Moment): Filled {
    super.endFill(fill, reply, at);
    return 'kept';
  }
}

/** A read is used although there is no lease when it is decided by. */
class ReadNoLease extends Mutant {
  #isReading = false;

  override endFill(fill: Fill, reply: FillReply<KnownSession>, at: Moment): Filled {
    this.#isReading = true;
    const filled = super.endFill(fill, reply, at);
    this.#isReading = false;
    return filled;
  }

  override holds(at: Moment): boolean {
    return this.#isReading || super.holds(at);
  }
}

class GapsUnseen extends Mutant {
  protected override isComplete(): boolean {
    return true;
  }

  override endRenewal(renewal: Renewal, reply: RenewalReply): boolean {
    const { entries, seq } = reply;
    if (entries === undefined || entries.at(-1)?.seq === seq || seq === renewal.applied)
      return super.endRenewal(renewal, reply);
    return super.endRenewal(renewal, { ...reply, entries: [...entries, { seq, kind: 'fact', key: 'nothing' }] });
  }
}

class LeavesEarly extends Mutant {
  override stop(): void {
    return undefined;
  }
}

class AnyHistory extends Mutant {
  protected override isOfHistory(): boolean {
    return true;
  }
}

const replica = (
  MutantReplica: new (terms: LeaseTerms, machine: Machine, bounds: CacheBounds) => Mutant,
): Pick<Parts, 'replica'> => ({
  replica: (...given) => new MutantReplica(...given),
});

const redis = (
  MutantRedis: new (...given: ConstructorParameters<typeof ScriptedRedis>) => ScriptedRedis,
): Pick<Parts, 'redis'> => ({ redis: (replid, { time }) => new MutantRedis(replid, () => time.nowMs) });

class ResetAcknowledges extends ScriptedRedis {
  protected override toldAnew = (seq: number): number => seq;
}

/** Gives what the stream still has, as if it were all. */
class TrimBlind extends ScriptedRedis {
  protected override entriesAfter(applied: number): readonly string[] {
    return this.stream
      .filter((entry) => entry.seq > applied)
      .flatMap((entry) => [String(entry.seq), entry.kind, entry.key]);
  }
}

class DropsBlind extends ScriptedRedis {
  protected override isUnchanged(): boolean {
    return true;
  }
}

/** The members as they were when the revocation was sent. */
class EnumeratesFirst extends ScriptedRedis {
  #then: string[] = [];

  enumerate(): void {
    this.#then = super.members();
  }

  protected override members(): string[] {
    return this.#then;
  }
}

class AnnouncesFirst extends ScriptedRedis {
  readonly #world: { readonly time: VirtualTime; readonly random: Random };

  constructor(replid: string, world: { readonly time: VirtualTime; readonly random: Random }) {
    super(replid, () => world.time.nowMs);
    this.#world = world;
  }

  protected override revoke(history: string, tombstone: string, kind: string, key: string): Reply {
    const value = Buffer.from(String(Number(this.control.get('seq')) + 1));
    const { time, random } = this.#world;
    time.after(random.between(1, 60), () => this.apply({ op: 'set', key: tombstone, value }));
    return this.announce(history, kind, key);
  }
}

/** A user is ended by deleting what there is. */
class DeletesOnly extends ScriptedRedis {
  protected override revoke(history: string, tombstone: string, kind: string, key: string): Reply {
    if (kind !== 'u') return super.revoke(history, tombstone, kind, key);
    for (const stored of [...this.keys.keys()]) if (stored.endsWith(':s')) this.write({ op: 'del', key: stored });
    return this.announce(history, kind, key);
  }
}

/** What a refresh writes is written, whatever is there and whoever has it. */
const setsBlind = (MutantRedis: typeof ScriptedRedis): typeof ScriptedRedis =>
  class extends MutantRedis {
    readonly #seen = new Map<string, Buffer>();

    protected override claim(key: string, place: string, owner: Buffer, ttlMs: number): Reply {
      const record = this.keys.get(key);
      if (record !== undefined) this.#seen.set(key, record);
      return super.claim(key, place, owner, ttlMs);
    }

    protected override replace(key: string, _: string, { head, body, seenFirst, seenLast }: Replacement): Reply {
      const seen = this.#seen.get(key)?.subarray(seenFirst, seenLast + 1) ?? Buffer.alloc(0);
      this.write({ op: 'set', key, value: Buffer.concat([head, seen, body]) });
      return [1];
    }
  };

class ReadsOnAnyNode extends ScriptedRedis {
  #isRead = false;

  override run(...asked: Parameters<ScriptedRedis['run']>): Reply {
    this.#isRead = ['read', 'standing', 'poll'].includes(asked[0]);
    try {
      return super.run(...asked);
    } finally {
      this.#isRead = false;
    }
  }

  protected override mustBeMaster(): void {
    if (!this.#isRead) super.mustBeMaster();
  }
}

/** Acknowledgements count at once, in whatever history. */
class AlwaysSettled extends Acknowledgements {
  readonly #history: string;

  constructor(...[carriedOut, terms]: ConstructorParameters<typeof Acknowledgements>) {
    super(carriedOut, terms);
    this.#history = carriedOut.history;
  }

  override progress(nowMs: number): Progress {
    return super.progress(nowMs, { history: this.#history, sinceMs: -Infinity });
  }
}

/** What is written back has the mark of that moment. */
const marksAnew: Parts['refreshesThrough'] = (sessions) => ({
  claim: (...asked) => sessions.claim(...asked),
  release: (...asked) => sessions.release(...asked),
  revoke: (...asked) => sessions.revoke(...asked),
  replace: async (session, owner) => sessions.replace({ ...session, mark: await sessions.loginMark() }, owner),
});

const sentAtMs = new WeakMap<Machine, number>();

const waitFromSend = (terms: LeaseTerms, machine: Machine): Watch => {
  return (carriedOut) =>
    new Acknowledgements({ ...carriedOut, readAtMs: sentAtMs.get(machine) ?? carriedOut.readAtMs }, terms);
};

export type Mutation = {
  readonly name: string;
  readonly changed: Partial<Parts>;
  /** The worlds in which it shows; undefined: it takes a play (plays/). */
  readonly search?: Scene;
};

export const mutations: readonly Mutation[] = [
  { name: 'LEASE_FROM_REPLY', search: { climate: 'temperate', seed: 1, nodes: 2 }, changed: replica(LeaseFromReply) },
  { name: 'TIMER', search: { climate: 'frozen', seed: 1, nodes: 1 }, changed: replica(LeaseByTimer) },
  { name: 'ACK_BEFORE_APPLY', search: { climate: 'temperate', seed: 1, nodes: 1 }, changed: replica(AckBeforeApply) },
  { name: 'UNCONDITIONAL', search: { climate: 'temperate', seed: 1, nodes: 1 }, changed: replica(Unconditional) },
  { name: 'RACING_FILL', search: { climate: 'slow', seed: 1, nodes: 1 }, changed: replica(RacingFill) },
  { name: 'RESET_NO_FLUSH', search: { climate: 'temperate', seed: 1, nodes: 1 }, changed: replica(ResetNoFlush) },
  { name: 'RESET_NO_POISON', search: { climate: 'slow', seed: 1, nodes: 1 }, changed: replica(ResetNoPoison) },
  {
    name: 'JOIN_BLIND',
    search: { climate: 'frozen', seed: 1, nodes: 1 },
    changed: { ...replica(UsedBlind), decidesBlind: true },
  },
  {
    name: 'READ_NO_LEASE',
    search: { climate: 'slow', seed: 1, nodes: 1 },
    changed: { ...replica(ReadNoLease), decidesBlind: true },
  },
  {
    name: 'RESET_ACKS',
    search: { climate: 'slow', seed: 1, nodes: 1 },
    changed: redis(ResetAcknowledges),
  },
  {
    name: 'TRIM_BLIND',
    search: { climate: 'temperate', seed: 1, nodes: 1 },
    changed: { ...redis(TrimBlind), ...replica(GapsUnseen) },
  },
  { name: 'GC_BLIND', changed: redis(DropsBlind) },
  {
    name: 'ENUM_FIRST',
    changed: {
      ...redis(EnumeratesFirst),
      onSend: (script, node) => {
        if (script === 'revoke' && node.redis instanceof EnumeratesFirst) node.redis.enumerate();
      },
    },
  },
  {
    name: 'WAIT_FROM_SEND',
    search: { climate: 'interrupted', seed: 1, nodes: 1 },
    changed: {
      watch: waitFromSend,
      onSend: (script, _, machine) => {
        if (script === 'revoke') sentAtMs.set(machine, machine.clock.monotonicMs());
      },
    },
  },
  {
    name: 'NO_DRIFT_MARGIN',
    changed: { terms: { ...leaseTerms(), holdMs: 1000, waitMs: 1000 } },
  },
  {
    name: 'ANNOUNCE_FIRST',
    search: { climate: 'temperate', seed: 1, nodes: 1 },
    changed: { redis: (replid, world) => new AnnouncesFirst(replid, world) },
  },
  { name: 'REDIS_TTL', search: { climate: 'temperate', seed: 1, nodes: 1 }, changed: { membersVanish: true } },
  { name: 'DEREGISTER_EARLY', search: { climate: 'temperate', seed: 1, nodes: 1 }, changed: replica(LeavesEarly) },
  { name: 'NO_HIST', search: { climate: 'temperate', seed: 1, nodes: 2 }, changed: { keepsReplid: true } },
  {
    name: 'NO_SETTLED',
    changed: { watch: (terms) => (carriedOut) => new AlwaysSettled(carriedOut, terms) },
  },
  {
    name: 'PROBE_NO_WAIT',
    changed: { isWaited: (script) => script !== 'probe' },
  },
  {
    name: 'REVOKE_NO_WAIT',
    search: { climate: 'temperate', seed: 1, nodes: 2 },
    changed: { isWaited: (script) => script !== 'revoke' },
  },
  {
    name: 'READ_ANY_NODE',
    search: { climate: 'interrupted', seed: 1, nodes: 2 },
    changed: { ...redis(ReadsOnAnyNode), ...replica(AnyHistory), keepsReplicas: true },
  },
  { name: 'G0_LATE', search: { climate: 'temperate', seed: 1, nodes: 1 }, changed: { marksLate: true } },
  {
    name: 'DELETE_ONLY',
    search: { climate: 'temperate', seed: 1, nodes: 1 },
    changed: redis(DeletesOnly),
  },
  {
    name: 'REFRESH_NEW_G0',
    search: { climate: 'temperate', seed: 1, nodes: 1, hasRefreshes: true },
    changed: {
      refreshesThrough: marksAnew,
    },
  },
  {
    name: 'REFRESH_SET',
    changed: redis(setsBlind(ScriptedRedis)),
  },
  {
    name: 'DELETE_ONLY and REFRESH_SET',
    changed: redis(setsBlind(DeletesOnly)),
  },
];

/** @throws Error for a name that is none */
export function changeOf(name: string): Partial<Parts> {
  const mutation = mutations.find((each) => each.name === name);
  if (mutation === undefined) throw new Error(`there is no mutation ${name}`);
  return mutation.changed;
}
