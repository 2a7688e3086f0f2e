/** IdentityProvider on openid-client: authorization code with PKCE, state, nonce and RFC 9207 `iss`; userinfo; logout and revocation. */

import * as client from 'openid-client';

import type { IdpConfig } from '../../core/config.ts';
import {
  DependencyError,
  type Clock,
  type Identity,
  type IdentityProvider,
  type Logger,
  type LogoutTrust,
} from '../../core/ports.ts';
import type { ClaimValue, IdpTokens } from '../../core/session/session.ts';
import { epochSeconds, idpName } from '../../core/units.ts';
import { createBoundedFetch, runWithin } from './bounded-fetch.ts';
import { CLOCK_TOLERANCE_SECONDS, discover, type Provider } from './discover.ts';
import { failureOf } from './failure.ts';
import { createProviderSource } from './provider-source.ts';
import { refresh } from './refresh.ts';

/** A callback waits for token, key set and userinfo together; Envoy is told to wait 5 s. */
const DEADLINE_MS = 4_000;
/** What happens at sign-out besides ending the session must not keep the user waiting. */
const SIGN_OUT_DEADLINE_MS = 1_500;
/** An ID token that is longer is not put into a URL; the provider asks the user instead. */
const ID_TOKEN_HINT_LENGTH_MAX = 4_096;

/** Parameters that only Doorward sets, whatever `request_params` says. */
const OWN_PARAMETERS: ReadonlySet<string> = new Set([
  'client_id',
  'response_type',
  'response_mode',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
]);

export type IdentityProviderOptions = {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For tests: how long one operation may take. */
  readonly deadlineMs?: number;
};

/** An IdentityProvider that looks for its provider in the background from `start` to `close`; without them only when it is asked. */
export type ManagedIdentityProvider = IdentityProvider & { start(): void; close(): void };

export function createIdentityProvider(config: IdpConfig, options: IdentityProviderOptions): ManagedIdentityProvider {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const boundedFetch = createBoundedFetch(config.insecure_http === true);
  const source = createProviderSource(
    () => runWithin(deadlineMs, () => discover(config, boundedFetch, deadlineMs)),
    config.name,
    options,
  );
  /** What the last operation ran into once the provider was found, for /readyz?verbose. */
  let trouble: string | undefined;

  const operate = <T>(what: string, ms: number, run: (provider: Provider) => Promise<T>): Promise<T> =>
    runWithin(ms, async () => {
      const provider = await beforeDeadline(source.get(), ms);
      try {
        const result = await run(provider);
        trouble = undefined;
        return result;
      } catch (error) {
        const failure = error instanceof DependencyError ? error : failureOf(what, error);
        trouble = failure.code === 'idp-unavailable' ? failure.message : undefined;
        throw failure;
      }
    });

  return {
    name: idpName(config.name),
    label: config.label ?? config.name,
    authorizationUrl: (parameters) =>
      operate('the authorization request could not be made', deadlineMs, ({ configuration }) =>
        authorizationUrl(config, configuration, parameters),
      ),
    redeem: (parameters) =>
      operate('the code could not be redeemed', deadlineMs, (provider) => redeem(provider, parameters, options.clock)),
    refresh: (of, kind) =>
      operate('the session could not be refreshed', deadlineMs, (provider) =>
        refresh(provider, of, kind, options.clock),
      ),
    endSessionUrl: (parameters) =>
      operate('the end of the session could not be asked for', SIGN_OUT_DEADLINE_MS, (provider) =>
        Promise.resolve(endSessionUrl(provider, parameters)),
      ),
    revokeTokens: (tokens) =>
      operate('the tokens could not be revoked', SIGN_OUT_DEADLINE_MS, (provider) => revokeTokens(provider, tokens)),
    trust: () =>
      operate('whom to believe is not known', deadlineMs, ({ metadata }) => Promise.resolve(trustOf(config, metadata))),
    status() {
      const failed = source.failure() ?? trouble;
      if (failed !== undefined) return { failed };
      return source.isFound() ? 'ready' : 'trying';
    },
    start: () => source.start(),
    close: () => source.close(),
  };
}

const trustOf = (config: IdpConfig, metadata: client.ServerMetadata): LogoutTrust => {
  const { issuer, jwks_uri: jwksUri, id_token_signing_alg_values_supported: algorithms } = metadata;
  if (jwksUri === undefined || algorithms === undefined) throw refused('the metadata names no keys');
  return {
    issuer,
    jwksUri,
    algorithms,
    clientId: config.client_id,
    backchannelLogout: config.backchannel_logout ?? 'any',
  };
};

