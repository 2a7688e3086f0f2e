/**
 * Reads certificates and revocation lists (PEM) by @peculiar/asn1-x509, for core/request/certificate.ts to judge. Must not judge itself.
 * The bytes may be a client's: whatever cannot be read is an error, never a throw.
 */

import { createHash, verify, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  BasicConstraints,
  Certificate as AsnCertificate,
  CertificateList,
  DirectoryString,
  ExtendedKeyUsage,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  KeyUsage,
  SubjectAlternativeName,
} from '@peculiar/asn1-x509';
import type { Extension, GeneralName, Time } from '@peculiar/asn1-x509';
import type { Certificate, RevocationList } from '../../core/request/certificate.ts';
import { formatIp, parseIp } from '../../core/request/ip-address.ts';
import type { SanType } from '../../core/request/san.ts';
import { err, ok } from '../../core/result.ts';
import type { Result } from '../../core/result.ts';
import { epochSeconds } from '../../core/units.ts';
import type { EpochSeconds } from '../../core/units.ts';

/** Characters of one PEM text. A chain of certificates has a few thousand, a large revocation list some millions. */
const PEM_CHARS_MAX = 32 * 1024 * 1024;

/** Extensions that are understood here, or say nothing that could restrict a client certificate. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
]);

/** md2, md5 and SHA-1 with RSA, SHA-1 with DSA, SHA-1 with ECDSA. */
const WEAK_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.2',
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.2.840.10040.4.3',
  '1.2.840.10045.4.1',
]);

const USER_PRINCIPAL_NAME = '1.3.6.1.4.1.311.20.2.3';

/** Every certificate of a PEM text, in order; other blocks are an error. */
export function parseCertificates(pem: string): Result<readonly Certificate[], string> {
  return parseBlocks(pem, 'CERTIFICATE', 'a certificate', toCertificate);
}

/** Every revocation list of a PEM text, in order. */
export function parseRevocationLists(pem: string): Result<readonly RevocationList[], string> {
  return parseBlocks(pem, 'X509 CRL', 'a certificate revocation list', toRevocationList);
}

function parseBlocks<T>(
  pem: string,
  label: string,
  what: string,
  read: (der: Buffer) => T,
): Result<readonly T[], string> {
  if (pem.length > PEM_CHARS_MAX) return err(`the text is longer than ${PEM_CHARS_MAX} characters`);
  const values: T[] = [];
  for (const [, found = '', base64 = ''] of pem.matchAll(
    /-----BEGIN ([A-Z0-9 ]{1,64})-----([A-Za-z0-9+/=\s]*)-----END \1-----/g,
  )) {
    if (found !== label) return err(`expected PEM blocks "${label}", not "${found}"`);
    try {
      values.push(read(Buffer.from(base64, 'base64')));
    } catch {
      return err(`block ${values.length + 1} is not ${what}`);
    }
  }
  return values.length === 0 ? err(`there is no PEM block "${label}" in this text`) : ok(values);
}

const hexOf = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString('hex');
const serialOf = (bytes: ArrayBuffer): string => hexOf(bytes).replace(/^0+/, '');
const timeOf = (time: Time): EpochSeconds => epochSeconds(time.getTime().getTime() / 1000);

function toCertificate(der: Buffer): Certificate {
  const x509 = new X509Certificate(der);
  const parsed = AsnConvert.parse(x509.raw, AsnCertificate);
  const { tbsCertificate: tbs } = parsed;
  const extensions: readonly Extension[] = tbs.extensions ?? [];
  const extension = <T>(oid: string, type: new () => T): T | undefined => {
    const found = extensions.find(({ extnID }) => extnID === oid);
    return found === undefined ? undefined : AsnConvert.parse(found.extnValue.buffer, type);
  };
  const constraints = extension(id_ce_basicConstraints, BasicConstraints);
  const keyUsage = extension(id_ce_keyUsage, KeyUsage);
  const usage = extension(id_ce_extKeyUsage, ExtendedKeyUsage);
  const names = namesOf(extension(id_ce_subjectAltName, SubjectAlternativeName) ?? []);
  const spki = Buffer.from(AsnConvert.serialize(tbs.subjectPublicKeyInfo));
  return {
    x509,
    subject: hexOf(AsnConvert.serialize(tbs.subject)),
    issuer: hexOf(AsnConvert.serialize(tbs.issuer)),
    serialNumber: serialOf(tbs.serialNumber),
    notBefore: timeOf(tbs.validity.notBefore),
    notAfter: timeOf(tbs.validity.notAfter),
    authority: constraints?.cA === true ? { pathLength: constraints.pathLenConstraint } : undefined,
    maySignCertificates: keyUsage === undefined || keyUsage.toJSON().includes('keyCertSign'),
    extendedKeyUsage: usage === undefined ? undefined : [...usage],
    isWeaklySigned: WEAK_SIGNATURES.has(parsed.signatureAlgorithm.algorithm),
    hasUnknownCritical: extensions.some(({ extnID, critical }) => critical && !KNOWN_EXTENSIONS.has(extnID)),
    names,
    leaf: {
      fingerprint: createHash('sha256').update(x509.raw).digest('hex'),
      spkiHash: createHash('sha256').update(spki).digest('base64'),
      sanEmail: names.email,
      sanDns: names.dns,
      sanUri: names.uri,
    },
  };
}

function namesOf(names: readonly GeneralName[]): { readonly [T in SanType]: readonly string[] } {
  const all = (read: (name: GeneralName) => string | undefined): readonly string[] =>
    names.map(read).filter((name) => name !== undefined);
  return {
    dns: all(({ dNSName }) => dNSName),
    email: all(({ rfc822Name }) => rfc822Name),
    uri: all(({ uniformResourceIdentifier }) => uniformResourceIdentifier),
    ip_address: all(({ iPAddress }) => canonicalIp(iPAddress)),
    user_principal_name: all(({ otherName }) =>
      otherName?.typeId === USER_PRINCIPAL_NAME
        ? AsnConvert.parse(otherName.value, DirectoryString).utf8String
        : undefined,
    ),
  };
}

function canonicalIp(text: string | undefined): string | undefined {
  const address = text === undefined ? undefined : parseIp(text);
  return address === undefined ? text : formatIp(address);
}

/** Hashes of the signatures that revocation lists carry; the rest (Ed25519, RSA-PSS) name none here. */
const SIGNATURE_HASHES: { readonly [oid: string]: string | null } = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
};

function toRevocationList(der: Buffer): RevocationList {
  const parsed = AsnConvert.parse(der, CertificateList);
  const { tbsCertList: tbs, tbsCertListRaw, signatureAlgorithm, signature } = parsed;
  if (tbsCertListRaw === undefined) throw new Error('no signed part');
  const signed = Buffer.from(tbsCertListRaw);
  const hash = SIGNATURE_HASHES[signatureAlgorithm.algorithm];
  return {
    issuer: hexOf(AsnConvert.serialize(tbs.issuer)),
    nextUpdate: tbs.nextUpdate === undefined ? undefined : timeOf(tbs.nextUpdate),
    serialNumbers: new Set((tbs.revokedCertificates ?? []).map(({ userCertificate }) => serialOf(userCertificate))),
    isSignedBy: (key: KeyObject) => hash !== undefined && verify(hash, signed, key, Buffer.from(signature)),
  };
}
