/** Whether a session still counts, and when its last use is worth writing back. Both are judged by the clock that is passed in. */

import type { EpochSeconds } from '../units.ts';
import type { Session } from './session.ts';

/** `expired`: past its absolute end. `idle`: unused for too long. Neither is an identity. */
export type SessionState = 'live' | 'expired' | 'idle';

export type SessionLimits = {
  /** From creation; the session's own absolute end holds as well, whichever comes first. */
  readonly lifetimeSeconds: number;
  /** From the last use; undefined = no idle end. */
  readonly idleSeconds: number | undefined;
};

/** At its very end a session is over. */
export function sessionState(
  session: Pick<Session, 'createdAt' | 'expiresAt' | 'lastSeenAt'>,
  now: EpochSeconds,
  limits: SessionLimits,
): SessionState {
  if (now >= session.expiresAt || now >= session.createdAt + limits.lifetimeSeconds) return 'expired';
  if (limits.idleSeconds !== undefined && now >= session.lastSeenAt + limits.idleSeconds) return 'idle';
  return 'live';
}

const TOUCH_SECONDS = 60;

/**
 * Whether `lastSeenAt` should be moved to `now`: once a minute. Only an idle lifetime under two minutes makes it more often (at half of it),
 * or a session in constant use would run out of it.
 */
export const touchIsDue = (
  session: Pick<Session, 'lastSeenAt'>,
  now: EpochSeconds,
  idleSeconds: number | undefined,
): boolean =>
  now - session.lastSeenAt >= (idleSeconds === undefined ? TOUCH_SECONDS : Math.min(TOUCH_SECONDS, idleSeconds / 2));
