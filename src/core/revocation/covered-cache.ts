/**
 * CoveredCache: a bounded map whose values say which invalidations cover them, so that an invalidation finds what it drops without a search.
 * Bounded by count and by weight. What was not looked at since it was last passed over goes first (second chance), so a hit moves nothing.
 */

import type { Cover } from './invalidation.ts';

export type CacheEntry<Value> = {
  readonly key: string;
  value: Value;
  readonly covers: readonly Cover[];
  readonly weight: number;
  readonly filledAtMs: number;
  wasUsed: boolean;
};

export type CacheBounds = { readonly entriesMax: number; readonly weightMax: number };

export class CoveredCache<Value> {
  readonly #bounds: CacheBounds;
  readonly #entries = new Map<string, CacheEntry<Value>>();
  readonly #covered = new Map<Cover, Set<CacheEntry<Value>>>();
  #weight = 0;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  get weight(): number {
    return this.#weight;
  }

  get(key: string): CacheEntry<Value> | undefined {
    return this.#entries.get(key);
  }

  /** Takes the place of what has the same key. What is heavier than all may be is not kept. */
  set(key: string, entry: Omit<CacheEntry<Value>, 'key' | 'wasUsed'>): void {
    this.delete(key);
    if (entry.weight > this.#bounds.weightMax) return;
    const kept = { ...entry, key, wasUsed: false };
    this.#entries.set(key, kept);
    this.#weight += kept.weight;
    for (const cover of kept.covers) {
      const covered = this.#covered.get(cover);
      if (covered === undefined) this.#covered.set(cover, new Set([kept]));
      else covered.add(kept);
    }
    this.#makeRoom(kept);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
    for (const cover of entry.covers) {
      const covered = this.#covered.get(cover);
      covered?.delete(entry);
      if (covered?.size === 0) this.#covered.delete(cover);
    }
  }

  drop(cover: Cover): void {
    for (const entry of [...(this.#covered.get(cover) ?? [])]) this.delete(entry.key);
  }

  clear(): void {
    this.#entries.clear();
    this.#covered.clear();
    this.#weight = 0;
  }

  #makeRoom(newest: CacheEntry<Value>): void {
    const { entriesMax, weightMax } = this.#bounds;
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= entriesMax && this.#weight <= weightMax) return;
      // Met again only after all others have lost their second chance: the loop has gone once around.
      const isSpared = entry.wasUsed || entry === newest;
      entry.wasUsed = false;
      if (!isSpared) this.delete(key);
      else {
        this.#entries.delete(key);
        this.#entries.set(key, entry);
      }
    }
  }
}
