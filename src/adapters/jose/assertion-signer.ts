/** AssertionSigner over private keys in PEM: compact JWS (RFC 7515 §7.1), signed synchronously, and the JWKS to verify them by. */

import { DependencyError, type AssertionSigner } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { deriveSigningKey, parseSigningKey, type SigningKey } from './signing-key.ts';

/** Keys that a JWKS may hold: two are a rotation, and everyone who verifies loads all. */
const KEYS_MAX = 16;

/**
 * The first of `keys` (PEM, one block each) signs, all are published, each once. Without any, the keys are those that `fallbackSecrets` stand
 * for, in their order. The error is for the operator and shows nothing of a key.
 */
export function createAssertionSigner(
  keys: readonly string[],
  fallbackSecrets: readonly string[],
): Result<AssertionSigner, string> {
  const parsed = keys.length > 0 ? parseAll(keys) : ok(fallbackSecrets.map(deriveSigningKey));
  if (!parsed.ok) return parsed;
  const [first] = parsed.value;
  if (first === undefined) return err('there is neither a signing key nor a secret to derive one from');
  if (parsed.value.length > KEYS_MAX) return err(`there are more than ${KEYS_MAX} signing keys`);
  return ok(assertionSignerOf(first, parsed.value));
}

function parseAll(keys: readonly string[]): Result<readonly SigningKey[], string> {
  const parsed: SigningKey[] = [];
  for (const [index, pem] of keys.entries()) {
    const key = parseSigningKey(pem);
    if (!key.ok) return err(`signing key ${index + 1} ${key.error}`);
    parsed.push(key.value);
  }
  return ok(parsed);
}

/** A signer by `first`, which publishes `all`. */
export function assertionSignerOf(first: SigningKey, all: readonly SigningKey[]): AssertionSigner {
  const header = base64url(JSON.stringify({ alg: first.algorithm, kid: first.kid, typ: 'JWT' }));
  const distinct = new Map(all.map((key) => [key.kid, key.publicJwk]));
  const jwks = JSON.stringify({ keys: [...distinct.values()] });
  return {
    sign(claimsJson) {
      const input = `${header}.${base64url(claimsJson)}`;
      try {
        return `${input}.${first.sign(input).toString('base64url')}`;
      } catch (error) {
        throw new DependencyError('signing-failed', 'the assertion could not be signed', error);
      }
    },
    jwks: () => jwks,
  };
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url');
