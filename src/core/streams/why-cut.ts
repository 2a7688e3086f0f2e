/** Why a stream is cut, or refused at its beginning. */

import type { Findings } from '../decision.ts';
import type { EpochSeconds } from '../units.ts';

export type CutReason =
  /** Its session, its user, its provider, or everything. */
  | 'revoked'
  /** At its end, or unused for too long. */
  | 'session-over'
  /** `check` would not let it through now. */
  | 'not-allowed'
  /** What it rests on cannot be known now, or the lease on it is over. */
  | 'unavailable'
  | 'administrator'
  | 'shutdown'
  /** There is no ticket, it does not open, or it is of another host. */
  | 'no-ticket'
  /** More streams than the bound. */
  | 'too-many';

/** `%RESPONSE_CODE_DETAILS%` in Envoy's access log. */
export const cutDetails = (reason: CutReason): string => `doorward_stream_${reason.replaceAll('-', '_')}`;

/** Of a stream whose answer has not begun. */
export const cutStatus = (reason: CutReason): 403 | 503 =>
  reason === 'unavailable' || reason === 'too-many' || reason === 'shutdown' ? 503 : 403;

type Judged = { readonly kind: 'allow' | 'refuse' | 'challenge' | 'own'; readonly findings: Findings };

/** What it was last allowed with: a session, and when that ends at the latest. */
export type Before = { readonly hadSession: boolean; readonly endsAt: number };

/** What became of a request that was allowed, and is judged at `now`; undefined = it still is. */
export function whyNotAllowed({ kind, findings }: Judged, before: Before, now: EpochSeconds): CutReason | undefined {
  if (kind === 'allow') return undefined;
  if (!before.hadSession || findings.session !== undefined) return 'not-allowed';
  // A session that there is, and that does not count any more, is idle or past the end that the route gives it.
  return findings.found.kind === 'none' && now < before.endsAt ? 'revoked' : 'session-over';
}
