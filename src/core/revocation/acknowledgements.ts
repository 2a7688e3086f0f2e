/**
 * Acknowledgements: whether a revocation that was carried out has reached everybody, from what the control slot says of its members. It is over
 * when all have acknowledged in a history that this process knows to be settled, or when the longest lease has passed. No I/O, no clock.
 */

import type { LeaseTerms } from './lease-terms.ts';

/** What a member said last: how far it is, in which history; `renewals` counts what it said. */
export type MemberState = { readonly history: string; readonly applied: number; readonly renewals: number };

/** By incarnation: a process from its start to its end. */
export type Members = ReadonlyMap<string, MemberState>;

/** Since when (monotonic) a write of this process is known to be on all nodes, in this history. */
export type Settlement = { readonly history: string; readonly sinceMs: number };

export type Progress =
  | { readonly kind: 'waiting' }
  /** The history has changed: what was carried out may be lost with the old one. */
  | { readonly kind: 'history-changed' }
  | { readonly kind: 'over'; readonly acknowledged: number };

export class Acknowledgements {
  readonly #terms: LeaseTerms;
  readonly #history: string;
  readonly #seq: number;
  readonly #readAtMs: number;
  readonly #members: Members;
  readonly #missing = new Set<string>();
  #acknowledged = 0;
  #hasChanged = false;

  /** `members`, `history` and `seq` as the script of the revocation gave them; `readAtMs`: after all of its replies were read. */
  constructor(
    carriedOut: {
      readonly history: string;
      readonly seq: number;
      readonly members: Members;
      readonly readAtMs: number;
    },
    terms: LeaseTerms,
  ) {
    this.#terms = terms;
    this.#history = carriedOut.history;
    this.#seq = carriedOut.seq;
    this.#readAtMs = carriedOut.readAtMs;
    this.#members = carriedOut.members;
    for (const incarnation of carriedOut.members.keys()) this.#missing.add(incarnation);
  }

  get members(): number {
    return this.#members.size;
  }

  /** Who has not acknowledged yet. */
  get missing(): readonly string[] {
    return [...this.#missing];
  }

  /** A member that is gone decides nothing any more: it gave its lease up first. */
  see(history: string, states: Members): void {
    if (history !== this.#history) this.#hasChanged = true;
    for (const incarnation of this.#missing) {
      const state = states.get(incarnation);
      const isDone = state === undefined || (state.history === this.#history && state.applied >= this.#seq);
      if (isDone) this.#missing.delete(incarnation);
      if (isDone && state !== undefined) this.#acknowledged += 1;
    }
  }

  progress(nowMs: number, settlement: Settlement | undefined): Progress {
    if (this.#hasChanged) return { kind: 'history-changed' };
    const isOver = (this.#missing.size === 0 && this.#isSettled(nowMs, settlement)) || this.#hasPassed(nowMs);
    return isOver ? { kind: 'over', acknowledged: this.#acknowledged } : { kind: 'waiting' };
  }

  /** Members that did not acknowledge, with the count of their renewals: to be dropped where that count is still the same. */
  get silent(): readonly (readonly [incarnation: string, renewals: number])[] {
    return this.missing.map((incarnation) => [incarnation, this.#members.get(incarnation)?.renewals ?? 0]);
  }

  /** A member may be unknown to a history that is younger than its last lease. */
  #isSettled(nowMs: number, settlement: Settlement | undefined): boolean {
    return settlement?.history === this.#history && nowMs - settlement.sinceMs >= this.#terms.waitMs;
  }

  #hasPassed(nowMs: number): boolean {
    return nowMs - this.#readAtMs >= this.#terms.waitMs;
  }
}
