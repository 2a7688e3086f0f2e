/**
 * Replica: what one process knows of the store, and until when it may decide by it. One rule: no lease, no allow. A lease comes only with a
 * renewal that brought every invalidation up to its moment, and counts from before that renewal was sent; what was read is kept only if no
 * invalidation of it was applied while it was being read. No I/O and no clock: every moment is an argument, of this process's own clocks.
 */

import type { EpochSeconds } from '../units.ts';
import { CoveredCache, type CacheBounds } from './covered-cache.ts';
import { coverOf, type Cover, type Invalidation } from './invalidation.ts';
import type { LeaseTerms } from './lease-terms.ts';

/** Both clocks of a process at one moment. */
export type Moment = {
  readonly monotonicMs: number;
  /** SECURITY: a machine that sleeps may stop its monotonic clock; where the wall clock has run on, no lease is left. */
  readonly now: EpochSeconds;
};

/** What a renewal asks: everything after `applied` in `history`; undefined = nothing is known yet. */
export type Renewal = { readonly sentAt: Moment; readonly history: string | undefined; readonly applied: number };

export type RenewalReply = {
  readonly history: string;
  /** Where the control slot stands. */
  readonly seq: number;
  /** All after `applied`, oldest first; undefined = not to be had, begin anew. */
  readonly entries: readonly Invalidation[] | undefined;
};

/** A read under way. */
export type Fill = { readonly from: number; readonly resets: number };

export type FillReply<Value> = {
  readonly key: string;
  readonly value: Value;
  /** Of the reply that told what covers the value. */
  readonly history: string;
  readonly covers: readonly Cover[];
  readonly weight: number;
};

/** `kept`: may be decided by, as long as a look-up finds it. Anything else: read again. */
export type Filled = 'kept' | 'poisoned' | 'no-lease' | 'other-history';

export type LookedUp<Value> = { readonly kind: 'hit'; readonly value: Value } | { readonly kind: 'miss' | 'no-lease' };

const MISS: LookedUp<never> = { kind: 'miss' };
const NO_LEASE: LookedUp<never> = { kind: 'no-lease' };

/** However quiet it is: what a revoker that died half way could have left behind goes after this. */
const ENTRY_AGE_MS_MAX = 60_000;

export type ReplicaCounts = { readonly hits: number; readonly misses: number; readonly withoutLease: number };

export class Replica<Value> {
  readonly terms: LeaseTerms;
  readonly #cache: CoveredCache<Hit<Value>>;
  #history: string | undefined;
  #applied = 0;
  #isStopped = false;
  /** Monotonic; the wall clock may have advanced by `holdMs` from `#heldFrom` at most. */
  #holdsUntilMs = -Infinity;
  #heldFrom: EpochSeconds | undefined;
  #renewedAtMs: number | undefined;
  /** Of reads under way, in the order in which they began. */
  readonly #fills = new Set<Fill>();
  /** Invalidations applied since the oldest read under way began; `#logFrom` is the place of the first. */
  #log: Cover[] = [];
  #logFrom = 0;
  #resets = 0;
  #hits = 0;
  #misses = 0;
  #withoutLease = 0;

  constructor(terms: LeaseTerms, bounds: CacheBounds) {
    this.terms = terms;
    this.#cache = new CoveredCache(bounds);
  }

