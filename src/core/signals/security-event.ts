/**
 * A security event token: a transmitter says what has become of a user (RFC 8417, Shared Signals Framework 1.0 §4, CAEP 1.0). The signature was
 * verified before; every other check is here, and what the event asks for.
 */

import { err, ok, type Result } from '../result.ts';
import { epochSeconds, type EpochSeconds } from '../units.ts';
import {
  isAudience,
  isObject,
  numberIn,
  textIn,
  typeOf,
  type JsonObject,
  type VerifiedMessage,
} from './signed-message.ts';

/** Whose sessions an event is about. */
export type EventSubject =
  | { readonly kind: 'user'; readonly issuer: string; readonly subject: string }
  | { readonly kind: 'email'; readonly email: string };

export type SecurityEvent = {
  readonly jti: string;
  /** Until when it has to be remembered as used. */
  readonly rememberUntil: EpochSeconds;
  readonly asks:
    | { readonly kind: 'end'; readonly of: EventSubject; /** Last part of the event's name. */ readonly event: string }
    /** Taken, and without effect; `why` holds nothing of the message. */
    | { readonly kind: 'nothing'; readonly why: string };
};

/** RFC 8935 §2.4. `description` holds nothing of the message. */
export type EventFault = {
  readonly err: 'invalid_request' | 'invalid_key' | 'invalid_issuer' | 'invalid_audience' | 'authentication_failed';
  readonly description: string;
};

export type SecurityEventRules = {
  readonly issuer: string;
  readonly audience: string;
  readonly now: EpochSeconds;
};

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';
/** Clocks of transmitters and of this machine differ by less. */
const TOLERANCE_SECONDS = 60;
/** A transmitter that could not deliver goes on trying; what is older is refused, and so need not be remembered. */
const AGE_SECONDS_MAX = 86_400;
/** Of every name in a message. OpenID Connect Core §2 allows a subject of 255, RFC 5321 §4.5.3.1.3 an address of 254. */
const NAME_CHARS_MAX = 512;

export function readSecurityEvent(
  { header, claims }: VerifiedMessage,
  rules: SecurityEventRules,
): Result<SecurityEvent, EventFault> {
  // SSF §10.1.1: `typ` keeps other tokens of the issuer from being taken for events.
  if (typeOf(header) !== 'secevent+jwt') return invalid('typ is not secevent+jwt');
  if (Object.hasOwn(header, 'crit')) return invalid('the header has critical parameters');
  if (textIn(claims, 'iss') !== rules.issuer) return fault('invalid_issuer', 'iss is another issuer');
  if (!isAudience(claims, rules.audience)) return fault('invalid_audience', 'aud is another receiver');
  // SSF §4.1.7, §4.1.8.
  if (Object.hasOwn(claims, 'sub')) return invalid('it has a sub');
  if (Object.hasOwn(claims, 'exp')) return invalid('it has an exp');
  const jti = nameIn(claims, 'jti');
  if (jti === undefined) return invalid('there is no usable jti');
  const issuedAt = numberIn(claims, 'iat');
  if (issuedAt === undefined) return invalid('there is no iat');
  if (issuedAt > rules.now + TOLERANCE_SECONDS) return invalid('iat is in the future');
  if (issuedAt < rules.now - AGE_SECONDS_MAX) return invalid('it is too old');
  const events = claims['events'];
  const [name, second] = isObject(events) ? Object.keys(events) : [];
  const event = isObject(events) && name !== undefined ? events[name] : undefined;
  if (name === undefined || second !== undefined || !isObject(event)) return invalid('events is not one event');

  const asks = asksOf(name, event, claims, rules.issuer);
  if (!asks.ok) return asks;
  return ok({ jti, rememberUntil: epochSeconds(issuedAt + AGE_SECONDS_MAX + TOLERANCE_SECONDS), asks: asks.value });
}

type Asks = Result<SecurityEvent['asks'], EventFault>;

function asksOf(name: string, event: JsonObject, claims: JsonObject, issuer: string): Asks {
  if (name === VERIFICATION) return nothing('the stream was verified');
  if (name === `${CAEP}session-revoked`) return endOf(claims, issuer, 'session-revoked');
  if (name === `${CAEP}token-claims-change`) {
    // CAEP §3.2: what a session knows of its user is out of date; the next sign-in reads it anew.
    return isObject(event['claims']) ? endOf(claims, issuer, 'token-claims-change') : invalid('there are no claims');
  }
  if (name !== `${CAEP}credential-change`) return nothing('an event that ends nothing');
  const change = textIn(event, 'change_type');
  if (change === undefined) return invalid('there is no change_type');
  // CAEP §3.3.1: what was created or updated takes nothing from who has it.
  if (change !== 'revoke' && change !== 'delete') return nothing('a credential that was not taken away');
  return endOf(claims, issuer, 'credential-change');
}

function endOf(claims: JsonObject, issuer: string, event: string): Asks {
  const subject = claims['sub_id'];
  if (!isObject(subject)) return invalid('there is no sub_id');
  const of = subjectOf(subject, issuer);
  if (!of.ok) return of;
  return of.value === undefined ? nothing('a subject that names no user') : ok({ kind: 'end', of: of.value, event });
}

/**
 * RFC 9493 §3; undefined = in a form that is not understood. Of a complex subject the user decides: which of the user's sessions or devices is
 * meant is the transmitter's own name for it, so all of them are.
 */
function subjectOf(subject: JsonObject, issuer: string): Result<EventSubject | undefined, EventFault> {
  switch (textIn(subject, 'format')) {
    case 'iss_sub':
      return userOf(nameIn(subject, 'iss'), nameIn(subject, 'sub'));
    case 'opaque':
      return userOf(issuer, nameIn(subject, 'id'));
    case 'email': {
      const email = nameIn(subject, 'email');
      return email === undefined ? invalid('sub_id is incomplete') : ok({ kind: 'email', email });
    }
    case 'complex': {
      const { user } = subject;
      return isObject(user) && textIn(user, 'format') !== 'complex' ? subjectOf(user, issuer) : ok(undefined);
    }
    case undefined:
      return invalid('sub_id has no format');
    default:
      return ok(undefined);
  }
}

const userOf = (issuer: string | undefined, subject: string | undefined): Result<EventSubject, EventFault> =>
  issuer === undefined || subject === undefined
    ? invalid('sub_id is incomplete')
    : ok({ kind: 'user', issuer, subject });

const nothing = (why: string): Asks => ok({ kind: 'nothing', why });

export const fault = (error: EventFault['err'], description: string): Result<never, EventFault> =>
  err({ err: error, description });

const invalid = (description: string): Result<never, EventFault> => fault('invalid_request', description);

function nameIn(object: JsonObject, name: string): string | undefined {
  const value = textIn(object, name);
  return value !== undefined && value.length <= NAME_CHARS_MAX ? value : undefined;
}
