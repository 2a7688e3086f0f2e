/** Signed assertions that may be used again: for the same session, route, host and configuration, for at most 30 s of their 300. */

import type { EpochSeconds } from '../units.ts';

/** A tenth of the assertion's life: what is reused is never near its end. */
const REUSE_SECONDS = 30;
const ENTRIES_MAX = 10_000;

export interface AssertionCache {
  /** The assertion under `key` if it was signed less than 30 s before `now`, else what `sign` makes, kept. */
  get(key: string, now: EpochSeconds, sign: () => string): string;
}

export function createAssertionCache(entriesMax = ENTRIES_MAX): AssertionCache {
  const entries = new Map<string, { readonly assertion: string; readonly signedAt: EpochSeconds }>();
  return {
    get(key, now, sign) {
      const entry = entries.get(key);
      // A clock that was set back must not keep an assertion alive, nor hand out one from the future.
      if (entry !== undefined && now >= entry.signedAt && now < entry.signedAt + REUSE_SECONDS) return entry.assertion;
      const assertion = sign();
      entries.delete(key);
      const oldest = entries.size < entriesMax ? undefined : entries.keys().next().value;
      if (oldest !== undefined) entries.delete(oldest);
      entries.set(key, { assertion, signedAt: now });
      return assertion;
    },
  };
}