  /** `sentAt`: read immediately before the write. One renewal is under way at a time. */
  beginRenewal(sentAt: Moment): Renewal {
    return { sentAt, history: this.#history, applied: this.#applied };
  }

  /**
   * Applies, then holds, in one turn. True when the store should be told at once how far this process is: that is the acknowledgement.
   * A reply that does not fit what was asked ends the lease; the next renewal begins anew.
   */
  endRenewal(renewal: Renewal, reply: RenewalReply): boolean {
    if (this.#isStopped) return false;
    if (reply.entries !== undefined && !this.isComplete(renewal, reply)) {
      this.startAnew(undefined, 0);
      return false;
    }
    if (reply.entries === undefined) this.startAnew(reply.history, reply.seq);
    else for (const entry of reply.entries) this.apply(entry);
    this.hold(renewal.sentAt);
    return reply.entries === undefined || reply.entries.length > 0;
  }

  /** Whether the process may decide from what it knows, at this moment. */
  holds(at: Moment): boolean {
    if (at.monotonicMs >= this.#holdsUntilMs || this.#heldFrom === undefined) return false;
    return (at.now - this.#heldFrom) * 1000 <= this.terms.holdMs;
  }

  /** What may be decided by at this very moment; after any `await` it has to be asked again. */
  lookup(key: string, at: Moment): LookedUp<Value> {
    if (!this.holds(at)) {
      this.#withoutLease += 1;
      return NO_LEASE;
    }
    const entry = this.#cache.get(key);
    if (entry === undefined || at.monotonicMs - entry.filledAtMs >= ENTRY_AGE_MS_MAX) {
      this.#misses += 1;
      return MISS;
    }
    entry.wasUsed = true;
    this.#hits += 1;
    return entry.value;
  }

  beginFill(): Fill {
    const fill = { from: this.#logFrom + this.#log.length, resets: this.#resets };
    this.#fills.add(fill);
    return fill;
  }

  /** `at`: when the reply is looked at, not when it came. */
  endFill(fill: Fill, reply: FillReply<Value>, at: Moment): Filled {
    const isPoisoned = this.isPoisoned(fill, reply.covers);
    this.abandonFill(fill);
    if (!this.holds(at)) return 'no-lease';
    if (!this.isOfHistory(reply.history)) return 'other-history';
    if (isPoisoned) return 'poisoned';
    this.keep(reply, at);
    return 'kept';
  }

  /** The read has failed. */
  abandonFill(fill: Fill): void {
    this.#fills.delete(fill);
    const [oldest] = this.#fills;
    const from = oldest?.from ?? this.#logFrom + this.#log.length;
    if (from === this.#logFrom) return;
    this.#log = this.#log.slice(from - this.#logFrom);
    this.#logFrom = from;
  }

  /** Changes what is kept, where something is; for what the process itself wrote and no invalidation tells. */
  amend(key: string, change: (value: Value) => Value): void {
    const entry = this.#cache.get(key);
    if (entry !== undefined) entry.value = { kind: 'hit', value: change(entry.value.value) };
  }

  forget(key: string): void {
    this.#cache.delete(key);
  }

  /** What is kept, and what is being read, counts no longer; for a change that no invalidation tells. */
  forgetAll(): void {
    this.clear();
    this.poisonReads();
  }

  /** From now on nothing is decided from here any more. Comes before the process says that it is gone. */
  stop(): void {
    this.#isStopped = true;
    this.#holdsUntilMs = -Infinity;
    this.forgetAll();
  }

  get history(): string | undefined {
    return this.#history;
  }

  get applied(): number {
    return this.#applied;
  }

  /** Monotonic: from when the newest lease counts. */
  get renewedAtMs(): number | undefined {
    return this.#renewedAtMs;
  }

  /** How long what is kept may still be decided by, without another renewal. */
  leftMs(at: Moment): number {
    return this.holds(at) ? this.#holdsUntilMs - at.monotonicMs : 0;
  }

  get size(): number {
    return this.#cache.size;
  }

  get counts(): ReplicaCounts {
    return { hits: this.#hits, misses: this.#misses, withoutLease: this.#withoutLease };
  }

  /** Whether nothing is missing between what this process has applied and where the control slot stands. */
  protected isComplete(renewal: Renewal, { history, seq, entries = [] }: RenewalReply): boolean {
    return (
      renewal.history === this.#history &&
      renewal.applied === this.#applied &&
      history === this.#history &&
      entries.length === seq - this.#applied &&
      entries.every((entry, place) => entry.seq === this.#applied + 1 + place)
    );
  }

  protected startAnew(history: string | undefined, seq: number): void {
    this.clear();
    this.poisonReads();
    this.#history = history;
    this.#applied = seq;
    this.#holdsUntilMs = -Infinity;
  }

  protected apply({ seq, kind, key }: Invalidation): void {
    const cover = coverOf(kind, key);
    this.#cache.drop(cover);
    if (this.#fills.size > 0) this.#log.push(cover);
    this.#applied = seq;
  }

  protected hold({ monotonicMs, now }: Moment): void {
    this.#renewedAtMs = monotonicMs;
    const until = monotonicMs + this.terms.holdMs;
    if (until <= this.#holdsUntilMs) return;
    this.#holdsUntilMs = until;
    this.#heldFrom = now;
  }

  protected isPoisoned(fill: Fill, covers: readonly Cover[]): boolean {
    if (fill.resets !== this.#resets) return true;
    for (let place = fill.from - this.#logFrom; place < this.#log.length; place += 1) {
      if (covers.includes(this.#log[place] ?? '')) return true;
    }
    return false;
  }

  protected isOfHistory(history: string): boolean {
    return history === this.#history;
  }

  protected keep({ key, value, covers, weight }: FillReply<Value>, at: Moment): void {
    this.#cache.set(key, { value: { kind: 'hit', value }, covers, weight, filledAtMs: at.monotonicMs });
  }

  protected clear(): void {
    this.#cache.clear();
  }

  protected poisonReads(): void {
    this.#resets += 1;
  }
}

type Hit<Value> = { readonly kind: 'hit'; readonly value: Value };

/** What a lease is kept for. */
export type Leased = Pick<
  Replica<unknown>,
  'terms' | 'beginRenewal' | 'endRenewal' | 'holds' | 'stop' | 'history' | 'applied'
>;

/**
 * Two replicas of the same terms under one lease: each renewal is asked for once and answered to both in one turn, so both are always at the same
 * place of the same history.
 */
export const inStep = (first: Leased, second: Leased): Leased => ({
  terms: first.terms,
  get history() {
    return first.history;
  },
  get applied() {
    return first.applied;
  },
  beginRenewal: (sentAt) => first.beginRenewal(sentAt),
  endRenewal(renewal, reply) {
    second.endRenewal(renewal, reply);
    return first.endRenewal(renewal, reply);
  },
  holds: (at) => first.holds(at),
  stop() {
    first.stop();
    second.stop();
  },
});
