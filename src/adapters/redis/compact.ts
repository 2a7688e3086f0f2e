/**
 * A session in few bytes: its JSON, deflated with a dictionary, and the tokens taken apart. What a token says in JSON is mostly said by the claims as
 * well, and so costs little; its signature, and opaque tokens, are kept as the bytes that they stand for, outside of what is deflated.
 *
 * Layout: length of the deflated part (4 bytes, big-endian) | deflated: JSON, and each JSON part of a token, with NUL between | other parts.
 */

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { err, ok, type Result } from '../../core/result.ts';
import { decodeSession, encodeSession, type SessionUnreadable } from '../../core/session/serialise.ts';
import type { IdpTokens, Session } from '../../core/session/session.ts';
import type { SessionHandle } from '../../core/units.ts';
import { RECORD_BYTES_MAX } from './scripts.ts';

const LENGTH_BYTES = 4;
const BETWEEN = '\0';

/** Part of the format: another dictionary is another format version. What comes most is last. */
const DICTIONARY = Buffer.from(
  '"picture":"https://"zoneinfo":"locale":"updated_at":"phone_number":"address":"amr":["pwd","mfa"],"azp":"acr":"roles":["admin"],' +
    '"tid":"oid":"upn":"{"alg":"ES256","typ":"JWT","kid":"{"alg":"RS256","kid":"{"alg":"RS256","typ":"JWT","kid":"' +
    '{"sub":"nonce":"at_hash":"s_hash":"c_hash":"sid":"auth_time":17"aud":"doorward","exp":17"iat":17"iss":"https://' +
    '"preferred_username":"given_name":"family_name":"email_verified":true,"name":"groups":["everyone","engineering","' +
    '["sub",["["email",["["email_verified",[true]],["name",["["given_name",["["family_name",["["preferred_username",["["groups",["' +
    '["nonce",["["at_hash",["["sid",["["auth_time",[17["aud",["doorward"]],["exp",[17["iat",[17["iss",["https://.example.com"]],' +
    '{"format":1,"idp":"default","issuer":"https://","subject":"","email":"@","emailVerified":true,"name":"","claims":[["' +
    '"]]],"userClaims":[],"idpSessionId":"","acr":"","amr":["pwd"],"authTime":17,"createdAt":17,"expiresAt":17,"lastSeenAt":17,' +
    '"tokens":{"idToken":"j.j.b74","accessToken":"b","refreshToken":"b","accessTokenExpiresAt":17},"tokensAt":17,"confirmedAt":17,' +
    '"mark":{"history":"|","seq":},"version":1}',
);

/** @throws RangeError for a session of more than a record may have */
export function compact(session: Session): Buffer {
  const texts: string[] = [];
  const others: Buffer[] = [];
  const apart = (token: string | undefined): string | undefined =>
    token
      ?.split('.')
      .map((part) => partApart(part, texts, others))
      .join('.');
  const json = encodeSession({ ...session, tokens: eachToken(session.tokens, apart) });
  const text = Buffer.from([json, ...texts].join(BETWEEN));
  if (text.length > RECORD_BYTES_MAX) throw new RangeError('a session is too large to be stored');
  const deflated = deflateRawSync(text, { dictionary: DICTIONARY, level: constants.Z_BEST_COMPRESSION });
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(deflated.length);
  return Buffer.concat([length, deflated, ...others]);
}

/** `bytes`: of the text that was inflated, as much as a record may have at most. Total: what is none is an error value. */
export function restore(
  compacted: Buffer,
  handle: SessionHandle,
): { readonly session: Result<Session, SessionUnreadable>; readonly bytes: number } {
  const inflated = inflate(compacted);
  if (inflated === undefined) return { session: err({ reason: 'a stored session is not deflated' }), bytes: 0 };
  const [json = '', ...texts] = inflated.text.toString('utf8').split(BETWEEN);
  const session = decodeSession(json, handle);
  if (!session.ok) return { session, bytes: inflated.text.length };
  const parts: Parts = { texts, others: inflated.others, isLacking: false };
  const tokens = eachToken(session.value.tokens, (token) =>
    token
      ?.split('.')
      .map((part) => partIn(part, parts))
      .join('.'),
  );
  const isWhole = !parts.isLacking && parts.texts.length === 0 && parts.others.length === 0;
  return {
    session: isWhole
      ? ok({ ...session.value, tokens })
      : err({ reason: 'a stored session has other parts than its tokens' }),
    bytes: inflated.text.length,
  };
}

function inflate(compacted: Buffer): { readonly text: Buffer; readonly others: Buffer } | undefined {
  if (compacted.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + compacted.readUInt32BE();
  if (end > compacted.length) return undefined;
  try {
    const text = inflateRawSync(compacted.subarray(LENGTH_BYTES, end), {
      dictionary: DICTIONARY,
      maxOutputLength: RECORD_BYTES_MAX,
    });
    return { text, others: compacted.subarray(end) };
  } catch {
    return undefined;
  }
}

const eachToken = (tokens: IdpTokens, change: (token: string | undefined) => string | undefined): IdpTokens => ({
  ...tokens,
  idToken: change(tokens.idToken),
  accessToken: change(tokens.accessToken),
  refreshToken: change(tokens.refreshToken),
});

/** `j`: the next JSON text; `b<length>`: so many of the other bytes; `t<text>`: the text itself, where it is no base64url. */
function partApart(part: string, texts: string[], others: Buffer[]): string {
  const bytes = Buffer.from(part, 'base64url');
  if (part === '' || bytes.toString('base64url') !== part) return `t${part}`;
  const text = bytes.toString('utf8');
  if (text.startsWith('{') && !text.includes(BETWEEN) && Buffer.from(text).equals(bytes)) {
    texts.push(text);
    return 'j';
  }
  others.push(bytes);
  return `b${bytes.length.toString(36)}`;
}

type Parts = { texts: string[]; others: Buffer; isLacking: boolean };

/** Takes what it uses away from the parts. */
function partIn(part: string, parts: Parts): string {
  if (part.startsWith('t')) return part.slice(1);
  if (part === 'j') {
    const text = parts.texts.shift();
    parts.isLacking ||= text === undefined;
    return Buffer.from(text ?? '').toString('base64url');
  }
  const length = Number.parseInt(part.slice(1), 36);
  const bytes = parts.others.subarray(0, length);
  parts.isLacking ||= bytes.length !== length;
  parts.others = parts.others.subarray(length);
  return bytes.toString('base64url');
}
