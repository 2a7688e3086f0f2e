/** Makes a Session from what a login told about the user. Pure. */

import type { Identity } from '../../core/ports.ts';
import { flattenClaims } from '../../core/session/claims.ts';
import type { ClaimValue, LoginMark, Session } from '../../core/session/session.ts';
import { epochSeconds, type EpochSeconds, type IdpName, type SessionHandle } from '../../core/units.ts';

/** RFC 5321 §4.5.3.1.3: a path is at most 256 characters, angle brackets included. */
const EMAIL_LENGTH_MAX = 254;
/** One `@`, something on both sides, and nothing that a header, a list or a page could read in another way. */
const EMAIL = /^[^\s@,;<>()[\]\\:"\p{Cc}\p{Cf}]+@[^\s@,;<>()[\]\\:"\p{Cc}\p{Cf}]+$/u;
/** Longest name that is kept; it is shown, and travels in the assertion. */
const NAME_LENGTH_MAX = 256;

type RawClaims = Readonly<Record<string, ClaimValue>>;

const claim = (claims: RawClaims | undefined, name: string): ClaimValue | undefined =>
  claims !== undefined && Object.hasOwn(claims, name) ? claims[name] : undefined;

const text = (value: ClaimValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

export function sessionOf(from: {
  readonly identity: Identity;
  readonly idp: IdpName;
  readonly handle: SessionHandle;
  readonly mark: LoginMark;
  readonly now: EpochSeconds;
  readonly lifetimeSeconds: number;
}): Session {
  const { identity, now } = from;
  const { idTokenClaims, userinfoClaims } = identity;
  const address = emailOf(idTokenClaims, userinfoClaims);
  const name = text(claim(userinfoClaims, 'name')) ?? text(claim(idTokenClaims, 'name')) ?? '';
  const authTime = claim(idTokenClaims, 'auth_time');
  const amr = claim(idTokenClaims, 'amr');
  return {
    handle: from.handle,
    idp: from.idp,
    issuer: identity.issuer,
    subject: identity.subject,
    email: address.isUsable ? address.email : '',
    emailVerified: address.isVerified,
    name: name.slice(0, NAME_LENGTH_MAX),
    claims: flattenClaims(address.isUsable ? idTokenClaims : withoutEmail(idTokenClaims)),
    userClaims: flattenClaims(address.isUsable ? (userinfoClaims ?? {}) : withoutEmail(userinfoClaims ?? {})),
    idpSessionId: text(claim(idTokenClaims, 'sid')),
    acr: text(claim(idTokenClaims, 'acr')),
    amr: Array.isArray(amr) ? amr.filter((method): method is string => typeof method === 'string') : [],
    authTime: typeof authTime === 'number' ? epochSeconds(Math.min(authTime, now)) : undefined,
    createdAt: now,
    expiresAt: epochSeconds(now + from.lifetimeSeconds),
    lastSeenAt: now,
    tokens: identity.tokens,
    mark: from.mark,
    version: 1,
  };
}

type Address = {
  readonly email: string;
  /** The provider says that it has verified it. */
  readonly isVerified: boolean;
  /** It is an address, and the provider does not say that it is unverified. */
  readonly isUsable: boolean;
};

/**
 * The userinfo endpoint's address wins, with its own word on whether it is verified; where it has none, the ID token's word counts.
 * SECURITY: an address that the provider says is unverified is nobody's: with many providers a user can enter whatever he likes.
 */
function emailOf(idTokenClaims: RawClaims, userinfoClaims: RawClaims | undefined): Address {
  const source = claim(userinfoClaims, 'email') === undefined ? idTokenClaims : userinfoClaims;
  const email = text(claim(source, 'email')) ?? '';
  const verdicts = [claim(userinfoClaims, 'email_verified'), claim(idTokenClaims, 'email_verified')];
  const isDenied = verdicts.some((verdict) => verdict === false || verdict === 'false');
  const isVerified = !isDenied && verdicts.some((verdict) => verdict === true || verdict === 'true');
  return { email, isVerified, isUsable: !isDenied && email.length <= EMAIL_LENGTH_MAX && EMAIL.test(email) };
}

/** Policies and headers that read the claims must not find there what `email` does not say. */
const withoutEmail = (claims: RawClaims): RawClaims =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => name !== 'email'));
