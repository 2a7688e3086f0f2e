/**
 * Verifies signed messages by the keys that their issuer publishes. Keys come from the configured place only: `jku`, `x5u`, `x5c` and `jwk` of
 * a message are never read. Whatever strangers send, an issuer is asked once at a time, and no more often than every COOLDOWN_MS.
 */

import { compactVerify, createRemoteJWKSet, customFetch, errors, type CompactJWSHeaderParameters } from 'jose';

import { DependencyError, type Clock, type SignedMessages } from '../../core/ports.ts';
import { err, ok } from '../../core/result.ts';
import { isObject, type TrustedIssuer } from '../../core/signals/signed-message.ts';

/** Between two looks for a key that is not there, and after a look that failed. */
const COOLDOWN_MS = 30_000;
/** Keys that are older are asked for again before anything is verified by them. */
const KEYS_AGE_MS_MAX = 600_000;
const FETCH_MS = 2_000;
const BYTES_MAX = 512 * 1024;
/** Issuers come from the configuration and its reloads. */
const ISSUERS_MAX = 200;

type KeySet = ReturnType<typeof createRemoteJWKSet>;

/** @throws DependencyError idp-unavailable where the keys cannot be had */
export function createSignedMessages(options: {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly fetch?: typeof fetch;
}): SignedMessages {
  const keySets = new Map<string, KeySet>();
  const keySetOf = (jwksUri: string): KeySet => {
    const known = keySets.get(jwksUri);
    if (known !== undefined) return known;
    if (keySets.size >= ISSUERS_MAX) keySets.clear();
    const keySet = createRemoteJWKSet(new URL(jwksUri), {
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: KEYS_AGE_MS_MAX,
      timeoutDuration: FETCH_MS,
      [customFetch]: boundedFetch(options.clock, options.fetch ?? fetch),
    });
    keySets.set(jwksUri, keySet);
    return keySet;
  };

  return {
    async verify(message: string, { jwksUri, algorithms }: TrustedIssuer) {
      try {
        const { protectedHeader, payload } = await compactVerify(message, keySetOf(jwksUri), {
          algorithms: [...algorithms],
        });
        const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
        if (!isObject(claims)) return err('the claims are not an object');
        return ok({ header: plainHeader(protectedHeader), claims });
      } catch (error) {
        return err(reasonOf(error));
      }
    },
  };
}

const plainHeader = (header: CompactJWSHeaderParameters): { readonly [name: string]: unknown } => ({ ...header });

/** What is wrong with a message, in words without any of it. @throws DependencyError where it is the keys that are not there */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWKSNoMatchingKey) return 'no key of the issuer fits';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'several keys of the issuer fit, and it names none';
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) throw unavailable();
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the algorithm is not one of the issuer';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature does not verify';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JOSENotSupported)
    return 'the message cannot be verified';
  if (error instanceof KeysUnavailable || (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC'))
    throw unavailable();
  return 'the claims are not JSON';
}

const unavailable = (): DependencyError =>
  new DependencyError('idp-unavailable', 'the keys of the issuer of a message cannot be had');

class KeysUnavailable extends Error {}

/** One answer, bounded, without redirects; after a failure nothing is asked until the cooldown is over. */
function boundedFetch(clock: Pick<Clock, 'monotonicMs'>, fetchKeys: typeof fetch): typeof fetch {
  let failedAtMs = -Infinity;
  return async (url, init) => {
    if (clock.monotonicMs() - failedAtMs < COOLDOWN_MS) throw new KeysUnavailable();
    try {
      const response = await fetchKeys(url, { ...init, redirect: 'manual' });
      if (response.status !== 200 || response.body === null) throw new KeysUnavailable();
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      // Leaving the loop cancels the stream.
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        bytes += chunk.byteLength;
        if (bytes > BYTES_MAX) throw new KeysUnavailable();
        chunks.push(chunk);
      }
      const body = Buffer.concat(chunks).toString('utf8');
      assertKeySet(body);
      return new Response(body, { status: 200, headers: { 'content-type': 'application/json' } });
    } catch {
      failedAtMs = clock.monotonicMs();
      throw new KeysUnavailable();
    }
  };
}

/** @throws SyntaxError, KeysUnavailable */
function assertKeySet(text: string): void {
  const value: unknown = JSON.parse(text);
  if (!isObject(value) || !Array.isArray(value['keys'])) throw new KeysUnavailable();
}
