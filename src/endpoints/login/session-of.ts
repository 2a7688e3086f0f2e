/** Makes a Session from what a login told about the user. Pure. */

import type { Identity } from '../../core/ports.ts';
import type { LoginMark, Session } from '../../core/session/session.ts';
import { sentClaims, text, userOf } from '../../core/session/user-of.ts';
import { epochSeconds, type EpochSeconds, type IdpName, type SessionHandle } from '../../core/units.ts';

export function sessionOf(from: {
  readonly identity: Identity;
  readonly idp: IdpName;
  readonly handle: SessionHandle;
  readonly mark: LoginMark;
  readonly now: EpochSeconds;
  readonly lifetimeSeconds: number;
}): Session {
  const { identity, now } = from;
  const idToken = sentClaims(identity.idTokenClaims);
  const authTime = idToken.top('auth_time');
  const amr = idToken.top('amr');
  return {
    handle: from.handle,
    idp: from.idp,
    issuer: identity.issuer,
    subject: identity.subject,
    ...userOf(idToken, sentClaims(identity.userinfoClaims)),
    idpSessionId: text(idToken.top('sid')),
    acr: text(idToken.top('acr')),
    amr: Array.isArray(amr) ? amr.filter((method): method is string => typeof method === 'string') : [],
    authTime: typeof authTime === 'number' ? epochSeconds(Math.min(authTime, now)) : undefined,
    createdAt: now,
    expiresAt: epochSeconds(now + from.lifetimeSeconds),
    lastSeenAt: now,
    tokens: identity.tokens,
    tokensAt: now,
    confirmedAt: now,
    mark: from.mark,
    version: 1,
  };
}
