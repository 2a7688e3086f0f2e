/** Ids that were used, in memory of one process: bounded, without a timer. */

import { DependencyError, type Clock, type OnceRegistry } from '../../core/ports.ts';
import { sweepStep } from './sweep.ts';

/** Used flow ids and tickets of ten minutes of logins, far more than one process handles. */
const ENTRIES_MAX = 200_000;

class MemoryOnceRegistry implements OnceRegistry {
  readonly #clock: Clock;
  readonly #entriesMax: number;
  /** id -> end of its time */
  readonly #used = new Map<string, number>();
  readonly #sweep = sweepStep(this.#used, (expiresAt) => expiresAt);

  constructor(clock: Clock, entriesMax: number) {
    this.#clock = clock;
    this.#entriesMax = entriesMax;
  }

  wasUsed(id: string): boolean {
    const expiresAt = this.#used.get(id);
    return expiresAt !== undefined && this.#clock.now() < expiresAt;
  }

  use(id: string, ttlSeconds: number): boolean {
    if (this.wasUsed(id)) return false;
    const now = this.#clock.now();
    for (const expired of this.#sweep(now, this.#used.size >= this.#entriesMax)) this.#used.delete(expired);
    // SECURITY: forgetting a used id would let it be used again, so what finds no room is refused instead.
    if (this.#used.size >= this.#entriesMax) {
      throw new DependencyError('store-unavailable', `the registry holds ${this.#entriesMax} used ids, its bound`);
    }
    this.#used.delete(id);
    this.#used.set(id, now + ttlSeconds);
    return true;
  }
}

/** Answers at once. */
export type SynchronousOnceRegistry = {
  wasUsed(id: string): boolean;
  /** @throws DependencyError store-unavailable, at the bound */
  use(id: string, ttlSeconds: number): boolean;
};

/** `entriesMax`: the bound. */
export const createMemoryOnceRegistry = (options: {
  readonly clock: Clock;
  readonly entriesMax?: number;
}): SynchronousOnceRegistry => new MemoryOnceRegistry(options.clock, options.entriesMax ?? ENTRIES_MAX);