/** Discovery has a deadline of its own and is shared; who waits for it waits no longer than he may. */
function beforeDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new DependencyError('idp-unavailable', 'the identity provider was not discovered in time')),
      ms,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function authorizationUrl(
  config: IdpConfig,
  configuration: client.Configuration,
  parameters: Parameters<IdentityProvider['authorizationUrl']>[0],
): Promise<string> {
  const { acrValues, maxAge } = parameters.stepUp ?? {};
  const extra = Object.entries(config.request_params).filter(([name]) => !OWN_PARAMETERS.has(name));
  const url = client.buildAuthorizationUrl(configuration, {
    ...Object.fromEntries(extra),
    response_type: 'code',
    redirect_uri: new URL(parameters.redirectUri).href,
    scope: [...new Set(['openid', ...config.scopes])].join(' '),
    state: parameters.state,
    nonce: parameters.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(parameters.codeVerifier),
    code_challenge_method: 'S256',
    ...(parameters.prompt === undefined ? {} : { prompt: parameters.prompt }),
    ...(acrValues === undefined ? {} : { acr_values: acrValues.join(' ') }),
    ...(maxAge === undefined ? {} : { max_age: smallerAge(maxAge, config.request_params['max_age']) }),
  });
  return url.href;
}

/** What the configuration asks of every sign-in is not relaxed by what a step-up asks of this one. */
const smallerAge = (asked: number, ofEvery: string | undefined): string =>
  ofEvery !== undefined && /^\d+$/.test(ofEvery) && Number(ofEvery) < asked ? ofEvery : String(asked);

/**
 * The library checks state, `iss` of the answer, and of the ID token signature, `iss`, `aud`, `azp`, `exp`, `nbf` and nonce. Userinfo is
 * always asked where there is one: it is where most providers put groups. Its `sub` must be the ID token's.
 */
async function redeem(
  { configuration, metadata }: Provider,
  parameters: Parameters<IdentityProvider['redeem']>[0],
  clock: Clock,
): Promise<Identity> {
  const response = await client.authorizationCodeGrant(configuration, new URL(parameters.callbackUrl), {
    expectedState: parameters.state,
    expectedNonce: parameters.nonce,
    pkceCodeVerifier: parameters.codeVerifier,
    idTokenExpected: true,
  });
  const claims = response.claims();
  if (claims === undefined) throw refused('the answer has no ID token');
  const now = clock.now();
  // The library does not look at it. A token from the future is not to be believed in its other times either.
  if (claims.iat > now + CLOCK_TOLERANCE_SECONDS) throw refused('the ID token is from the future');

  const userinfo =
    metadata.userinfo_endpoint === undefined
      ? undefined
      : await client.fetchUserInfo(configuration, response.access_token, claims.sub);
  return {
    issuer: claims.iss,
    subject: claims.sub,
    // JSON that the library parsed.
    idTokenClaims: claims as Readonly<Record<string, ClaimValue>>,
    userinfoClaims: userinfo as Readonly<Record<string, ClaimValue>> | undefined,
    tokens: {
      idToken: response.id_token,
      accessToken: response.access_token,
      refreshToken: response.refresh_token,
      accessTokenExpiresAt: response.expires_in === undefined ? undefined : epochSeconds(now + response.expires_in),
    },
  };
}

const refused = (message: string): DependencyError => new DependencyError('idp-refused', message);

/** OpenID Connect RP-Initiated Logout 1.0 §2; the library adds `client_id`. */
function endSessionUrl(
  { configuration, metadata }: Provider,
  parameters: Parameters<IdentityProvider['endSessionUrl']>[0],
): string | undefined {
  if (metadata.end_session_endpoint === undefined) return undefined;
  const { idToken } = parameters;
  const hasHint = idToken !== undefined && idToken.length <= ID_TOKEN_HINT_LENGTH_MAX;
  const url = client.buildEndSessionUrl(configuration, {
    post_logout_redirect_uri: new URL(parameters.returnTo).href,
    state: parameters.state,
    ...(hasHint ? { id_token_hint: idToken } : {}),
  });
  return url.href;
}

/** RFC 7009. The refresh token first in mind: with it most providers end the whole grant. */
async function revokeTokens({ configuration, metadata }: Provider, tokens: IdpTokens): Promise<void> {
  if (metadata.revocation_endpoint === undefined) return;
  const revoke = (token: string | undefined, hint: 'refresh_token' | 'access_token'): Promise<void> =>
    token === undefined ? Promise.resolve() : client.tokenRevocation(configuration, token, { token_type_hint: hint });
  await Promise.all([revoke(tokens.refreshToken, 'refresh_token'), revoke(tokens.accessToken, 'access_token')]);
}
