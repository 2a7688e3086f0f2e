/** What an identity provider is asked about a session that goes on, and what it answers. */

import type { IdpTokens, RawClaims } from './session.ts';

/** `tokens`: the refresh token is redeemed, and the user read with what it gives. `user`: the userinfo endpoint is asked, no more. */
export type RefreshKind = 'tokens' | 'user';

export type Refreshed = {
  /** undefined: the tokens stay. What they lack stays as it was, but for the end of the access token. */
  readonly tokens?: IdpTokens | undefined;
  /** undefined: the provider sent no ID token with it (OpenID Connect Core §12.2). */
  readonly idTokenClaims?: RawClaims | undefined;
  /** undefined: there is no userinfo endpoint, or it did not answer. */
  readonly userinfoClaims?: RawClaims | undefined;
  /** The provider has said of the user whatever it says of users. */
  readonly isUserConfirmed: boolean;
};
