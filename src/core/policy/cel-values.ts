/** The values of the variables that an expression uses, from the facts of a request. What is not known is not there, and asking for it fails. */

import type { ClaimValue } from '../session/session.ts';
import type { CelUse, CelVariable } from './cel-inspect.ts';
import type { CertificateFacts, HttpFacts, PolicyFacts } from './facts.ts';
import { hasRivals, parseQuery } from './query-parameters.ts';

export type CelValues = { readonly [variable: string]: unknown };

/** Elements of one list: bounds the work of a comprehension. */
const LIST_MAX = 1000;
/** The same where the cost is a product; so many groups stand in a token at most with common providers. */
const PRODUCT_LIST_MAX = 200;
/** Lines of one request header. */
const LINES_MAX = 100;

const REPLACEMENT = '\uFFFD';

/** SECURITY: whatever the expression makes of such a value would be a guess. */
class NotJudgeable extends Error {}

function readable(text: string | undefined): string | undefined {
  if (text?.includes(REPLACEMENT) === true) throw new NotJudgeable('bytes that are not UTF-8');
  return text;
}

function bounded<T>(list: readonly T[] | undefined, { isProduct }: CelUse): readonly T[] | undefined {
  if (list !== undefined && list.length > (isProduct ? PRODUCT_LIST_MAX : LIST_MAX))
    throw new NotJudgeable('a list is too long');
  return list;
}

type ValueOf = (facts: PolicyFacts, use: CelUse) => unknown;

/** By variable and part. */
const parts: { readonly [path: string]: ValueOf } = {
  'request.method': ({ http }) => http?.method,
  'request.host': ({ http }) => http?.hostname,
  'request.path': ({ http }) => readable(http?.path),
  'request.ip': ({ sourceIp }) => (sourceIp === '' ? undefined : sourceIp),
  'request.headers': ({ http }, { headers }) => headersValue(http, headers),
  'request.query': ({ http }, { queries }) => queryValue(http, queries),
  'subject.id': ({ subject }) => subject?.userId,
  'subject.issuer': ({ subject }) => subject?.issuer,
  'subject.email': ({ subject }) => subject?.email,
  'subject.name': ({ subject }) => subject?.name,
  'subject.groups': ({ subject }, use) => bounded(subject?.groups, use),
  'target.labels': ({ labels }) => labels,
  'certificate.presented': ({ certificate }) => certificate.presented,
  'certificate.valid': ({ certificate }) => certificate.valid,
  'certificate.fingerprint': ({ certificate }) => validLeaf(certificate)?.fingerprint,
  'certificate.spki_hash': ({ certificate }) => validLeaf(certificate)?.spkiHash,
  'certificate.san_email': ({ certificate }, use) => bounded(validLeaf(certificate)?.sanEmail, use),
  'certificate.san_dns': ({ certificate }, use) => bounded(validLeaf(certificate)?.sanDns, use),
  'certificate.san_uri': ({ certificate }, use) => bounded(validLeaf(certificate)?.sanUri, use),
  'mcp.method': ({ mcp }) => readable(mcp?.method),
  'mcp.tool': ({ mcp }) => readable(mcp?.tool),
};

/** Of a certificate that is not valid, nothing is known but that it was shown. */
const validLeaf = ({ valid, leaf }: CertificateFacts): CertificateFacts['leaf'] => (valid ? leaf : undefined);

function headersValue(
  http: HttpFacts | undefined,
  names: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> | undefined {
  if (http === undefined) return undefined;
  const values = new Map<string, readonly string[]>();
  for (const name of names) {
    const lines = http.header(name);
    if (lines.length > LINES_MAX) throw new NotJudgeable('a header has too many lines');
    for (const line of lines) readable(line);
    if (lines.length > 0) values.set(name, lines);
  }
  return values;
}

function queryValue(http: HttpFacts | undefined, names: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const parameters = http === undefined ? undefined : parseQuery(http.query);
  if (parameters === undefined || hasRivals(parameters, names))
    throw new NotJudgeable('a query that can be read in several ways');
  return parameters;
}

/** As in the criterion `claim`: what userinfo said wins over the ID token. */
function claimsValue({ subject }: PolicyFacts, use: CelUse): ReadonlyMap<string, readonly ClaimValue[]> {
  if (subject === undefined) throw new NotJudgeable('nobody is signed in');
  const { claims } = use;
  if (claims === 'all') {
    const merged = new Map([...subject.sessionClaims, ...subject.userClaims]);
    for (const values of merged.values()) bounded(values, use);
    return merged;
  }
  const found = new Map<string, readonly ClaimValue[]>();
  for (const name of claims) {
    const values = bounded(subject.userClaims.get(name) ?? subject.sessionClaims.get(name), use);
    if (values !== undefined) found.set(name, values);
  }
  return found;
}

function variableValue(name: CelVariable, used: readonly string[]): ValueOf {
  if (name === 'now') return ({ now }) => new Date(now * 1000);
  if (name === 'claims') return claimsValue;
  const built = Object.entries(parts)
    .filter(([path]) => used.includes(path))
    .map(([path, valueOf]) => [path.slice(name.length + 1), valueOf] as const);
  return (facts, use) => {
    const value: { [part: string]: unknown } = {};
    for (const [part, valueOf] of built) {
      const known = valueOf(facts, use);
      if (known !== undefined) value[part] = known;
    }
    return value;
  };
}

/** Only what the expression uses is looked at. */
export function celValues(use: CelUse): (facts: PolicyFacts) => CelValues {
  const built = [...use.variables].map((name) => {
    const used = [...use.parts].filter((path) => path.startsWith(`${name}.`));
    return [name, variableValue(name, used)] as const;
  });
  return (facts) => Object.fromEntries(built.map(([name, valueOf]) => [name, valueOf(facts, use)]));
}
