/**
 * When the identity provider is to be asked again about a session, and what its answer makes of the session. Pure.
 */

import type { EpochSeconds, SessionHandle } from '../units.ts';
import type { Refreshed, RefreshKind } from './refreshed.ts';
import type { IdpTokens, RawClaims, Session } from './session.ts';
import { sentClaims, storedClaims, userOf, type ClaimSource } from './user-of.ts';

/**
 * `due`: ahead of time; the session goes on as it is meanwhile. `overdue`: what is known is past its time, since nobody asked in time; who asks
 * now waits for the provider, within bounds.
 */
export type RefreshState = 'fresh' | 'due' | 'overdue';

/** Tokens are refreshed so long before their end at most. */
const LEAD_SECONDS_MAX = 120;
/** Of the time that tokens live. */
const LEAD_SHARE_MAX = 0.5;
/** Of the interval at which the user is read: from one to two tenths before its end. */
const RECHECK_LEAD_SHARE = 0.1;

type Dated = Pick<Session, 'handle' | 'tokens' | 'tokensAt' | 'confirmedAt'>;

/** From 0 to 1, the same for a session in every process: sessions that began together do not come due together. */
export const jitterOf = (handle: SessionHandle): number =>
  ((handle.charCodeAt(0) * 37 + handle.charCodeAt(1) * 11 + handle.charCodeAt(2)) % 64) / 64;

/** Asked at each Check: arithmetic, no more. `recheckSeconds`: how old what the provider said of the user may be. */
export function refreshState(session: Dated, now: EpochSeconds, recheckSeconds: number): RefreshState {
  const tokens = tokensState(session, now);
  if (tokens === 'overdue') return tokens;
  const user = userState(session, now, recheckSeconds);
  return user === 'fresh' ? tokens : user;
}

/** What to ask, of a session that is due. */
export const refreshKind = (session: Dated, now: EpochSeconds): RefreshKind =>
  tokensState(session, now) === 'fresh' ? 'user' : 'tokens';

function tokensState({ handle, tokens, tokensAt }: Dated, now: EpochSeconds): RefreshState {
  const { refreshToken, accessTokenExpiresAt: end } = tokens;
  if (refreshToken === undefined || end === undefined) return 'fresh';
  if (now >= end) return 'overdue';
  const lead = Math.min(LEAD_SECONDS_MAX, (end - tokensAt) * LEAD_SHARE_MAX);
  return now >= end - lead * (0.5 + jitterOf(handle) / 2) ? 'due' : 'fresh';
}

function userState(session: Dated, now: EpochSeconds, recheckSeconds: number): RefreshState {
  if (!canAskAboutUser(session.tokens, now)) return 'fresh';
  const end = session.confirmedAt + recheckSeconds;
  if (now >= end) return 'overdue';
  return now >= end - recheckSeconds * RECHECK_LEAD_SHARE * (1 + jitterOf(session.handle)) ? 'due' : 'fresh';
}

/** Without a refresh token, nothing can be asked after the end of the access token. */
const canAskAboutUser = (
  { accessToken, refreshToken, accessTokenExpiresAt: end }: IdpTokens,
  now: EpochSeconds,
): boolean => refreshToken !== undefined || (accessToken !== undefined && (end === undefined || now < end));

/**
 * Whether nobody has changed the session since the provider was asked by what it was: else that the provider ended it says nothing of what is
 * stored by now.
 */
export const isUnchanged = (asked: Session, stored: Session): boolean =>
  stored.version === asked.version && stored.tokens.refreshToken === asked.tokens.refreshToken;

/** Whether `stored` is what was to be written, where no answer to the writing came. Tokens are given out once. */
export const isWritten = (written: Session, stored: Session): boolean =>
  stored.version === written.version &&
  stored.tokens.refreshToken === written.tokens.refreshToken &&
  stored.tokens.accessToken === written.tokens.accessToken;

/**
 * The session as it is to be stored. It is the same session: its mark, its end and how the user signed in stay, so no revocation that covers it
 * is outlived, and no refresh counts as a sign-in. @throws DependencyError idp-refused, for claims beyond their limits
 */
export function refreshedSession(session: Session, refreshed: Refreshed, now: EpochSeconds): Session {
  const { tokens, idTokenClaims, userinfoClaims } = refreshed;
  const dated = {
    ...session,
    version: session.version + 1,
    ...(tokens === undefined ? {} : { tokens: tokensAfter(session.tokens, tokens), tokensAt: now }),
    ...(refreshed.isUserConfirmed ? { confirmedAt: now } : {}),
  };
  if (idTokenClaims === undefined && userinfoClaims === undefined) return dated;
  return { ...dated, ...userOf(newest(idTokenClaims, session.claims), newest(userinfoClaims, session.userClaims)) };
}

const newest = (sent: RawClaims | undefined, stored: Session['claims']): ClaimSource =>
  sent === undefined ? storedClaims(stored) : sentClaims(sent);

/** A provider that rotates refresh tokens sends a new one; any other leaves the one that there is (RFC 6749 §6). */
const tokensAfter = (before: IdpTokens, after: IdpTokens): IdpTokens => ({
  idToken: after.idToken ?? before.idToken,
  accessToken: after.accessToken ?? before.accessToken,
  refreshToken: after.refreshToken ?? before.refreshToken,
  accessTokenExpiresAt: after.accessTokenExpiresAt,
});
