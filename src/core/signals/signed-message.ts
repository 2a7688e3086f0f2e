/**
 * What a provider or a transmitter says of its own accord, as a compact JWS (RFC 7515 §7.1): a logout token or a security event token. Read
 * here only far enough to find whose keys would verify it; nothing of it is believed before they did.
 */

import { err, ok, type Result } from '../result.ts';

export type JsonObject = { readonly [name: string]: unknown };

/** Header and claims of a JWS whose signature was verified. */
export type VerifiedMessage = { readonly header: JsonObject; readonly claims: JsonObject };

/** Whose messages are believed, and by which keys. */
export type TrustedIssuer = {
  /** Exactly as in `iss`. */
  readonly issuer: string;
  readonly jwksUri: string;
  /** JWS algorithms, asymmetric ones only. */
  readonly algorithms: readonly string[];
};

/** Messages that only ask for an end are a few hundred bytes. */
const MESSAGE_CHARS_MAX = 16_384;
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/;

/** The `iss` that a message claims. SECURITY: unverified; to choose keys by, and for nothing else. */
export function claimedIssuer(message: string): Result<string, string> {
  if (message.length > MESSAGE_CHARS_MAX) return err('the message is too long');
  const payload = COMPACT_JWS.exec(message)?.[1];
  if (payload === undefined) return err('the message is not a compact JWS');
  const claims = parseObject(Buffer.from(payload, 'base64url').toString('utf8'));
  const issuer = claims === undefined ? undefined : textIn(claims, 'iss');
  return issuer === undefined ? err('the message names no issuer') : ok(issuer);
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An own member that is a text and not empty. */
export function textIn(object: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** An own member that is a finite number. */
export function numberIn(object: JsonObject, name: string): number | undefined {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** RFC 7519 §4.1.3: one text, or a list of texts. */
export function isAudience(claims: JsonObject, accepted: string): boolean {
  const value = Object.hasOwn(claims, 'aud') ? claims['aud'] : undefined;
  return Array.isArray(value) ? value.includes(accepted) : value === accepted;
}

/** RFC 7515 §4.1.9: the prefix `application/` may be left out. */
export const typeOf = (header: JsonObject): string | undefined =>
  textIn(header, 'typ')
    ?.toLowerCase()
    .replace(/^application\//, '');
