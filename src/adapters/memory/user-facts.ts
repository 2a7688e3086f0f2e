/** Facts of users of one process, in memory: the embedded default. Everything but the port's promise is synchronous. No timer, no I/O. */

import type { Announced, Clock, StoreNewsListener, UserFacts } from '../../core/ports.ts';
import { holderKeysOf, ownerKeyOf } from '../../core/signals/fact-keys.ts';
import {
  FACT_SECONDS,
  fieldOf,
  isOver,
  roomFor,
  type FactHolder,
  type FactOwner,
  type UserFact,
} from '../../core/signals/user-fact.ts';
import type { EpochSeconds } from '../../core/units.ts';
import { sweepStep } from './sweep.ts';

/** Owners come from transmitters of the configuration only. Beyond it nothing more is taken, and nobody's facts are dropped. */
const OWNERS_MAX = 100_000;

type Facts = { readonly byField: Map<string, UserFact>; lastAt: number };

class MemoryUserFacts implements UserFacts {
  readonly #clock: Clock;
  readonly #ownersMax: number;
  readonly #owners = new Map<string, Facts>();
  readonly #sweep = sweepStep(this.#owners, ({ lastAt }) => lastAt + FACT_SECONDS);

  readonly #onInvalidated: StoreNewsListener['onInvalidated'];

  constructor({ clock, ownersMax, onInvalidated }: Required<MemoryUserFactsOptions>) {
    this.#clock = clock;
    this.#ownersMax = ownersMax;
    this.#onInvalidated = onInvalidated;
  }

  of(holder: FactHolder): readonly UserFact[] {
    const now = this.#clock.now();
    return holderKeysOf(holder)
      .flatMap((key) => [...(this.#owners.get(key)?.byField.values() ?? [])])
      .filter((fact) => !isOver(fact, now));
  }

  put(owner: FactOwner, fact: UserFact): Promise<Announced> {
    const startedMs = this.#clock.monotonicMs();
    const isKept = this.#keep(ownerKeyOf(owner), fact, this.#clock.now());
    if (isKept) this.#onInvalidated([{ seq: 0, kind: 'fact', key: ownerKeyOf(owner) }]);
    const tookMs = this.#clock.monotonicMs() - startedMs;
    return Promise.resolve(
      isKept
        ? { kind: 'confirmed', members: 1, acknowledged: 1, tookMs }
        : { kind: 'not-confirmed', why: 'unreachable', tookMs },
    );
  }

  #keep(key: string, fact: UserFact, now: EpochSeconds): boolean {
    const isNew = !this.#owners.has(key);
    for (const over of this.#sweep(now, isNew && this.#owners.size >= this.#ownersMax)) this.#owners.delete(over);
    if (isNew && this.#owners.size >= this.#ownersMax) return false;
    const facts = this.#owners.get(key) ?? { byField: new Map<string, UserFact>(), lastAt: fact.at };
    for (const [field, known] of facts.byField) if (isOver(known, now)) facts.byField.delete(field);
    const room = roomFor([...facts.byField.values()], fact);
    if (room.kind === 'none') return true;
    if (room.kind === 'instead') facts.byField.delete(fieldOf(room.of));
    const kept = room.kind === 'gathered' ? room.fact : fact;
    const before = facts.byField.get(fieldOf(kept));
    if (before === undefined || before.at <= kept.at) facts.byField.set(fieldOf(kept), kept);
    facts.lastAt = Math.max(facts.lastAt, kept.at);
    this.#owners.set(key, facts);
    return true;
  }
}

/** What a Check asks is at hand. */
export type SynchronousUserFacts = Omit<UserFacts, 'of'> & { of(holder: FactHolder): readonly UserFact[] };

export type MemoryUserFactsOptions = {
  readonly clock: Clock;
  /** Beyond it nothing new is confirmed. */
  readonly ownersMax?: number;
  readonly onInvalidated?: StoreNewsListener['onInvalidated'];
};

export const createMemoryUserFacts = (options: MemoryUserFactsOptions): SynchronousUserFacts =>
  new MemoryUserFacts({ ownersMax: OWNERS_MAX, onInvalidated: () => undefined, ...options });
