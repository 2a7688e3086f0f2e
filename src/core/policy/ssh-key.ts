/** SSH public keys: the `authorized_keys` form of a configuration, the wire form of a client (RFC 4253 §6.6), and their signatures. */

import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { err, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { createWireReader } from './ssh-wire.ts';
import type { WireReader } from './ssh-wire.ts';

/** The base64 of a key's wire form: two keys are the same exactly if these are. */
export type SshKeyText = string;

const curves: { readonly [name: string]: { readonly crv: string; readonly bytes: number; readonly hash: string } } = {
  nistp256: { crv: 'P-256', bytes: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', bytes: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', bytes: 66, hash: 'sha512' },
};

/** Reads the fields of each kind of plain key, without its name; undefined where they are not of that form. */
const keyFields: { readonly [name: string]: (reader: WireReader) => readonly Uint8Array[] | undefined } = {
  'ssh-ed25519': (reader) => fields(reader, 1, ([key]) => key?.length === 32),
  'ssh-rsa': (reader) => fields(reader, 2),
  'ssh-dss': (reader) => fields(reader, 4),
  'ecdsa-sha2-nistp256': (reader) => fields(reader, 2, isPointOn('nistp256')),
  'ecdsa-sha2-nistp384': (reader) => fields(reader, 2, isPointOn('nistp384')),
  'ecdsa-sha2-nistp521': (reader) => fields(reader, 2, isPointOn('nistp521')),
  'sk-ssh-ed25519@openssh.com': (reader) => fields(reader, 2, ([key]) => key?.length === 32),
  'sk-ecdsa-sha2-nistp256@openssh.com': (reader) => fields(reader, 3, isPointOn('nistp256')),
};

function fields(
  reader: WireReader,
  count: number,
  isValid: (values: readonly Uint8Array[]) => boolean = () => true,
): readonly Uint8Array[] | undefined {
  const values: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const value = reader.bytes();
    if (value === undefined) return undefined;
    values.push(value);
  }
  return isValid(values) ? values : undefined;
}

const isPointOn =
  (curve: string) =>
  ([name, point]: readonly Uint8Array[]): boolean =>
    Buffer.from(name ?? []).toString('latin1') === curve &&
    point?.[0] === 4 &&
    point.length === 1 + 2 * (curves[curve]?.bytes ?? 0);

/** The fields of a plain key of that name; undefined for a name that is not known, or fields that do not fit. */
export const readKeyFields = (name: string, reader: WireReader): readonly Uint8Array[] | undefined =>
  Object.hasOwn(keyFields, name) ? keyFields[name]?.(reader) : undefined;

/** Whether the bytes are a key in wire form, plain or certified, and nothing more. */
export function isKey(wire: Uint8Array): boolean {
  const reader = createWireReader(wire);
  const name = reader.text();
  if (name === undefined) return false;
  const plainName = plainKeyName(name);
  if (plainName === undefined) return readKeyFields(name, reader) !== undefined && reader.isAtEnd;
  return readCertificateFields(plainName, reader) !== undefined && reader.isAtEnd;
}

/** `ssh-ed25519-cert-v01@openssh.com` -> `ssh-ed25519`; undefined for the name of a plain key. */
export function plainKeyName(name: string): string | undefined {
  const match = /^(.+)-cert-v01@openssh\.com$/.exec(name);
  if (match?.[1] === undefined) return undefined;
  return match[1].startsWith('sk-') ? `${match[1]}@openssh.com` : match[1];
}

/** What a certificate says, as openssh's PROTOCOL.certkeys lists it. */
export type CertificateFields = {
  /** 1 = user, 2 = host. */
  readonly type: number;
  readonly principals: Uint8Array;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly criticalOptions: Uint8Array;
  readonly signatureKey: Uint8Array;
  /** How many bytes of the certificate are signed. */
  readonly signedBytes: number;
  readonly signature: Uint8Array;
};

/** The rest of a certificate after its name. */
export function readCertificateFields(plainName: string, reader: WireReader): CertificateFields | undefined {
  const nonce = reader.bytes();
  const key = nonce === undefined ? undefined : readKeyFields(plainName, reader);
  if (key === undefined) return undefined;
  reader.uint64();
  const type = reader.uint32();
  reader.bytes();
  const principals = reader.bytes();
  const validAfter = reader.uint64();
  const validBefore = reader.uint64();
  const criticalOptions = reader.bytes();
  reader.bytes();
  reader.bytes();
  const signatureKey = reader.bytes();
  const signedBytes = reader.offset;
  const signature = reader.bytes();
  if (signature === undefined || signatureKey === undefined || criticalOptions === undefined) return undefined;
  if (type === undefined || principals === undefined || validAfter === undefined || validBefore === undefined)
    return undefined;
  return { type, principals, validAfter, validBefore, criticalOptions, signatureKey, signedBytes, signature };
}

