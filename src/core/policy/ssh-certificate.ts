/** SSH user certificates (openssh PROTOCOL.certkeys): whether one lets a login name in. */

import type { EpochSeconds } from '../units.ts';
import { plainKeyName, readCertificateFields, verifySshSignature } from './ssh-key.ts';
import type { SshKeyText } from './ssh-key.ts';
import { createWireReader } from './ssh-wire.ts';

const USER_CERTIFICATE = 1;

/** `validBefore` of a certificate without an end. */
const FOREVER = 0xffff_ffff_ffff_ffffn;

/** Critical options that restrict something which is not judged here; with any other one the certificate is refused. */
const KNOWN_CRITICAL_OPTIONS: ReadonlySet<string> = new Set(['source-address']);

/** Whether `key` is a user certificate that is valid now and for that name, signed by one of the authorities. May throw for hostile keys. */
export function isCertifiedUser(
  key: Uint8Array,
  accepted: { readonly authorities: ReadonlySet<SshKeyText>; readonly username: string; readonly now: EpochSeconds },
): boolean {
  const reader = createWireReader(key);
  const plainName = plainKeyName(reader.text() ?? '');
  const fields = plainName === undefined ? undefined : readCertificateFields(plainName, reader);
  if (fields === undefined || !reader.isAtEnd || fields.type !== USER_CERTIFICATE) return false;
  if (!accepted.authorities.has(Buffer.from(fields.signatureKey).toString('base64'))) return false;

  const options = readTexts(fields.criticalOptions, 2);
  if (options?.every(([name = '']) => KNOWN_CRITICAL_OPTIONS.has(name)) !== true) return false;
  const principals = readTexts(fields.principals, 1);
  if (principals === undefined) return false;
  // A certificate without principals is for any name.
  if (principals.length > 0 && !principals.some(([principal]) => principal === accepted.username)) return false;

  const now = BigInt(Math.floor(accepted.now));
  if (now < fields.validAfter || (fields.validBefore !== FOREVER && now >= fields.validBefore)) return false;
  return verifySshSignature(fields.signatureKey, key.subarray(0, fields.signedBytes), fields.signature);
}

/** Rows of `columns` strings each; undefined when the bytes end within one. */
function readTexts(bytes: Uint8Array, columns: number): readonly (readonly string[])[] | undefined {
  const reader = createWireReader(bytes);
  const rows: (readonly string[])[] = [];
  while (!reader.isAtEnd) {
    const row: string[] = [];
    for (let column = 0; column < columns; column++) {
      const value = reader.bytes();
      if (value === undefined) return undefined;
      row.push(Buffer.from(value).toString('utf8'));
    }
    rows.push(row);
  }
  return rows;
}
