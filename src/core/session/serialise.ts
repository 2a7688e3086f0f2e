/**
 * The stored form of a session: JSON with a format version. Decoding believes nothing: what is not exactly the form is an error value. The
 * handle is not part of it; whoever stores it keeps it under that name and must bind the two (associated data).
 */

import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import { epochSeconds, idpName, type EpochSeconds, type SessionHandle } from '../units.ts';
import type { Claims, ClaimValue, IdpTokens, LoginMark, Session } from './session.ts';

const FORMAT_VERSION = 1;

/** `reason` is for logs; it names a field at most, never a value. */
export type SessionUnreadable = { readonly reason: string };

type Stored = Omit<Session, 'handle' | 'claims' | 'userClaims'> & {
  readonly format: number;
  readonly claims: ClaimEntries;
  readonly userClaims: ClaimEntries;
};
type ClaimEntries = readonly (readonly [string, readonly ClaimValue[]])[];

export function encodeSession(session: Session): string {
  const stored: Stored = {
    format: FORMAT_VERSION,
    idp: session.idp,
    issuer: session.issuer,
    subject: session.subject,
    email: session.email,
    emailVerified: session.emailVerified,
    name: session.name,
    claims: [...session.claims],
    userClaims: [...session.userClaims],
    idpSessionId: session.idpSessionId,
    acr: session.acr,
    amr: session.amr,
    authTime: session.authTime,
    createdAt: session.createdAt,
    expiresAt: session.expiresAt,
    lastSeenAt: session.lastSeenAt,
    tokens: session.tokens,
    tokensAt: session.tokensAt,
    confirmedAt: session.confirmedAt,
    mark: session.mark,
    version: session.version,
  };
  return JSON.stringify(stored);
}

/** The session that `encodeSession` wrote, under the handle it was found by. Total: what throws within is what is wrong with the text. */
export function decodeSession(text: string, handle: SessionHandle): Result<Session, SessionUnreadable> {
  try {
    return ok(sessionIn(parseJson(text), handle));
  } catch (error) {
    return err({ reason: (error as Unreadable).message });
  }
}

/** Thrown and caught within this file only: the readers below nest, and each can find a fault. */
class Unreadable extends Error {}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Unreadable('a stored session is not JSON');
  }
}

const FIELDS: readonly (keyof Stored)[] = [
  ...(['format', 'idp', 'issuer', 'subject', 'email', 'emailVerified', 'name', 'claims', 'userClaims'] as const),
  ...(['idpSessionId', 'acr', 'amr', 'authTime', 'createdAt', 'expiresAt', 'lastSeenAt', 'tokens', 'mark'] as const),
  ...(['tokensAt', 'confirmedAt', 'version'] as const),
];

function sessionIn(value: unknown, handle: SessionHandle): Session {
  if (isRecord(value) && value.format !== FORMAT_VERSION) {
    throw new Unreadable('a stored session has another format version');
  }
  const stored = recordIn(value, 'session', FIELDS);
  return {
    handle,
    idp: idpName(textIn(stored, 'idp')),
    issuer: textIn(stored, 'issuer'),
    subject: textIn(stored, 'subject'),
    email: textIn(stored, 'email'),
    emailVerified: booleanIn(stored, 'emailVerified'),
    name: textIn(stored, 'name'),
    claims: claimsIn(stored, 'claims'),
    userClaims: claimsIn(stored, 'userClaims'),
    idpSessionId: optionalTextIn(stored, 'idpSessionId'),
    acr: optionalTextIn(stored, 'acr'),
    amr: textsIn(stored, 'amr'),
    authTime: stored['authTime'] === undefined ? undefined : timeIn(stored, 'authTime'),
    createdAt: timeIn(stored, 'createdAt'),
    expiresAt: timeIn(stored, 'expiresAt'),
    lastSeenAt: timeIn(stored, 'lastSeenAt'),
    tokens: tokensIn(stored.tokens),
    // The first sessions of this format had neither: they are as old as can be.
    tokensAt: timeIn(stored, stored['tokensAt'] === undefined ? 'createdAt' : 'tokensAt'),
    confirmedAt: timeIn(stored, stored['confirmedAt'] === undefined ? 'createdAt' : 'confirmedAt'),
    mark: markIn(stored.mark),
    version: countIn(stored, 'version'),
  };
}

type Fields = { readonly [name: string]: unknown };

const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A JSON object with no other fields than `known`; JSON.parse makes `__proto__` an own field like any other, so it is refused here. */
function recordIn(value: unknown, what: string, known: readonly string[]): Fields {
  if (!isRecord(value)) throw new Unreadable(`${what} of a stored session is not an object`);
  if (Object.keys(value).some((name) => !known.includes(name))) {
    throw new Unreadable(`${what} of a stored session has an unknown field`);
  }
  return value;
}

const wrong = (name: string): Unreadable => new Unreadable(`${name} of a stored session has the wrong type`);

/** Fields are looked up as own only: what is absent must not be found on the prototype. */
const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);

function textIn(fields: Fields, name: string): string {
  const value = own(fields, name);
  if (typeof value !== 'string') throw wrong(name);
  return value;
}

/** JSON leaves out what is undefined. */
const optionalTextIn = (fields: Fields, name: string): string | undefined =>
  own(fields, name) === undefined ? undefined : textIn(fields, name);

function booleanIn(fields: Fields, name: string): boolean {
  const value = own(fields, name);
  if (typeof value !== 'boolean') throw wrong(name);
  return value;
}

function timeIn(fields: Fields, name: string): EpochSeconds {
  const value = own(fields, name);
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(name);
  return epochSeconds(value);
}

function countIn(fields: Fields, name: string): number {
  const value = own(fields, name);
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw wrong(name);
  return value as number;
}

function textsIn(fields: Fields, name: string): readonly string[] {
  const value = own(fields, name);
  if (!Array.isArray(value) || !value.every((text) => typeof text === 'string')) throw wrong(name);
  return value;
}

function claimsIn(fields: Fields, name: string): Claims {
  const value = own(fields, name);
  if (!Array.isArray(value) || !value.every(isClaimEntry)) throw wrong(name);
  const claims = new Map(value);
  if (claims.size !== value.length) throw new Unreadable(`${name} of a stored session names a claim twice`);
  return claims;
}

/** Whatever JSON.parse makes is a ClaimValue, so only the entry's own shape is in question. */
const isClaimEntry = (entry: unknown): entry is readonly [string, readonly ClaimValue[]] =>
  Array.isArray(entry) && entry.length === 2 && typeof entry[0] === 'string' && Array.isArray(entry[1]);

function tokensIn(value: unknown): IdpTokens {
  const names = ['idToken', 'accessToken', 'refreshToken', 'accessTokenExpiresAt'];
  const fields = recordIn(value, 'tokens', names);
  return {
    idToken: optionalTextIn(fields, 'idToken'),
    accessToken: optionalTextIn(fields, 'accessToken'),
    refreshToken: optionalTextIn(fields, 'refreshToken'),
    accessTokenExpiresAt:
      own(fields, 'accessTokenExpiresAt') === undefined ? undefined : timeIn(fields, 'accessTokenExpiresAt'),
  };
}

function markIn(value: unknown): LoginMark {
  const fields = recordIn(value, 'mark', ['history', 'seq']);
  return { history: textIn(fields, 'history'), seq: countIn(fields, 'seq') };
}
