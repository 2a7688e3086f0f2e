/** SigningKey: one private key of the assertion, the JOSE algorithm that goes with it, and its public half as a JWK (RFC 7517). */

import { createECDH, createHash, createPrivateKey, createPublicKey, hkdfSync, sign, verify } from 'node:crypto';
import type { JsonWebKey, KeyObject, SignKeyObjectInput } from 'node:crypto';
import { err, ok, type Result } from '../../core/result.ts';

export type SigningAlgorithm = 'ES256' | 'EdDSA' | 'RS256';

export type SigningKey = {
  readonly algorithm: SigningAlgorithm;
  /** Lower-case hex of the RFC 7638 SHA-256 thumbprint. */
  readonly kid: string;
  /** Public members only, with `kid`, `alg` and `use`. */
  readonly publicJwk: Readonly<Record<string, string>>;
  /** The JWS signature (RFC 7518 §3.4: R and S, 64 bytes, for ES256). */
  sign(input: string): Buffer;
};

/** RFC 7518 §3.3. */
const RSA_BITS_MIN = 2048;

/** The members that RFC 7638 §3.2 (and RFC 8037 §2 for OKP) hashes, in its order. They are all that makes a public key. */
const thumbprintMembers: Readonly<Record<SigningAlgorithm, readonly (keyof JsonWebKey)[]>> = {
  ES256: ['crv', 'kty', 'x', 'y'],
  EdDSA: ['crv', 'kty', 'x'],
  RS256: ['e', 'kty', 'n'],
};

/** From one PEM block: PKCS #8, SEC1 or PKCS #1, not encrypted. The error says what is wrong and shows nothing of the key. */
export function parseSigningKey(pem: string): Result<SigningKey, string> {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    return err('is not a private key that can be read');
  }
  const algorithm = algorithmOf(key);
  if (!algorithm.ok) return algorithm;
  const signer = signingKey(key, algorithm.value);
  return isSound(signer, key) ? ok(signer) : err('is damaged: what it signs cannot be verified');
}

/** Whether the two halves of the key belong together; a PEM may hold any two. */
function isSound(signer: SigningKey, key: KeyObject): boolean {
  const probe = 'doorward';
  try {
    const { digest, options } = operation(key, signer.algorithm);
    return verify(digest, Buffer.from(probe), { ...options, key: createPublicKey(key) }, signer.sign(probe));
  } catch {
    return false;
  }
}

function algorithmOf(key: KeyObject): Result<SigningAlgorithm, string> {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return ok('EdDSA');
    case 'ec':
      if (namedCurve === 'prime256v1') return ok('ES256');
      return err('is an EC key on another curve than P-256');
    case 'rsa':
      if (modulusLength >= RSA_BITS_MIN) return ok('RS256');
      return err(`is an RSA key of less than ${RSA_BITS_MIN} bits`);
    default:
      return err('is neither an EC P-256, nor an Ed25519, nor an RSA key');
  }
}

/** The order of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** 128 bits more than the order has, so that the remainder is as good as uniform (FIPS 186-5 §A.2.1). */
const DERIVED_BYTES = 48;

/**
 * The P-256 key that a secret stands for: the same on every process that has the secret, and of no use to find the secret. For
 * installations that were given no key; by HKDF-SHA256 (RFC 5869).
 */
export function deriveSigningKey(secret: string): SigningKey {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', 'doorward assertion signing key v1', DERIVED_BYTES));
  const scalar = (BigInt(`0x${bytes.toString('hex')}`) % (P256_ORDER - 1n)) + 1n;
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex');
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(d);
  const point = curve.getPublicKey();
  const base64url = (part: Buffer): string => part.toString('base64url');
  const jwk = { d: base64url(d), x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)) };
  return signingKey(createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', ...jwk } }), 'ES256');
}

function signingKey(key: KeyObject, algorithm: SigningAlgorithm): SigningKey {
  const exported = createPublicKey(key).export({ format: 'jwk' });
  const members = thumbprintMembers[algorithm].map((name) => [name, String(exported[name])] as const);
  const canonical = JSON.stringify(Object.fromEntries(members));
  const kid = createHash('sha256').update(canonical).digest('hex');
  const publicJwk = { ...Object.fromEntries(members), kid, alg: algorithm, use: 'sig' };
  const { digest, options } = operation(key, algorithm);
  return { algorithm, kid, publicJwk, sign: (text) => sign(digest, Buffer.from(text), options) };
}

/** What node:crypto is to do for a JOSE algorithm. */
const operation = (
  key: KeyObject,
  algorithm: SigningAlgorithm,
): { readonly digest: 'sha256' | null; readonly options: SignKeyObjectInput } => ({
  digest: algorithm === 'EdDSA' ? null : 'sha256',
  options: algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : { key },
});
