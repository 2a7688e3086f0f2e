/** parseRecord: what of an audit record is needed to judge its request again. Reads only what recordOf writes; anything else is no record. */

import type { ClientAddress } from '../request/client-address.ts';
import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import type { ClaimValue } from '../session/session.ts';
import { epochSeconds } from '../units.ts';
import type { EpochSeconds } from '../units.ts';
import type { RecordedIdentity } from './audit-record.ts';
import { ADMINISTRATION } from './change-record.ts';
import { judgedKindOf, type JudgedKind } from './judged-kind.ts';
import type { RecordedFacts } from './recorded-facts.ts';

/** Records that no policy decided; `administration`: not of a Check at all. */
export type ApartKind = 'own' | 'error' | 'bad-request' | 'administration';

export type ParsedRecord =
  { readonly kind: 'apart'; readonly as: ApartKind } | { readonly kind: 'judged'; readonly record: JudgedRecord };

export type JudgedRecord = {
  readonly requestId: string;
  readonly time: EpochSeconds;
  readonly was: JudgedKind;
  readonly route: string | undefined;
  readonly rule: string | undefined;
  readonly pinned: string | undefined;
  readonly subject: string | undefined;
  readonly email: string | undefined;
  readonly identity: RecordedIdentity;
  readonly client: ClientAddress;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly facts: RecordedFacts;
};

type Fields = { readonly [key: string]: unknown };

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);

const noRecord = (why: string): Result<never, string> => err(why);

/** The error says what is wrong, without the text of the record. */
export function parseRecord(value: unknown): Result<ParsedRecord, string> {
  if (!isFields(value)) return noRecord('not a JSON object');
  if (value['v'] !== 2) return noRecord('not an audit record of version 2');
  const { kind, decision, code } = value;
  if (kind === ADMINISTRATION) return ok({ kind: 'apart', as: 'administration' });
  if (kind !== undefined) return noRecord('a kind of record that is not known');
  if (decision === 'respond') return ok({ kind: 'apart', as: 'own' });
  if (decision === 'error') return ok({ kind: 'apart', as: 'error' });
  if (!isText(decision) || !isText(code)) return noRecord('no decision');
  const was = judgedKindOf(decision, code);
  if (was === undefined) return ok({ kind: 'apart', as: 'bad-request' });
  const record = judgedRecord(value, was);
  return record === undefined ? noRecord('a field is missing or of the wrong form') : ok({ kind: 'judged', record });
}

function judgedRecord(fields: Fields, was: JudgedKind): JudgedRecord | undefined {
  const { time, request_id: requestId, method, host, path } = fields;
  const identity = parseIdentity(fields['identity']);
  const client = parseClient(fields);
  const { facts = {} } = fields;
  if (!isNumber(time) || !isText(requestId) || !isText(method) || !isText(host) || !isText(path)) return undefined;
  if (identity === undefined || client === undefined || !isFields(facts)) return undefined;
  const subject = optionalText(fields['subject']);
  if (identity.state === 'taken' && subject === undefined) return undefined;
  return {
    requestId,
    time: epochSeconds(time),
    was,
    route: optionalText(fields['route']),
    rule: optionalText(fields['rule']),
    pinned: optionalText(fields['route_pinned']),
    subject,
    email: optionalText(fields['email']),
    identity,
    client,
    method,
    host,
    path,
    // What JSON.parse makes is JSON.
    facts: facts as { readonly [name: string]: ClaimValue },
  };
}

const optionalText = (value: unknown): string | undefined => (isText(value) ? value : undefined);

function parseIdentity(value: unknown): RecordedIdentity | undefined {
  if (!isFields(value)) return undefined;
  const { state, idp, created, last_seen: lastSeen } = value;
  if (state === 'none' || state === 'unread') return { state };
  if (state !== 'taken' && state !== 'not-taken') return undefined;
  if (!isText(idp) || !isNumber(created) || !isNumber(lastSeen)) return undefined;
  return { state, idp, created: epochSeconds(created), last_seen: epochSeconds(lastSeen) };
}

function parseClient(fields: Fields): ClientAddress | undefined {
  const { client_address: address, client_address_from: from, client_address_via: via = [] } = fields;
  if (!isText(address) || !isTexts(via) || (from !== 'peer' && from !== 'x-forwarded-for')) return undefined;
  return { address, from, via, isProxy: fields['client_address_is_proxy'] === true };
}
