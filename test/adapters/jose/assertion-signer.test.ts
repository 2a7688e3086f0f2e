import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { calculateJwkThumbprint, compactVerify, createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { assertionSignerOf, createAssertionSigner } from '../../../src/adapters/jose/assertion-signer.ts';
import { deriveSigningKey, type SigningKey } from '../../../src/adapters/jose/signing-key.ts';
import type { AssertionSigner } from '../../../src/core/ports.ts';

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const otherP256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

const signerFor = (keys: readonly string[], secrets: readonly string[] = []): AssertionSigner => {
  const signer = createAssertionSigner(keys, secrets);
  if (!signer.ok) throw new Error(signer.error);
  return signer.value;
};
const errorOf = (keys: readonly string[], secrets: readonly string[] = []): string => {
  const signer = createAssertionSigner(keys, secrets);
  return signer.ok ? 'no error' : signer.error;
};
const jwksOf = (signer: AssertionSigner): JSONWebKeySet => JSON.parse(signer.jwks()) as JSONWebKeySet;

describe('a signature', () => {
  test.each([
    ['ES256', pkcs8(p256)],
    ['ES256', p256.export({ type: 'sec1', format: 'pem' }).toString()],
    ['EdDSA', pkcs8(ed25519)],
    ['RS256', pkcs8(rsa)],
    ['RS256', rsa.export({ type: 'pkcs1', format: 'pem' }).toString()],
  ])('by %s verifies against the published keys', async (algorithm, pem) => {
    const signer = signerFor([pem]);
    const jws = signer.sign('{"sub":"ålice","aud":"app.example.com"}');
    const { payload, protectedHeader } = await jwtVerify(jws, createLocalJWKSet(jwksOf(signer)), {
      algorithms: [algorithm],
      audience: 'app.example.com',
    });
    expect(payload).toEqual({ sub: 'ålice', aud: 'app.example.com' });
    expect(protectedHeader).toEqual({ alg: algorithm, typ: 'JWT', kid: jwksOf(signer).keys[0]!.kid });
  });

  test('covers the claims exactly as they were given', async () => {
    const signer = signerFor([pkcs8(p256)]);
    const claims = '{ "b":1,\n"a":1.0}';
    const { payload } = await compactVerify(signer.sign(claims), createLocalJWKSet(jwksOf(signer)));
    expect(Buffer.from(payload).toString()).toBe(claims);
  });

  test('does not verify with another key, nor over other claims', async () => {
    const signer = signerFor([pkcs8(p256)]);
    const jws = signer.sign('{"sub":"bob"}');
    const others = createLocalJWKSet(jwksOf(signerFor([pkcs8(otherP256)])));
    await expect(compactVerify(jws, others)).rejects.toThrow();
    const [header, , signature] = jws.split('.');
    const forged = `${header!}.${Buffer.from('{"sub":"ann"}').toString('base64url')}.${signature!}`;
    await expect(compactVerify(forged, createLocalJWKSet(jwksOf(signer)))).rejects.toThrow();
  });
});

describe('the published keys', () => {
  test('have the hex RFC 7638 thumbprint as kid, and nothing private', async () => {
    for (const key of [p256, ed25519, rsa]) {
      const [jwk] = jwksOf(signerFor([pkcs8(key)])).keys;
      const thumbprint = Buffer.from(await calculateJwkThumbprint(jwk!), 'base64url').toString('hex');
      expect(jwk!.kid).toBe(thumbprint);
      expect(jwk!.use).toBe('sig');
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(jwk).not.toHaveProperty(secret);
    }
  });

  test('are all that were given, each once, while the first signs', async () => {
    const before = signerFor([pkcs8(p256), pkcs8(rsa), pkcs8(p256)]);
    const after = signerFor([pkcs8(rsa), pkcs8(p256)]);
    expect(jwksOf(before).keys.map((key) => key.kty)).toEqual(['EC', 'RSA']);
    expect(decodeProtectedHeader(before.sign('{}')).alg).toBe('ES256');
    expect(decodeProtectedHeader(after.sign('{}')).alg).toBe('RS256');
    // Rotated with overlap: each verifies what the other signed.
    await compactVerify(before.sign('{}'), createLocalJWKSet(jwksOf(after)));
    await compactVerify(after.sign('{}'), createLocalJWKSet(jwksOf(before)));
  });

  test('are the same text each time', () => {
    const signer = signerFor([pkcs8(p256)]);
    expect(signer.jwks()).toBe(signer.jwks());
  });
});

describe('without a key', () => {
  test('each secret stands for a P-256 key, the same on every process', async () => {
    const one = signerFor([], ['secret a', 'secret b']);
    const two = signerFor([], ['secret b', 'secret a']);
    expect(jwksOf(one).keys.map((key) => key.kid)).toEqual(
      jwksOf(two)
        .keys.map((key) => key.kid)
        .reverse(),
    );
    expect(signerFor([], ['secret a']).jwks()).not.toBe(signerFor([], ['secret b']).jwks());
    await compactVerify(one.sign('{}'), createLocalJWKSet(jwksOf(two)), { algorithms: ['ES256'] });
  });

  test('the key of a secret does not change between releases', () => {
    expect(deriveSigningKey('a shared secret of thirty-two bytes').kid).toMatchInlineSnapshot(
      `"a5dec62758ab5b487801c280b0a61e854663a35590d0fad6cabeaeda23984871"`,
    );
  });

  test('derivation makes a key of every secret', () => {
    for (let index = 0; index < 50; index += 1) {
      const { publicJwk } = deriveSigningKey(`secret ${index}`);
      expect(Buffer.from(publicJwk['x']!, 'base64url')).toHaveLength(32);
      expect(Buffer.from(publicJwk['y']!, 'base64url')).toHaveLength(32);
    }
  });

  test('a key that was given wins over the secrets', () => {
    expect(signerFor([pkcs8(p256)], ['secret']).jwks()).toBe(signerFor([pkcs8(p256)]).jwks());
  });
});

describe('keys that are refused', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const x25519 = generateKeyPairSync('x25519');
  const encrypted = p256.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
  const even = (base64url: string): string => {
    const bytes = Buffer.from(base64url, 'base64url');
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) & 0xfe, bytes.length - 1);
    return bytes.toString('base64url');
  };
  const { n, p, q, ...rest } = rsa.export({ format: 'jwk' });
  const unusable = createPrivateKey({ format: 'jwk', key: { ...rest, n: even(n!), p: even(p!), q: even(q!) } });
  const mismatched = p256.export({ type: 'pkcs8', format: 'der' });
  const scalarAt = mismatched.indexOf(Buffer.from([4, 32])) + 2;
  mismatched.writeUInt8(mismatched.readUInt8(scalarAt + 31) ^ 1, scalarAt + 31);
  const mismatchedPem = `-----BEGIN PRIVATE KEY-----\n${mismatched.toString('base64')}\n-----END PRIVATE KEY-----\n`;
  const publicKey = weak.publicKey.export({ type: 'spki', format: 'pem' }).toString();

  test.each([
    ['an empty text', '', 'signing key 1 is not a private key that can be read'],
    ['garbage', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 'signing key 1 is not a private'],
    ['a public key', publicKey, 'signing key 1 is not a private key that can be read'],
    ['an encrypted key', encrypted, 'signing key 1 is not a private key that can be read'],
    ['RSA below 2048 bits', pkcs8(weak.privateKey), 'signing key 1 is an RSA key of less than 2048 bits'],
    ['another curve', pkcs8(p384.privateKey), 'signing key 1 is an EC key on another curve than P-256'],
    ['halves that do not belong together', mismatchedPem, 'signing key 1 is damaged'],
    ['numbers that are no RSA key', pkcs8(unusable), 'signing key 1 is damaged'],
    ['a key that cannot sign', pkcs8(x25519.privateKey), 'signing key 1 is neither an EC P-256'],
  ])('%s', (_, pem, message) => {
    expect(errorOf([pem])).toContain(message);
    expect(errorOf([pkcs8(p256), pem])).toContain(message.replace('1', '2'));
  });

  test('none at all, and more than sixteen', () => {
    expect(errorOf([], [])).toContain('neither a signing key nor a secret');
    expect(errorOf(Array<string>(17).fill(pkcs8(p256)))).toContain('more than 16');
  });
});

test('a key that fails to sign is a failed dependency', () => {
  const broken: SigningKey = {
    ...deriveSigningKey('secret'),
    sign: () => {
      throw new Error('the engine is broken');
    },
  };
  expect(() => assertionSignerOf(broken, [broken]).sign('{}')).toThrow(
    expect.objectContaining({ name: 'DependencyError', code: 'signing-failed' }),
  );
});
