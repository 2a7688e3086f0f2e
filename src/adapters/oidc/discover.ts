/** Discovery of one OpenID provider: its metadata, checked, and a client configured by it (OpenID Connect Discovery 1.0 §4). */

import * as client from 'openid-client';

import type { IdpConfig } from '../../core/config.ts';
import { isAllowedUrl } from './bounded-fetch.ts';

/** Signatures that are accepted: never `none`, never an HMAC whose key the provider and Doorward would share (RFC 8725 §3.1, §3.2). */
const ALGORITHMS: ReadonlySet<string> = new Set([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]);
/** What a provider signs with when its metadata does not say (OpenID Connect Core §2). */
const DEFAULT_ALGORITHMS: readonly string[] = ['RS256'];

/** Clocks of providers and of this machine differ by less. */
export const CLOCK_TOLERANCE_SECONDS = 60;

/** Metadata that a browser or Doorward is led by. */
const ENDPOINTS = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'end_session_endpoint',
  'revocation_endpoint',
] as const;
const REQUIRED: ReadonlySet<string> = new Set(['authorization_endpoint', 'token_endpoint', 'jwks_uri']);

export type Provider = { readonly metadata: client.ServerMetadata; readonly configuration: client.Configuration };

/** Why metadata will not do. Its message is for logs and names members of the metadata only. */
class UnusableMetadata extends Error {
  readonly code = 'OAUTH_UNUSABLE_METADATA';
}

/** @throws whatever the library throws, or what says which part of the metadata will not do; see failureOf */
export async function discover(
  config: IdpConfig,
  boundedFetch: client.CustomFetch,
  timeoutMs: number,
): Promise<Provider> {
  const isHttpAllowed = config.insecure_http === true;
  if (!isAllowedUrl(config.url, isHttpAllowed)) throw new UnusableMetadata('the issuer is not https');
  // The library's own switch knows all http: or none; boundedFetch keeps it to names of this machine.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so to stand out
  const insecure = isHttpAllowed ? [client.allowInsecureRequests] : [];
  const discovered = await client.discovery(new URL(config.url), config.client_id, undefined, undefined, {
    [client.customFetch]: boundedFetch,
    timeout: timeoutMs / 1000,
    execute: insecure,
  });
  const metadata = checkMetadata(discovered.serverMetadata(), config);
  const configuration = new client.Configuration(
    metadata,
    config.client_id,
    { [client.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
    clientAuthentication(config, metadata),
  );
  configuration[client.customFetch] = boundedFetch;
  configuration.timeout = timeoutMs / 1000;
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- as above
  for (const allow of insecure) allow(configuration);
  // Signatures are verified although the tokens come straight from the provider: TLS may end before it.
  client.enableNonRepudiationChecks(configuration);
  return { metadata, configuration };
}

/** The metadata as it may be used: a plain copy, with the accepted signature algorithms only. */
function checkMetadata(discovered: client.ServerMetadata, config: IdpConfig): client.ServerMetadata {
  const metadata = JSON.parse(JSON.stringify(discovered)) as client.ServerMetadata;
  // A trailing slash is the one thing that people get wrong without meaning another issuer. Tokens are held against the issuer as it is.
  if (withoutSlash(metadata.issuer) !== withoutSlash(config.url)) {
    throw new UnusableMetadata('the metadata is of another issuer');
  }
  for (const name of ENDPOINTS) {
    const endpoint: unknown = metadata[name];
    if (endpoint === undefined && !REQUIRED.has(name)) continue;
    if (typeof endpoint !== 'string' || !isAllowedUrl(endpoint, config.insecure_http === true)) {
      throw new UnusableMetadata(`the metadata has no usable ${name}`);
    }
  }
  const algorithms = accepted(metadata.id_token_signing_alg_values_supported) ?? DEFAULT_ALGORITHMS;
  if (algorithms.length === 0) throw new UnusableMetadata('the provider offers no signature that is accepted');
  return {
    ...metadata,
    id_token_signing_alg_values_supported: [...algorithms],
    userinfo_signing_alg_values_supported: [
      ...(accepted(metadata.userinfo_signing_alg_values_supported) ?? algorithms),
    ],
  };
}

const withoutSlash = (url: string): string => (url.endsWith('/') ? url.slice(0, -1) : url);

const accepted = (algorithms: unknown): readonly string[] | undefined =>
  Array.isArray(algorithms)
    ? algorithms.filter((algorithm): algorithm is string => typeof algorithm === 'string' && ALGORITHMS.has(algorithm))
    : undefined;

/** RFC 6749 §2.3.1: Basic is what every provider must have; the body where the provider says that it takes only that. */
function clientAuthentication(config: IdpConfig, metadata: client.ServerMetadata): client.ClientAuth {
  if (config.client_secret === undefined) return client.None();
  const methods = metadata.token_endpoint_auth_methods_supported;
  const isPostOnly = methods !== undefined && !methods.includes('client_secret_basic');
  return isPostOnly ? client.ClientSecretPost(config.client_secret) : client.ClientSecretBasic(config.client_secret);
}