/**
 * The first key of a text in the form of `authorized_keys` (sshd(8)): one key a line, blank lines and `#` comments skipped, options
 * before the key and a comment after it ignored.
 */
export function parseAuthorizedKey(text: string): Result<SshKeyText, string> {
  for (const line of text.split('\n')) {
    const content = (line.split('\r', 1)[0] ?? '').trim();
    if (content === '' || content.startsWith('#')) continue;
    const key = keyAfterFirstWord(content) ?? keyAfterFirstWord(withoutOptions(content));
    if (key !== undefined) return ok(key);
  }
  return err('there is no SSH public key in this text');
}

function keyAfterFirstWord(line: string): SshKeyText | undefined {
  const base64 = line.split(/[ \t]+/, 2)[1];
  if (base64 === undefined || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64))
    return undefined;
  return isKey(Buffer.from(base64, 'base64')) ? base64 : undefined;
}

/** Options end at the first blank that does not stand within double quotes; `\"` does not end a quote. */
function withoutOptions(line: string): string {
  let isQuoted = false;
  for (let index = 0; index < line.length; index++) {
    const character = line[index];
    if (character === '"' && line[index - 1] !== '\\') isQuoted = !isQuoted;
    if (!isQuoted && (character === ' ' || character === '\t')) return line.slice(index).trimStart();
  }
  return '';
}

/** A key object that can verify signatures; undefined for kinds of keys that sign nothing here. */
function verifyingKey(name: string, values: readonly Uint8Array[]): KeyObject | undefined {
  const encode = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('base64url');
  if (name === 'ssh-ed25519')
    return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: encode(values[0]) } });
  if (name === 'ssh-rsa')
    return createPublicKey({ format: 'jwk', key: { kty: 'RSA', e: encode(values[0]), n: encode(values[1]) } });
  const curve = curves[name.replace('ecdsa-sha2-', '')];
  const point = values[1];
  if (curve === undefined || point === undefined) return undefined;
  const x = encode(point.subarray(1, 1 + curve.bytes));
  const y = encode(point.subarray(1 + curve.bytes));
  return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: curve.crv, x, y } });
}

/** Signature formats by kind of key. `ssh-rsa` with SHA-1 is not among them. */
const rsaHashes: { readonly [format: string]: string } = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' };

/** Whether `signature` (wire form) over `message` was made by the key `keyWire`. May throw for numbers that are no key. */
export function verifySshSignature(keyWire: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const keyReader = createWireReader(keyWire);
  const name = keyReader.text() ?? '';
  const values = readKeyFields(name, keyReader);
  const key = values === undefined || !keyReader.isAtEnd ? undefined : verifyingKey(name, values);
  const signatureReader = createWireReader(signature);
  const format = signatureReader.text() ?? '';
  const bytes = signatureReader.bytes();
  if (key === undefined || bytes === undefined || !signatureReader.isAtEnd) return false;
  if (name === 'ssh-rsa') {
    const hash = Object.hasOwn(rsaHashes, format) ? rsaHashes[format] : undefined;
    return hash !== undefined && verify(hash, message, key, bytes);
  }
  if (format !== name) return false;
  if (name === 'ssh-ed25519') return verify(null, message, key, bytes);
  return verifyEcdsa(key, curves[name.replace('ecdsa-sha2-', '')], message, bytes);
}

/** RFC 5656 §3.1.2: the signature is two `mpint`, r and s. */
function verifyEcdsa(
  key: KeyObject,
  curve: { readonly bytes: number; readonly hash: string } | undefined,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (curve === undefined) return false;
  const reader = createWireReader(signature);
  const numbers = [reader.bytes(), reader.bytes()].map((number) => fixedLength(number, curve.bytes));
  const [r, s] = numbers;
  if (r === undefined || s === undefined || !reader.isAtEnd) return false;
  return verify(curve.hash, message, { key, dsaEncoding: 'ieee-p1363' }, Buffer.concat([r, s]));
}

function fixedLength(mpint: Uint8Array | undefined, length: number): Uint8Array | undefined {
  if (mpint === undefined) return undefined;
  const digits = mpint[0] === 0 ? mpint.subarray(1) : mpint;
  return digits.length > length ? undefined : Buffer.concat([Buffer.alloc(length - digits.length), digits]);
}
