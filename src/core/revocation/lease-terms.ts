/**
 * LeaseTerms: the times that all processes on one control slot agree on. A process may decide from session state for `holdMs` from the moment it
 * sent a renewal, by its own monotonic clock; a revocation that nobody acknowledges is over `waitMs` after it was carried out, by the
 * revoker's. The first is the shorter one on any two clocks whose rates differ by no more than DRIFT.
 */

/** By how much the rate of a monotonic clock may be off, either way. */
const DRIFT = 0.01;
/** For what lies between two readings of a clock. */
const MARGIN_MS = 10;
/** How long a process may decide without news, and so the longest that a revocation waits for one that does not answer. */
export const LEASE_MS = 1000;

export type LeaseTerms = {
  /** Of a lease, from the moment before its renewal was sent. */
  readonly holdMs: number;
  /** Of a revoker, from the moment after it has read that its revocation was carried out. */
  readonly waitMs: number;
  readonly renewEachMs: number;
  /** A renewal that was not answered by then is given up, and its connection with it. */
  readonly renewWithinMs: number;
};

export const leaseTerms = (leaseMs: number = LEASE_MS): LeaseTerms => ({
  holdMs: (leaseMs * (1 - DRIFT)) / (1 + DRIFT) - MARGIN_MS,
  waitMs: leaseMs * (1 + DRIFT),
  renewEachMs: leaseMs / 5,
  renewWithinMs: leaseMs / 4,
});
