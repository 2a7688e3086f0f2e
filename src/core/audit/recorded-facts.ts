/**
 * recordedFacts: the facts that a policy read, as a record may hold them. What is too long, too much or may be secret is left out whole, never
 * cut, so that a record says nothing that was not so. INVARIANT: no cookie, no credential and no value under a name that sounds like one.
 */

import type { ClaimValue } from '../session/session.ts';
import type { FactName } from '../policy/fact-name.ts';
import type { PolicyFacts } from '../policy/facts.ts';
import { onlyValue, parseQuery } from '../policy/query-parameters.ts';

/** By FactName. `null`: there was none. What is not here was not recorded. */
export type RecordedFacts = { readonly [name: string]: ClaimValue };

/** Beside `groups`: the rule that gave them, where it was not the claim `groups`. Groups by another rule are other groups. */
export const GROUPS_FROM = 'groups_from';

/** Facts of one record; a policy that reads more is recorded in part. */
const FACTS_MAX = 64;
/** Characters of all texts of one fact; other values count as VALUE_CHARS, and so does every shorter text. */
const CHARS_MAX = 2_048;
const VALUE_CHARS = 16;

/** `undefined`: not to be recorded. */
type Recorder = (facts: PolicyFacts) => ClaimValue | undefined;
type Named = { readonly name: string; readonly record: Recorder };

/** SECURITY: looked for anywhere in the name of a claim, header or parameter. */
const SECRET_NAME = /cookie|auth|token|secret|passw|credential|session|signature|assertion|jwt|saml|api-?_?key/i;
/** As a word of the name of a header or parameter. */
const SECRET_WORD = /(?:^|[^a-z])(?:code|key|sig|state|nonce|pin|otp|sid)(?:$|[^a-z])/i;

const mayBeSecret = (name: FactName): boolean => {
  if (name.startsWith('label/')) return false;
  return SECRET_NAME.test(name) || (!name.startsWith('claim/') && SECRET_WORD.test(name));
};

const ofCertificate: Recorder = ({ certificate: { presented, valid, leaf } }) => ({
  presented,
  valid,
  ...(leaf === undefined
    ? {}
    : {
        fingerprint: leaf.fingerprint,
        spki_hash: leaf.spkiHash,
        san_email: leaf.sanEmail,
        san_dns: leaf.sanDns,
        san_uri: leaf.sanUri,
      }),
});

/** None or one value; a parameter that is there several times, or a query that can be read in two ways, is not recorded. */
function ofParameter(query: string, name: string): ClaimValue | undefined {
  const parameters = parseQuery(query);
  const found = parameters === undefined ? 'several' : onlyValue(parameters, name);
  return found === 'several' ? undefined : found === undefined ? [] : [found.value];
}

/** What has a field of its own in the record (`subject`, `email`, `client_address`) is not repeated. */
const recorders: { readonly [name: string]: Recorder } = {
  groups: ({ subject }) => (subject?.groupsUnknown === true ? undefined : subject && (subject.groups ?? null)),
  auth_time: ({ subject }) => subject && (subject.authTime ?? null),
  acr: ({ subject }) => subject && (subject.acr ?? null),
  risk: ({ subject, risk }) => subject && { level: risk?.level ?? 'low', said: risk?.isSaid ?? false },
  certificate: ofCertificate,
  mcp: ({ mcp }) => mcp && { method: mcp.method, tool: mcp.tool ?? null, readable: mcp.readable },
};

const namedRecorders: { readonly [kind: string]: (name: string) => Recorder } = {
  claim:
    (name) =>
    ({ subject }) =>
      subject && (subject.userClaims.get(name) ?? subject.sessionClaims.get(name) ?? null),
  header:
    (name) =>
    ({ http }) =>
      http?.header(name.toLowerCase()),
  query:
    (name) =>
    ({ http }) =>
      http && ofParameter(http.query, name),
  label:
    (key) =>
    ({ labels }) =>
      labels.get(key) ?? null,
};

function recorderOf(name: FactName): readonly Named[] {
  const slash = name.indexOf('/');
  const record = slash === -1 ? recorders[name] : namedRecorders[name.slice(0, slash)]?.(name.slice(slash + 1));
  return record === undefined || (slash !== -1 && mayBeSecret(name)) ? [] : [{ name, record }];
}

/** Made once for what a policy reads. */
const known = new WeakMap<readonly FactName[], readonly Named[]>();

function recordersOf(reads: readonly FactName[]): readonly Named[] {
  const found = known.get(reads);
  if (found !== undefined) return found;
  const made = reads.flatMap(recorderOf).slice(0, FACTS_MAX);
  known.set(reads, made);
  return made;
}

/** `reads` of the policy that judged `facts`. Undefined where there is nothing to record. */
export function recordedFacts(reads: readonly FactName[], facts: PolicyFacts): RecordedFacts | undefined {
  const named = recordersOf(reads);
  if (named.length === 0) return undefined;
  const recorded: { [name: string]: ClaimValue } = {};
  let isEmpty = true;
  for (const { name, record } of named) {
    const value = record(facts);
    if (value === undefined || !fits(value)) continue;
    recorded[name] = value;
    isEmpty = false;
  }
  return isEmpty ? undefined : recorded;
}

const fits = (value: ClaimValue): boolean => spent(value, 0) <= CHARS_MAX;

/** What the value takes, on top of `sum`; stops counting where it is too much. */
function spent(value: ClaimValue, sum: number): number {
  if (sum > CHARS_MAX) return sum;
  if (typeof value === 'string') return sum + Math.max(value.length, VALUE_CHARS);
  if (typeof value !== 'object' || value === null) return sum + VALUE_CHARS;
  if (isList(value)) return value.reduce((total: number, each) => spent(each, total), sum);
  return Object.entries(value).reduce((total, [key, each]) => spent(each, total + key.length), sum);
}

const isList = (value: ClaimValue): value is readonly ClaimValue[] => Array.isArray(value);
