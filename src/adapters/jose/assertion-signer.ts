/**
 * AssertionSigner: compact JWS by node:crypto, synchronous, the encoded header kept. Keys and their names are JOSE's (RFC 7517, RFC 7638).
 * The assertion's keys sign nothing else.
 */

import { createHash, createPrivateKey, createPublicKey, hkdfSync, sign, type KeyObject } from 'node:crypto';

import { DependencyError, type AssertionSigner } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';

type Algorithm = 'ES256' | 'EdDSA' | 'RS256';

type SigningKey = {
  readonly alg: Algorithm;
  readonly key: KeyObject;
  readonly jwk: Readonly<Record<string, string>>;
  /** base64url of the protected header, with the dot behind it. */
  readonly header: string;
};

const RSA_BITS_MIN = 2048;
/** Order of P-256 (SEC 2 §2.4.2): a private key is 1 to n - 1. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const DERIVED_KEY_INFO = 'doorward assertion signing key v1';

/**
 * `pems`: private keys, the first signs, all are published. None = a P-256 key derived from the first of `sharedSecrets`, those of the others
 * published too, so that a rotation of the secret is one of the key. The error says which key and why, never what is in it.
 */
export function createAssertionSigner(
  pems: readonly string[],
  sharedSecrets: readonly string[],
): Result<AssertionSigner, string> {
  const keys: SigningKey[] = [];
  for (const [index, pem] of pems.entries()) {
    const key = readKey(pem);
    if (!key.ok) return err(`key ${index + 1} ${key.error}`);
    keys.push(key.value);
  }
  if (pems.length === 0) keys.push(...sharedSecrets.map((secret) => signingKey('ES256', deriveKey(secret))));
  const [first] = keys;
  if (first === undefined) return err('there is no signing_key, and no shared_secret to derive one from');
  const jwks = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
  return ok({
    sign: (claimsJson) => signCompact(first, claimsJson),
    jwks: () => jwks,
  });
}

function readKey(pem: string): Result<SigningKey, string> {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    return err('is not a PEM private key without a passphrase');
  }
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'ec':
      return namedCurve === 'prime256v1' ? ok(signingKey('ES256', key)) : err('is an EC key, but not on P-256');
    case 'ed25519':
      return ok(signingKey('EdDSA', key));
    case 'rsa':
      return (modulusLength ?? 0) >= RSA_BITS_MIN
        ? ok(signingKey('RS256', key))
        : err(`is an RSA key of less than ${RSA_BITS_MIN} bits`);
    default:
      return err('is neither EC P-256, Ed25519 nor RSA');
  }
}

function signingKey(alg: Algorithm, key: KeyObject): SigningKey {
  const publicJwk = createPublicKey(key).export({ format: 'jwk' }) as Record<string, string>;
  const kid = thumbprint(publicJwk);
  const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT', kid })).toString('base64url');
  return { alg, key, jwk: { ...publicJwk, kid, alg, use: 'sig' }, header: `${header}.` };
}

/** RFC 7638 §3.2: the required members of the kind of key, in lexicographic order. Lower-case hex, as SDKs expect it of this header. */
function thumbprint(jwk: Readonly<Record<string, string>>): string {
  const members = ['crv', 'e', 'kty', 'n', 'x', 'y'].filter((name) => jwk[name] !== undefined);
  const text = `{${members.map((name) => `"${name}":${JSON.stringify(jwk[name])}`).join(',')}}`;
  return createHash('sha256').update(text).digest('hex');
}

function signCompact({ alg, key, header }: SigningKey, claimsJson: string): string {
  const input = `${header}${Buffer.from(claimsJson).toString('base64url')}`;
  try {
    // RFC 7518 §3.4: the signature of ES256 is r || s.
    const signature = sign(alg === 'EdDSA' ? null : 'sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  } catch (error) {
    throw new DependencyError('signing-failed', 'the assertion could not be signed', error);
  }
}

/** HKDF (RFC 5869) to 48 bytes, then modulo n - 1, plus 1 (FIPS 186-5 §A.2.1: 64 extra bits are enough for no bias). */
function deriveKey(secret: string): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', DERIVED_KEY_INFO, 48));
  const scalar = (BigInt(`0x${bytes.toString('hex')}`) % (P256_ORDER - 1n)) + 1n;
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex');
  return createPrivateKey({ key: ecPrivateKey(d), format: 'der', type: 'sec1' });
}

/** RFC 5915: version 1, the scalar, the curve's object identifier. OpenSSL computes the public point. */
const ecPrivateKey = (d: Buffer): Buffer =>
  Buffer.concat([Buffer.from('30310201010420', 'hex'), d, Buffer.from('a00a06082a8648ce3d030107', 'hex')]);
