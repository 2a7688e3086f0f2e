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
import { factScope, isRiskLevel, type FactOwner, type RiskLevel, type UserFact } from './user-fact.ts';

/** Whom an event is about. */
export type EventSubject = FactOwner;

export type SecurityEvent = {
  readonly jti: string;
  /** Until when it has to be remembered as used. */
  readonly rememberUntil: EpochSeconds;
  readonly asks:
    | { readonly kind: 'end'; readonly of: EventSubject; /** Last part of the event's name. */ readonly event: string }
    /** To be kept, for policies to look at. */
    | { readonly kind: 'note'; readonly of: EventSubject; readonly fact: UserFact; readonly event: string }
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
  /** Members of a complex subject that must not be passed over (SSF §7.1, `critical_subject_members`), as the transmitter says. */
  readonly criticalMembers: readonly string[];
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

  const asks = asksOf({ name, event, claims, issuedAt, rules });
  if (!asks.ok) return asks;
  return ok({ jti, rememberUntil: epochSeconds(issuedAt + AGE_SECONDS_MAX + TOLERANCE_SECONDS), asks: asks.value });
}

type Asks = Result<SecurityEvent['asks'], EventFault>;

type Told = {
  readonly name: string;
  readonly event: JsonObject;
  readonly claims: JsonObject;
  readonly issuedAt: number;
  readonly rules: SecurityEventRules;
};

function asksOf(told: Told): Asks {
  const { name, event } = told;
  if (name === VERIFICATION) return nothing('the stream was verified');
  const short = name.startsWith(CAEP) ? name.slice(CAEP.length) : '';
  switch (short) {
    case 'session-revoked':
      return endOf(told, short);
    case 'token-claims-change':
      // CAEP §3.2: what a session knows of its user is out of date; the next sign-in reads it anew.
      return isObject(event['claims']) ? endOf(told, short) : invalid('there are no claims');
    case 'credential-change': {
      const change = textIn(event, 'change_type');
      if (change === undefined) return invalid('there is no change_type');
      // CAEP §3.3.1: what was created or updated takes nothing from who has it.
      if (change !== 'revoke' && change !== 'delete') return nothing('a credential that was not taken away');
      return endOf(told, short);
    }
    case 'risk-level-change':
      return riskOf(told, short);
    case 'device-compliance-change':
      return complianceOf(told, short);
    case 'assurance-level-change':
      return assuranceOf(told, short);
    default:
      return nothing('an event that ends nothing');
  }
}

function endOf({ claims, rules }: Told, event: string): Asks {
  const subject = subjectIn(claims, rules);
  if (!subject.ok) return subject;
  return typeof subject.value === 'string' ? nothing(subject.value) : ok({ kind: 'end', of: subject.value.of, event });
}

/** Of more than one user: nobody is named. */
const OF_MANY: ReadonlySet<string> = new Set(['TENANT', 'ORG_UNIT', 'GROUP']);

/** CAEP §3.8. */
function riskOf(told: Told, event: string): Asks {
  const principal = textIn(told.event, 'principal');
  if (principal === undefined) return invalid('there is no principal');
  const level = textIn(told.event, 'current_level')?.toLowerCase();
  if (!isRiskLevel(level)) return invalid('there is no usable current_level');
  if (OF_MANY.has(principal)) return nothing('a risk of more than one user');
  return noteOf(told, event, { about: 'risk', level, of: principal });
}

/** CAEP §3.5. */
function complianceOf(told: Told, event: string): Asks {
  const status = textIn(told.event, 'current_status');
  if (status !== 'compliant' && status !== 'not-compliant') return invalid('there is no usable current_status');
  return noteOf(told, event, { about: 'device', level: status === 'compliant' ? 'low' : 'high', of: '' });
}

/** CAEP §3.4. Levels are of name spaces that only the two sides know, so the direction counts. */
function assuranceOf(told: Told, event: string): Asks {
  const namespace = nameIn(told.event, 'namespace');
  if (namespace === undefined) return invalid('there is no usable namespace');
  const direction = textIn(told.event, 'change_direction');
  if (direction !== 'increase' && direction !== 'decrease') return nothing('an assurance level without a direction');
  return noteOf(told, event, { about: 'assurance', level: direction === 'increase' ? 'low' : 'medium', of: namespace });
}

type Noted = { readonly about: UserFact['about']; readonly level: RiskLevel; readonly of: string };

function noteOf({ claims, event: content, issuedAt, rules }: Told, event: string, { about, level, of }: Noted): Asks {
  const subject = subjectIn(claims, rules);
  if (!subject.ok) return subject;
  if (typeof subject.value === 'string') return nothing(subject.value);
  // CAEP §2: when it happened; never after it was said, so that no event of the future stays the newest.
  const at = Math.max(0, Math.min(numberIn(content, 'event_timestamp') ?? issuedAt, issuedAt));
  const scope = factScope(rules.issuer, [of, subject.value.narrowedBy]);
  return ok({ kind: 'note', of: subject.value.of, fact: { about, scope, level, at: epochSeconds(at) }, event });
}

/** Members of a complex subject whose meaning is known here. */
const UNDERSTOOD: ReadonlySet<string> = new Set(['user', 'session', 'device']);

type FoundSubject = {
  readonly of: EventSubject;
  /** Which of the user's devices or sessions is meant, in the transmitter's own names; the same for the same ones, in whatever order they stand. */
  readonly narrowedBy: readonly unknown[];
};

/** A text: why there is nobody whom it could be about. */
function subjectIn(claims: JsonObject, rules: SecurityEventRules): Result<FoundSubject | string, EventFault> {
  const subject = claims['sub_id'];
  if (!isObject(subject)) return invalid('there is no sub_id');
  const isComplex = textIn(subject, 'format') === 'complex';
  const members = isComplex ? Object.keys(subject).filter((member) => member !== 'format') : [];
  // SSF §7.1: an event is discarded where a critical member of its subject is not understood.
  if (members.some((member) => rules.criticalMembers.includes(member) && !UNDERSTOOD.has(member)))
    return ok('a subject with a critical member that is not understood');
  const of = subjectOf(subject, rules.issuer);
  if (!of.ok) return of;
  if (of.value === undefined) return ok('a subject that names no user');
  const narrowedBy = members
    .filter((member) => member !== 'user')
    .sort()
    .map((member) => [member, inOrder(subject[member])]);
  return ok({ of: of.value, narrowedBy });
}

const inOrder = (member: unknown): unknown =>
  isObject(member) ? Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1)) : member;

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
