/** The values of the variables that an expression uses, from the facts of a request. What is not known is not there, and asking for it fails. */

import type { ClaimValue } from '../session/session.ts';
import type { CelUse, CelVariable } from './cel-inspect.ts';
import type { HttpFacts, PolicyFacts, Subject } from './facts.ts';
import { parseQuery } from './query-parameters.ts';

export type CelValues = { readonly [variable: string]: unknown };

/** Elements of one list: bounds the work of a comprehension. */
const LIST_MAX = 1000;
/** Lines of one request header. */
const LINES_MAX = 100;

const REPLACEMENT = '\uFFFD';

/** SECURITY: whatever the expression makes of such a value would be a guess. */
class NotJudgeable extends Error {}

function readable(text: string): string {
  if (text.includes(REPLACEMENT)) throw new NotJudgeable('bytes that are not UTF-8');
  return text;
}

function bounded<T>(list: readonly T[], max = LIST_MAX): readonly T[] {
  if (list.length > max) throw new NotJudgeable('a list is too long');
  return list;
}

const given = <T>(value: T | undefined, build: (known: T) => unknown): unknown =>
  value === undefined ? undefined : build(value);

type Builder = (facts: PolicyFacts, use: CelUse) => unknown;

const builders: { readonly [V in CelVariable]: Builder } = {
  now: ({ now }) => new Date(now * 1000),
  request: ({ http, sourceIp }, use) => given(http, (known) => requestValue(known, sourceIp, use)),
  subject: ({ subject }) => given(subject, subjectValue),
  claims: ({ subject }) => given(subject, claimsValue),
  target: ({ labels }) => ({ labels }),
  certificate: ({ certificate: { presented, valid, leaf } }) => ({
    presented,
    valid,
    // Of a certificate that is not valid, nothing is known but that it was shown.
    ...(valid && leaf !== undefined
      ? {
          fingerprint: leaf.fingerprint,
          spki_hash: leaf.spkiHash,
          san_email: bounded(leaf.sanEmail),
          san_dns: bounded(leaf.sanDns),
          san_uri: bounded(leaf.sanUri),
        }
      : {}),
  }),
  mcp: ({ mcp }) =>
    given(mcp, ({ method, tool }) => ({
      method: readable(method),
      ...(tool === undefined ? {} : { tool: readable(tool) }),
    })),
};

function requestValue(http: HttpFacts, sourceIp: string, { headers, usesQuery }: CelUse): CelValues {
  return {
    method: http.method,
    host: http.hostname,
    path: readable(http.path),
    ...(sourceIp === '' ? {} : { ip: sourceIp }),
    ...(headers.size === 0 ? {} : { headers: headersValue(http, headers) }),
    ...(usesQuery ? { query: queryValue(http.query) } : {}),
  };
}

function headersValue(http: HttpFacts, names: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const name of names) {
    const lines = bounded(http.header(name), LINES_MAX).map(readable);
    if (lines.length > 0) values.set(name, lines);
  }
  return values;
}

function queryValue(query: string): ReadonlyMap<string, readonly string[]> {
  const parameters = parseQuery(query);
  if (parameters === undefined) throw new NotJudgeable('a query that can be read in several ways');
  return parameters;
}

/** Groups that nobody knows are not there, so asking for them fails. */
const subjectValue = ({ userId, issuer, email, name, groups }: Subject): CelValues => ({
  id: userId,
  issuer,
  email,
  name,
  ...(groups === undefined ? {} : { groups: bounded(groups) }),
});

/** As in the criterion `claim`: what userinfo said wins over the ID token. */
function claimsValue({ sessionClaims, userClaims }: Subject): ReadonlyMap<string, readonly ClaimValue[]> {
  const merged = new Map([...sessionClaims, ...userClaims]);
  for (const values of merged.values()) bounded(values);
  return merged;
}

export function celValues(use: CelUse): (facts: PolicyFacts) => CelValues {
  const used = [...use.variables].map((name) => [name, builders[name]] as const);
  return (facts) => Object.fromEntries(used.map(([name, build]) => [name, build(facts, use)]));
}
