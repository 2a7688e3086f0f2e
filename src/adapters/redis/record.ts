/**
 * The stored form of a session in Redis: sealed, so that a dump of Redis opens nothing, and bound to its key, so that no blob passes for
 * another. The last use is sealed apart, at a fixed place, so that it can be moved without reading or rewriting the session.
 *
 * Layout: format version (1 byte) | version of the session (4, big-endian) | last use (36) | session (the rest).
 * The session is compact (compact.ts); in format 1 it is JSON. Last use and session are each: nonce (12) | ciphertext | tag (16), by AES-256-GCM.
 */

import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import type { Entropy } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { decodeSession, type SessionUnreadable } from '../../core/session/serialise.ts';
import type { Session } from '../../core/session/session.ts';
import { epochSeconds, type EpochSeconds, type SessionHandle } from '../../core/units.ts';
import { compact, restore } from './compact.ts';
import { sessionKey } from './keys.ts';
import { RECORD_BYTES_MAX } from './scripts.ts';

/** What is written. Another form of the session, or another layout, is another number (docs/sessions.md, "Stored data and upgrades"). */
export const RECORD_FORMAT = 2;
const JSON_FORMAT = 1;
/** What is read: that, and what the version before wrote. The last use is the same in both. */
export const READABLE_FORMATS = Buffer.of(JSON_FORMAT, RECORD_FORMAT);
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** An IEEE 754 double, big-endian. */
const TIME_BYTES = 8;
const SEAL_BYTES = NONCE_BYTES + TAG_BYTES;

const VERSION_OFFSET = 1;
export const SEEN_OFFSET = 5;
const SEEN_BYTES = SEAL_BYTES + TIME_BYTES;
const SESSION_OFFSET = SEEN_OFFSET + SEEN_BYTES;
export const SEEN_LAST = SESSION_OFFSET - 1;
export const RECORD_BYTES_MIN = SESSION_OFFSET + SEAL_BYTES;

/** `bytes`: how large the session is in memory, about: a record says little of it. */
export type OpenedRecord = { readonly session: Session; readonly bytes: number };

export interface RecordSealer {
  /** @throws RangeError for a session whose record would be longer than a record may be */
  seal(session: Session): Buffer;
  /** What is written over a record at SEEN_OFFSET. */
  sealSeen(handle: SessionHandle, lastSeenAt: EpochSeconds): Buffer;
  /** Total: truncated, foreign, swapped, of another format... is an error value. */
  open(handle: SessionHandle, record: Buffer): Result<OpenedRecord, SessionUnreadable>;
}

/** A sealer that goes by the secrets as they are now: a reload that swaps them is in force for the next record. @throws RangeError without one */
export function createRotatingRecordSealer(secrets: () => readonly string[], entropy: Entropy): RecordSealer {
  let of = secrets();
  let sealer = createRecordSealer(of, entropy);
  const current = (): RecordSealer => {
    const now = secrets();
    if (now !== of) {
      sealer = createRecordSealer(now, entropy);
      of = now;
    }
    return sealer;
  };
  return {
    seal: (session) => current().seal(session),
    sealSeen: (handle, lastSeenAt) => current().sealSeen(handle, lastSeenAt),
    open: (handle, record) => current().open(handle, record),
  };
}

/**
 * `secrets`: the first seals, all open. Each record has a key of its own, derived from its name, so that random nonces cannot meet
 * however many records there are. @throws RangeError without a secret
 */
export function createRecordSealer(secrets: readonly string[], entropy: Entropy): RecordSealer {
  const keyring = secrets.map((secret) => new Uint8Array(hkdfSync('sha256', secret, '', 'doorward record v1', 32)));
  const [first] = keyring;
  if (first === undefined || secrets.includes('')) throw new RangeError('records need at least one secret, none empty');

  const sealPart = (key: string, part: Part, plaintext: Uint8Array): Buffer => {
    const nonce = entropy.bytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', recordKey(first, key), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(associatedData(key, part, RECORD_FORMAT));
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  };
  const openPart = (key: string, part: Part, { format, sealed }: SealedPart): Buffer | undefined => {
    for (const secret of keyring) {
      const plaintext = decrypt(recordKey(secret, key), associatedData(key, part, format), sealed);
      if (plaintext !== undefined) return plaintext;
    }
    return undefined;
  };
  const sealSeen = (handle: SessionHandle, lastSeenAt: EpochSeconds): Buffer => {
    const time = Buffer.alloc(TIME_BYTES);
    time.writeDoubleBE(lastSeenAt);
    return sealPart(sessionKey(handle), 'seen', time);
  };

  return {
    sealSeen,

    seal(session) {
      const head = recordHead(session.version);
      const body = sealPart(sessionKey(session.handle), session.version, compact(session));
      const record = Buffer.concat([head, sealSeen(session.handle, session.lastSeenAt), body]);
      if (record.length > RECORD_BYTES_MAX) throw new RangeError('a session is too large to be stored');
      return record;
    },

    open(handle, record) {
      if (record.length < RECORD_BYTES_MIN || record.length > RECORD_BYTES_MAX) return unreadable('the wrong length');
      const format = record.readUInt8();
      if (!READABLE_FORMATS.includes(format)) return unreadable('another format version');
      const key = sessionKey(handle);
      const seen = openPart(key, 'seen', { format, sealed: record.subarray(SEEN_OFFSET, SESSION_OFFSET) });
      const body = openPart(key, record.readUInt32BE(VERSION_OFFSET), {
        format,
        sealed: record.subarray(SESSION_OFFSET),
      });
      if (seen === undefined || body === undefined) return unreadable('not been sealed here for this key');
      const { session, bytes } =
        format === JSON_FORMAT
          ? { session: decodeSession(body.toString('utf8'), handle), bytes: body.length }
          : restore(body, handle);
      if (!session.ok) return session;
      return ok({ session: { ...session.value, lastSeenAt: epochSeconds(seen.readDoubleBE()) }, bytes });
    },
  };
}

/** What a record in that version begins with. */
export function recordHead(version: number): Buffer {
  const head = Buffer.alloc(SEEN_OFFSET);
  head.writeUInt8(RECORD_FORMAT);
  head.writeUInt32BE(version, VERSION_OFFSET);
  return head;
}

/** The session of a record, sealed, without its last use. */
export const recordBody = (record: Buffer): Buffer => record.subarray(SESSION_OFFSET);

/** The last use, or the session in that version. */
type Part = 'seen' | number;

type SealedPart = { readonly format: number; readonly sealed: Buffer };

/** A last use is written over in records of every format that is read, and so is sealed alike in all. */
const associatedData = (key: string, part: Part, format: number): Uint8Array =>
  Buffer.from(`doorward record v${part === 'seen' ? JSON_FORMAT : format}\0${key}\0${part}`);

export const recordKey = (secret: Uint8Array, key: string): Uint8Array =>
  createHmac('sha256', secret).update(key).digest();

/** undefined where it was not sealed with this key and data. */
export function decrypt(key: Uint8Array, data: Uint8Array, sealed: Buffer): Buffer | undefined {
  const tagAt = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(data);
  decipher.setAuthTag(sealed.subarray(tagAt));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, tagAt)), decipher.final()]);
  } catch {
    return undefined;
  }
}

const unreadable = (what: string): Result<OpenedRecord, SessionUnreadable> =>
  err({ reason: `a stored session has ${what}` });
