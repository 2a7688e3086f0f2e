/**
 * RecentInvalidations: what this process has applied lately, to be carried out once more where a new history lacks it (a failover that lost the
 * newest writes). Bounded in time and number.
 */

import type { Invalidation } from './invalidation.ts';

const KEPT_MS = 600_000;
const ENTRIES_MAX = 10_000;

export class RecentInvalidations {
  #entries: { readonly entry: Invalidation; readonly atMs: number }[] = [];

  /** A fact is not kept: only what wrote it knows its value. */
  add(entries: readonly Invalidation[], nowMs: number): void {
    for (const entry of entries) if (entry.kind !== 'fact') this.#entries.push({ entry, atMs: nowMs });
    const from = this.#entries.findIndex(({ atMs }) => nowMs - atMs < KEPT_MS);
    const surplus = Math.max(from === -1 ? this.#entries.length : from, this.#entries.length - ENTRIES_MAX);
    if (surplus > 0) this.#entries = this.#entries.slice(surplus);
  }

  /** Oldest first. */
  all(nowMs: number): readonly Invalidation[] {
    return this.#entries.filter(({ atMs }) => nowMs - atMs < KEPT_MS).map(({ entry }) => entry);
  }
}
