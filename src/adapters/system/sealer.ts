/**
 * Sealer: AES-256-GCM over text that a browser carries for us. Must not know what it seals, and must not say why something did not open.
 *
 * Layout of a sealed value, base64url without padding: format version (1 byte) | nonce (12) | ciphertext | tag (16).
 */

import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { Entropy, SealPurpose, Sealer } from '../../core/ports.ts';
import { systemEntropy } from './entropy.ts';

const CIPHER = 'aes-256-gcm';
const FORMAT_VERSION = 1;
const KEY_BYTES = 32;
/** 96 random bits: below 2^32 values sealed under one key, two nonces are equal with a chance under 2^-32 (NIST SP 800-38D §8.3). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const OVERHEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * Characters of a sealed value. Nothing longer fits into a cookie (RFC 6265 §6.1: 4,096 bytes) or a URL that a proxy passes, so nothing
 * longer was sealed here; it is refused by its length.
 */
const CARRIED_CHARS_MAX = 8192;
/** What Envoy carries may be a whole request (core/streams/ticket.ts), whose bytes may take two each. */
const HELD_CHARS_MAX = 400_000;
const sealedCharsMax = (purpose: SealPurpose): number => (purpose === 'hold' ? HELD_CHARS_MAX : CARRIED_CHARS_MAX);
const SEALED_CHARS_MIN = Math.ceil((OVERHEAD_BYTES * 4) / 3);

type Keys = Readonly<Record<SealPurpose, Uint8Array>>;

/**
 * A sealer under `secrets`: the first seals, all open. Each (secret, purpose) has a key of its own, by HKDF-SHA256 (RFC 5869) from the bytes
 * of the secret as written. @throws RangeError without a secret, or (from `seal`) for a text that is too long to be opened again.
 */
export function createSealer(secrets: readonly string[], entropy: Entropy = systemEntropy): Sealer {
  const keyring = secrets.map(deriveKeys);
  const [first] = keyring;
  if (first === undefined || secrets.includes(''))
    throw new RangeError('a sealer needs at least one secret, none empty');

  return {
    seal(purpose, plaintext, context) {
      const nonce = entropy.bytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, first[purpose], nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(associatedData(purpose, context));
      const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      const version = Uint8Array.of(FORMAT_VERSION);
      const sealed = Buffer.concat([version, nonce, ciphertext, cipher.getAuthTag()]).toString('base64url');
      if (sealed.length > sealedCharsMax(purpose)) throw new RangeError('too long to be sealed');
      return sealed;
    },

    open(purpose, sealed, context) {
      if (sealed.length < SEALED_CHARS_MIN || sealed.length > sealedCharsMax(purpose)) return undefined;
      const bytes = Buffer.from(sealed, 'base64url');
      // Only the one spelling that `seal` writes: no padding, no stray characters, no unused bits set.
      if (bytes[0] !== FORMAT_VERSION || bytes.toString('base64url') !== sealed) return undefined;
      const data = associatedData(purpose, context);
      for (const keys of keyring) {
        const plaintext = decrypt(bytes, keys[purpose], data);
        if (plaintext !== undefined) return plaintext;
      }
      return undefined;
    },
  };
}

function decrypt(bytes: Buffer, key: Uint8Array, data: Uint8Array): string | undefined {
  const tagAt = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(data);
  decipher.setAuthTag(bytes.subarray(tagAt));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE_BYTES, tagAt)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

function deriveKeys(secret: string): Keys {
  const keyFor = (purpose: SealPurpose): Uint8Array =>
    new Uint8Array(hkdfSync('sha256', secret, '', `doorward seal v${FORMAT_VERSION} ${purpose}`, KEY_BYTES));
  return {
    'session-cookie': keyFor('session-cookie'),
    flow: keyFor('flow'),
    ticket: keyFor('ticket'),
    confirm: keyFor('confirm'),
    hold: keyFor('hold'),
  };
}

/** No purpose contains NUL, so the pair has one reading. */
const associatedData = (purpose: SealPurpose, context: string): Uint8Array =>
  Buffer.from(`doorward seal v${FORMAT_VERSION}\0${purpose}\0${context}`);
