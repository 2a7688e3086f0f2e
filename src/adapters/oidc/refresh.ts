/** What a provider says of a session that it signed in: new tokens (OpenID Connect Core §12) and the user's claims as they are now. */

import * as client from 'openid-client';

import { DependencyError, type Clock, type IdpAnswer, type RefreshOf } from '../../core/ports.ts';
import type { RefreshKind } from '../../core/session/refreshed.ts';
import type { IdpTokens } from '../../core/session/session.ts';
import type { RawClaims } from '../../core/session/session.ts';
import { epochSeconds, type EpochSeconds } from '../../core/units.ts';
import { captureAnswer } from './bounded-fetch.ts';
import { CLOCK_TOLERANCE_SECONDS, type Provider } from './discover.ts';
import { failureOf, isInvalidGrant, isOtherIssuer, isOtherSubject, isUserRefused } from './failure.ts';

/** The session's user is not who the provider speaks of, or he is nobody there any more. */
class SessionEnded extends Error {}

/**
 * The userinfo endpoint alone where that will do. A provider that refuses the access token there is asked for a new one first: that it has
 * run out says nothing of the user.
 */
export async function refresh(provider: Provider, of: RefreshOf, kind: RefreshKind, clock: Clock): Promise<IdpAnswer> {
  const { refreshToken } = of.tokens;
  // SECURITY: the configuration may name another provider by now; it must not get the tokens of this one.
  if (provider.metadata.issuer !== of.issuer)
    throw new DependencyError('idp-refused', 'the session is of another issuer');
  try {
    if (kind === 'tokens' && refreshToken !== undefined) return await redeemed(provider, of, refreshToken, clock);
    const user = await rereadUser(provider, of);
    if (user !== undefined) return user;
    if (refreshToken !== undefined) return await redeemed(provider, of, refreshToken, clock);
    // There is nobody to ask: all that this provider says of a user, it said at the login.
    return { kind: 'refreshed', refreshed: { isUserConfirmed: true } };
  } catch (error) {
    if (error instanceof SessionEnded) return { kind: 'ended', why: error.message };
    throw error;
  }
}

/** undefined: there is nothing to ask with, or only a new access token can tell. */
async function rereadUser(provider: Provider, of: RefreshOf): Promise<IdpAnswer | undefined> {
  const { accessToken, refreshToken } = of.tokens;
  if (accessToken === undefined || provider.metadata.userinfo_endpoint === undefined) return undefined;
  try {
    const userinfoClaims = await fetchUser(provider, accessToken, of.subject);
    return { kind: 'refreshed', refreshed: { userinfoClaims, isUserConfirmed: true } };
  } catch (error) {
    if (error instanceof SessionEnded && error.message === REFUSED && refreshToken !== undefined) return undefined;
    throw error;
  }
}

/**
 * SECURITY: once the provider has answered, the old refresh token may be used up, and to send it again may look like theft. So whatever fails
 * from then on (key set, userinfo, an ID token that does not verify), the new tokens are kept; what they say of the user is not.
 */
async function redeemed(provider: Provider, of: RefreshOf, refreshToken: string, clock: Clock): Promise<IdpAnswer> {
  const now = clock.now();
  const captured = captureAnswer(() => readGrant(provider, of, refreshToken, now));
  try {
    return await captured.result;
  } catch (error) {
    const tokens = error instanceof SessionEnded ? undefined : tokensIn(captured.answer(), now);
    if (tokens === undefined) throw error;
    const { message } = error instanceof DependencyError ? error : failureOf('the user could not be read', error);
    return { kind: 'refreshed', refreshed: { tokens, isUserConfirmed: false }, failure: message };
  }
}

async function readGrant(
  provider: Provider,
  of: RefreshOf,
  refreshToken: string,
  now: EpochSeconds,
): Promise<IdpAnswer> {
  const response = await client.refreshTokenGrant(provider.configuration, refreshToken).catch((error: unknown) => {
    if (isInvalidGrant(error)) throw new SessionEnded('invalid_grant');
    if (isOtherIssuer(error)) throw new SessionEnded(OTHER_USER);
    throw error;
  });
  const claims = response.claims();
  if (claims !== undefined) {
    if (claims.sub !== of.subject || claims.iss !== of.issuer) throw new SessionEnded(OTHER_USER);
    if (claims.iat > now + CLOCK_TOLERANCE_SECONDS)
      throw new DependencyError('idp-refused', 'the ID token is from the future');
  }
  const userinfoClaims =
    provider.metadata.userinfo_endpoint === undefined
      ? undefined
      : await fetchUser(provider, response.access_token, of.subject);
  return {
    kind: 'refreshed',
    refreshed: {
      tokens: {
        idToken: response.id_token,
        accessToken: response.access_token,
        refreshToken: response.refresh_token,
        accessTokenExpiresAt: response.expires_in === undefined ? undefined : epochSeconds(now + response.expires_in),
      },
      // JSON that the library parsed.
      idTokenClaims: claims as RawClaims | undefined,
      userinfoClaims,
      isUserConfirmed: true,
    },
  };
}

const OTHER_USER = 'the provider speaks of another user';
const REFUSED = 'the provider refuses to speak of the user';

const fetchUser = async (provider: Provider, accessToken: string, subject: string): Promise<RawClaims> => {
  try {
    return (await client.fetchUserInfo(provider.configuration, accessToken, subject)) as RawClaims;
  } catch (error) {
    if (isOtherSubject(error)) throw new SessionEnded(OTHER_USER);
    if (isUserRefused(error)) throw new SessionEnded(REFUSED);
    throw error;
  }
};

/** The tokens of an answer of the token endpoint that was not gone through to its end; without its ID token, which may not have verified. */
function tokensIn(answer: string | undefined, now: EpochSeconds): IdpTokens | undefined {
  if (answer === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(answer);
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  const {
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_in: seconds,
  } = json as Record<string, unknown>;
  if (!isToken(accessToken)) return undefined;
  const hasEnd = typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0;
  return {
    idToken: undefined,
    accessToken,
    refreshToken: isToken(refreshToken) ? refreshToken : undefined,
    accessTokenExpiresAt: hasEnd ? epochSeconds(now + seconds) : undefined,
  };
}

const isToken = (value: unknown): value is string => typeof value === 'string' && value !== '';
