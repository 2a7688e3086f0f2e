/** What an assertion says about a user: the claim set, as data and as JSON text. Nothing here signs, and nothing knows headers. */

import type { PolicySemantics } from '../config.ts';
import type { Claims, ClaimValue } from '../session/session.ts';
import { pomeriumHeaderText } from './claim-text.ts';

/** On whose behalf the upstream is called, as it is to be told. */
export type AssertedIdentity = {
  /** `sid`: names the session, opens nothing. */
  readonly sessionId: string;
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  readonly groups: readonly string[];
  /** Win over userClaims here; in policies it is the other way round. */
  readonly sessionClaims: Claims;
  readonly userClaims: Claims;
  /** RFC 8693 `act` chain, the immediate actor first; empty = acting for oneself. */
  readonly actors: readonly string[];
};

/** Claims by name in the order in which they are written. A Map, so that a claim named `__proto__` is a claim and nothing else. */
export type ClaimSet = ReadonlyMap<string, ClaimValue>;

/** What makes one assertion differ from the next of the same claim set. */
export type AssertionStamp = {
  /** Whole seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** `jti`, a version 4 UUID. */
  readonly id: string;
};

/** Claims that speak of the assertion itself, or that Doorward vouches for: no claim of a provider takes their place. */
const reservedNames: ReadonlySet<string> = new Set([
  ...['iss', 'aud', 'jti', 'iat', 'exp', 'sub', 'user', 'email', 'groups', 'sid', 'name'],
]);
/** In the strict semantics also `nbf`, which would change when the assertion is valid, and `act`, which would change who acts. */
const reservedNamesStrict: ReadonlySet<string> = new Set([...reservedNames, 'nbf', 'act']);

/** `iss`: the host that the request was for, or a URL of it (`jwt_issuer_format`). The scheme is https, where its JWKS is found. */
export const issuerOf = (host: string, format: 'hostOnly' | 'uri'): string =>
  format === 'uri' ? `https://${host}/` : host;

/**
 * The claim set without its stamp. `claimNames`: claims of the user to be named beside the standard ones; those that he does not have are left
 * out. They are as the provider gave them (one value as itself, several as a list); in the Pomerium semantics they are texts, joined by `,`.
 */
export function claimSet(
  identity: AssertedIdentity,
  address: { readonly issuer: string; readonly audience: string },
  claimNames: readonly string[],
  semantics: PolicySemantics,
): ClaimSet {
  const claims = new Map<string, ClaimValue>([
    ['iss', address.issuer],
    ['aud', address.audience],
    ['sub', identity.userId],
    ['user', identity.userId],
    ['email', identity.email],
    ['groups', identity.groups],
    ['name', identity.name],
    ['sid', identity.sessionId],
  ]);
  const isStrict = semantics === 'strict';
  if (isStrict && identity.actors.length > 0) claims.set('act', actClaim(identity.actors));
  const reserved = isStrict ? reservedNamesStrict : reservedNames;
  for (const name of claimNames) {
    if (reserved.has(name)) continue;
    const values = claimOf(identity, name);
    if (values === undefined) continue;
    claims.set(name, isStrict ? asGiven(values) : pomeriumHeaderText(values));
  }
  return claims;
}

/** A claim of the user by its flattened name. */
export const claimOf = (identity: AssertedIdentity, name: string): readonly ClaimValue[] | undefined =>
  identity.sessionClaims.get(name) ?? identity.userClaims.get(name);

const asGiven = (values: readonly ClaimValue[]): ClaimValue => (values.length === 1 ? (values[0] ?? null) : values);

/** RFC 8693 §4.1: the immediate actor outside, those before it nested. */
function actClaim([sub = '', ...before]: readonly string[]): ClaimValue {
  return before.length === 0 ? { sub } : { sub, act: actClaim(before) };
}

/** The claim set as JSON text but for its closing brace: the same text for the same facts, so it can name them in a cache. */
export function claimSetText(claims: ClaimSet): string {
  let text = '';
  for (const [name, value] of claims) {
    text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return text;
}

/** The JSON text that is signed. */
export const assertionClaims = (text: string, stamp: AssertionStamp): string =>
  `${text},"iat":${stamp.issuedAt},"exp":${stamp.expiresAt},"jti":"${stamp.id}"}`;

/** The text of a claim of the stamp; undefined for any other claim. */
export function stampText(claim: string, stamp: AssertionStamp): string | undefined {
  switch (claim) {
    case 'iat':
      return String(stamp.issuedAt);
    case 'exp':
      return String(stamp.expiresAt);
    case 'jti':
      return stamp.id;
    default:
      return undefined;
  }
}
