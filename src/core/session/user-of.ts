/** What is known of a user by the claims of his ID token and of the userinfo endpoint, as they came or as they are stored. Pure. */

import { flattenClaims } from './claims.ts';
import { noClaims, type Claims, type ClaimValue, type RawClaims, type Session } from './session.ts';

/** RFC 5321 §4.5.3.1.3: a path is at most 256 characters, angle brackets included. */
const EMAIL_LENGTH_MAX = 254;
/** One `@`, something on both sides, and nothing that a header, a list or a page could read in another way. */
const EMAIL = /^[^\s@,;<>()[\]\\:"\p{Cc}\p{Cf}]+@[^\s@,;<>()[\]\\:"\p{Cc}\p{Cf}]+$/u;
/** Longest name that is kept; it is shown, and travels in the assertion. */
const NAME_LENGTH_MAX = 256;

/** Where claims come from. `top` gives one that is not nested; undefined where there is none. */
export type ClaimSource = {
  top(name: string): ClaimValue | undefined;
  /** @throws DependencyError idp-refused, beyond the limits of claims */
  flat(): Claims;
};

/** As a provider sent them; undefined = none. */
export const sentClaims = (claims: RawClaims | undefined): ClaimSource => ({
  top: (name) => (claims !== undefined && Object.hasOwn(claims, name) ? claims[name] : undefined),
  flat: () => (claims === undefined ? noClaims : flattenClaims(claims)),
});

/** As a session has them: a value alone is a list of one. */
export const storedClaims = (claims: Claims): ClaimSource => ({
  top(name) {
    const values = claims.get(name);
    return values?.length === 1 ? values[0] : values;
  },
  flat: () => claims,
});

export type KnownUser = Pick<Session, 'email' | 'emailVerified' | 'name' | 'claims' | 'userClaims'>;

/** @throws DependencyError idp-refused, beyond the limits of claims */
export function userOf(idToken: ClaimSource, userinfo: ClaimSource): KnownUser {
  const address = emailOf(idToken, userinfo);
  const name = text(userinfo.top('name')) ?? text(idToken.top('name')) ?? '';
  return {
    email: address.isUsable ? address.email : '',
    emailVerified: address.isVerified,
    name: name.slice(0, NAME_LENGTH_MAX),
    claims: address.isUsable ? idToken.flat() : withoutEmail(idToken.flat()),
    userClaims: address.isUsable ? userinfo.flat() : withoutEmail(userinfo.flat()),
  };
}

/** A text that says something. */
export const text = (value: ClaimValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

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
function emailOf(idToken: ClaimSource, userinfo: ClaimSource): Address {
  const source = userinfo.top('email') === undefined ? idToken : userinfo;
  const email = text(source.top('email')) ?? '';
  const verdicts = [userinfo.top('email_verified'), idToken.top('email_verified')];
  const isDenied = verdicts.some((verdict) => verdict === false || verdict === 'false');
  const isVerified = !isDenied && verdicts.some((verdict) => verdict === true || verdict === 'true');
  return { email, isVerified, isUsable: !isDenied && email.length <= EMAIL_LENGTH_MAX && EMAIL.test(email) };
}

/** Policies and headers that read the claims must not find there what `email` does not say. */
function withoutEmail(claims: Claims): Claims {
  const others = new Map(claims);
  for (const name of others.keys()) if (name === 'email' || name.startsWith('email.')) others.delete(name);
  return others;
}
