/**
 * The session cookie: a sealed envelope that names a session to the one host it was made for. It carries nothing about the user, and is
 * no session: what it names must still be found live in the store.
 */

import { createHash } from 'node:crypto';
import type { AccessConfig } from '../config.ts';
import type { Sealer } from '../ports.ts';
import { epochSeconds, sessionHandle, type EpochSeconds, type SessionHandle } from '../units.ts';

/** Browsers keep at most 4,096 bytes of name, value and attributes (RFC 6265 §6.1); what is longer was not made here, and is not opened. */
const COOKIE_VALUE_CHARS_MAX = 4096;
/** The shortest envelope is far longer; this only spares opening what cannot be one. */
const COOKIE_VALUE_CHARS_MIN = 64;
const ENVELOPE_VERSION = 1;
/** 256 bits in base64url. */
const SESSION_ID = /^[A-Za-z0-9_-]{43}$/;

export type OpenedSessionCookie = {
  readonly handle: SessionHandle;
  /** SECURITY: a secret; it goes into sealed values only. */
  readonly id: string;
  readonly expiresAt: EpochSeconds;
};

export type CookieForm = {
  /** As the browser sees it: `sessionCookieName`. */
  readonly name: string;
  /** Of the origin that the browser sees, from configuration; never from the request. */
  readonly scheme: 'https' | 'http';
  readonly sameSite: AccessConfig['cookie_same_site'];
};

/** What the store, logs and the admin API call a session. From it the id cannot be found again. */
export const handleOf = (sessionId: string): SessionHandle =>
  sessionHandle(createHash('sha256').update(sessionId).digest('base64url'));

/** `__Host-`: set over https, by this host alone, for all of its paths (RFC 6265bis §4.1.3.2). Browsers refuse it over http. */
export const sessionCookieName = (cookieName: string, scheme: CookieForm['scheme']): string =>
  scheme === 'https' ? `__Host-${cookieName}` : cookieName;

/** The cookie's value for `host` (canonical): session id, host, time of issue and absolute end of the session, sealed. */
export const sealSessionCookie = (
  session: { readonly id: string; readonly issuedAt: EpochSeconds; readonly expiresAt: EpochSeconds },
  host: string,
  sealer: Sealer,
): string =>
  sealer.seal(
    'session-cookie',
    JSON.stringify([ENVELOPE_VERSION, session.id, host, session.issuedAt, session.expiresAt]),
    host,
  );

/**
 * What the cookie names; undefined for everything that does not open: garbage, of another host, tampered with, past its end. Total, and
 * cheap for what is too long. A cookie that does not open must not reach a store.
 */
export function openSessionCookie(
  value: string,
  host: string,
  sealer: Sealer,
  now: EpochSeconds,
): OpenedSessionCookie | undefined {
  if (value.length > COOKIE_VALUE_CHARS_MAX || value.length < COOKIE_VALUE_CHARS_MIN) return undefined;
  const plaintext = sealer.open('session-cookie', value, host);
  const envelope = plaintext === undefined ? undefined : parseEnvelope(plaintext);
  if (envelope === undefined || envelope.host !== host || now >= envelope.expiresAt) return undefined;
  return { handle: handleOf(envelope.id), id: envelope.id, expiresAt: envelope.expiresAt };
}

type Envelope = { readonly id: string; readonly host: string; readonly expiresAt: EpochSeconds };

function parseEnvelope(plaintext: string): Envelope | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(plaintext);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 5) return undefined;
  const [version, id, host, issuedAt, expiresAt] = fields as readonly unknown[];
  if (version !== ENVELOPE_VERSION) return undefined;
  if (typeof id !== 'string' || !SESSION_ID.test(id) || typeof host !== 'string') return undefined;
  if (typeof issuedAt !== 'number' || typeof expiresAt !== 'number') return undefined;
  return { id, host, expiresAt: epochSeconds(expiresAt) };
}

const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const;

/** No Domain: the cookie is of this host alone. Deletion needs the same attributes, or browsers keep a `__Host-` cookie. */
const attributesOf = ({ scheme, sameSite }: CookieForm): string =>
  `; Path=/${scheme === 'https' ? '; Secure' : ''}; HttpOnly; SameSite=${SAME_SITE[sameSite]}`;

/** The `Set-Cookie` value (RFC 6265 §4.1) that gives a browser a sealed cookie. */
export const setSessionCookie = (value: string, form: CookieForm & { readonly maxAgeSeconds: number }): string =>
  `${form.name}=${value}; Max-Age=${Math.max(0, Math.floor(form.maxAgeSeconds))}${attributesOf(form)}`;

/** The `Set-Cookie` value that takes the session cookie away. */
export const deleteSessionCookie = (form: CookieForm): string => `${form.name}=; Max-Age=0${attributesOf(form)}`;
