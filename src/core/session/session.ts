/** Session: server-side login state. Made by a login, changed only by refresh and touch, ended by sign-out, revocation or time. */

import type { EpochSeconds, IdpName, SessionHandle } from '../units.ts';

export type ClaimValue =
  null | boolean | number | string | readonly ClaimValue[] | { readonly [key: string]: ClaimValue };

/** Claims as a provider sent them, nested as they may be. */
export type RawClaims = Readonly<Record<string, ClaimValue>>;

/**
 * Claims as the policy language sees them: flattened, nested names joined by `.`, every value a list. A Map, so that a claim
 * named `__proto__` is a claim and nothing else.
 */
export type Claims = ReadonlyMap<string, readonly ClaimValue[]>;

export const noClaims: Claims = new Map();

/** Tokens of the identity provider, kept for refresh, `id_token_hint` and revocation. Never leave the process but to that provider. */
export type IdpTokens = {
  readonly idToken: string | undefined;
  readonly accessToken: string | undefined;
  readonly refreshToken: string | undefined;
  readonly accessTokenExpiresAt: EpochSeconds | undefined;
};

/**
 * Where the control slot stood when this login began, before its code was redeemed. A wide revocation (user, provider, all) ends every
 * session whose mark is not newer than it, so that a login in flight dies with it.
 */
export type LoginMark = { readonly history: string; readonly seq: number };

export type Session = {
  readonly handle: SessionHandle;
  readonly idp: IdpName;
  /** `iss` of the provider. A user is (issuer, subject); an e-mail address is a fact about the user, not its name. */
  readonly issuer: string;
  readonly subject: string;
  readonly email: string;
  readonly emailVerified: boolean;
  readonly name: string;
  /** From the ID token, at login or refresh. */
  readonly claims: Claims;
  /** From the userinfo endpoint, or empty. In policies these win over `claims`; in headers and the assertion `claims` win. */
  readonly userClaims: Claims;
  /** `sid` of the provider, for its logout messages. */
  readonly idpSessionId: string | undefined;
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  /** When the provider says that the user signed in there, never later than the login here; undefined where it says nothing of it. */
  readonly authTime: EpochSeconds | undefined;
  readonly createdAt: EpochSeconds;
  /** Absolute end; never moves. */
  readonly expiresAt: EpochSeconds;
  /** Idle end = lastSeenAt + idle lifetime; written back at most once a minute. */
  readonly lastSeenAt: EpochSeconds;
  readonly tokens: IdpTokens;
  /** When the tokens were given: at login, or at the last refresh. */
  readonly tokensAt: EpochSeconds;
  /** When the provider last said who the user is: at login, at a refresh, or at the userinfo endpoint. */
  readonly confirmedAt: EpochSeconds;
  readonly mark: LoginMark;
  /** Starts at 1; each stored change adds one (compare-and-set). */
  readonly version: number;
};
