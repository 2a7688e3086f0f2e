/** takesSession: whether a session counts as identity on a route. */

import type { Session } from '../session/session.ts';
import { sessionState } from '../session/state.ts';
import type { EpochSeconds } from '../units.ts';
import type { Route } from './route.ts';

/** Within the limits of the route, and of a provider that it accepts. */
export function takesSession(
  {
    sessionLifetimeSeconds,
    sessionIdleSeconds,
    idps,
  }: Pick<Route, 'sessionLifetimeSeconds' | 'sessionIdleSeconds' | 'idps'>,
  session: Pick<Session, 'idp' | 'createdAt' | 'expiresAt' | 'lastSeenAt'>,
  now: EpochSeconds,
): boolean {
  const limits = { lifetimeSeconds: sessionLifetimeSeconds, idleSeconds: sessionIdleSeconds };
  return sessionState(session, now, limits) === 'live' && (idps.length === 0 || idps.includes(session.idp));
}
