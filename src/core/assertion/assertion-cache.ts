/** Signed assertions that may be used again: for exactly the same claim set by the same signer, for a short while. */

import type { AssertionSigner } from '../ports.ts';
import type { EpochSeconds } from '../units.ts';
import type { AssertionStamp } from './claim-set.ts';

/** Seconds. A tenth of the usual life; long enough that a busy session is signed for about twice a minute. */
const REUSE_SECONDS_MAX = 30;
/** And no more than this part of the life of an assertion that is shorter, so that what is handed out is never near its end. */
const REUSE_LIFE_MAX = 1 / 3;
const ENTRIES_MAX = 10_000;
/** Characters of all entries together: 10,000 of usual size; fewer of users in very many groups. */
const CHARS_MAX = 16_777_216;

export type SignedAssertion = { readonly assertion: string; readonly stamp: AssertionStamp };

export interface AssertionCache {
  /**
   * What `sign` made for this claim set, if it is fresh at `now`; else what it makes now. The text of the claim set (session, host, issuer and
   * every fact about the user) is the key, so what is found never says anything else than what was asked for.
   */
  get(signer: AssertionSigner, claims: string, now: EpochSeconds, sign: () => SignedAssertion): SignedAssertion;
}

type Entry = SignedAssertion & { readonly chars: number };

/** Bounded by entries and by memory. Where the signer changes (other keys), nothing that the old one signed is used again. */
export function createAssertionCache(entriesMax = ENTRIES_MAX, charsMax = CHARS_MAX): AssertionCache {
  /** Oldest first: a key is moved to the end each time it is signed anew. */
  const entries = new Map<string, Entry>();
  let chars = 0;
  let lastSigner: AssertionSigner | undefined;

  const drop = (key: string): void => {
    chars -= entries.get(key)?.chars ?? 0;
    entries.delete(key);
  };

  const keep = (key: string, signed: SignedAssertion, now: EpochSeconds): void => {
    drop(key);
    entries.set(key, { ...signed, chars: key.length + signed.assertion.length });
    chars += key.length + signed.assertion.length;
    for (const [oldest, entry] of entries) {
      if (entries.size <= entriesMax && chars <= charsMax && isFresh(entry.stamp, now)) break;
      drop(oldest);
    }
  };

  return {
    get(signer, claims, now, sign) {
      if (signer !== lastSigner) {
        entries.clear();
        chars = 0;
        lastSigner = signer;
      }
      const entry = entries.get(claims);
      if (entry !== undefined && isFresh(entry.stamp, now)) return entry;
      const signed = sign();
      keep(claims, signed, now);
      return signed;
    },
  };
}

/** A clock that was set back must neither keep an assertion alive nor hand out one from the future. */
const isFresh = ({ issuedAt, expiresAt }: AssertionStamp, now: EpochSeconds): boolean =>
  now >= issuedAt && now - issuedAt <= Math.min(REUSE_SECONDS_MAX, (expiresAt - issuedAt) * REUSE_LIFE_MAX);
