/** factsAgain: the facts of a recorded request under another configuration, as far as the record has them. Nothing is made up for the rest. */

import type { Generation } from '../generation.ts';
import type { PartialFacts } from '../policy/compiled-policy.ts';
import type { FactName } from '../policy/fact-name.ts';
import { isOfSubject } from '../policy/fact-name.ts';
import type { CertificateFacts, HttpFacts, McpFacts, PolicyFacts, RiskFacts, Subject } from '../policy/facts.ts';
import { clientAddressAgain } from '../request/client-address.ts';
import { groupsRuleText } from '../policy/user-groups.ts';
import type { CanonicalTarget } from '../request/target.ts';
import type { Route } from '../route/route.ts';
import { takesSession } from '../route/takes-session.ts';
import type { ClaimValue } from '../session/session.ts';
import { isRiskLevel } from '../signals/user-fact.ts';
import { epochSeconds, idpName } from '../units.ts';
import type { JudgedRecord } from './parse-record.ts';
import { GROUPS_FROM, type RecordedFacts } from './recorded-facts.ts';

export function factsAgain(
  record: JudgedRecord,
  target: CanonicalTarget,
  route: Route,
  { trustedProxies, groups }: Pick<Generation, 'trustedProxies' | 'groups'>,
): PartialFacts {
  const client = clientAddressAgain(record.client, trustedProxies);
  const who = whoAgain(record, route);
  const risk = riskAgain(record.facts);
  const groupsFrom = groupsRuleText(groups);
  const facts: PolicyFacts = {
    now: record.time,
    http: httpAgain(record, target),
    sourceIp: client?.address ?? '',
    subject: who.subject,
    certificate: certificateAgain(record.facts),
    mcp: mcpAgain(record.facts),
    ssh: undefined,
    device: undefined,
    labels: route.labels,
    ...(risk === undefined ? {} : { risk }),
  };
  return {
    facts,
    lacks: (name) => lacks(name, { recorded: record.facts, who, isClientKnown: client !== undefined, groupsFrom }),
  };
}

type Who = { readonly isKnown: boolean; readonly subject: Subject | undefined };

type Known = {
  readonly recorded: RecordedFacts;
  readonly who: Who;
  readonly isClientKnown: boolean;
  /** The rule for groups of the new configuration. */
  readonly groupsFrom: string | undefined;
};

/** INVARIANT: what a record does not say is lacking; there is no default. */
function lacks(name: FactName, { recorded, who, isClientKnown, groupsFrom }: Known): boolean {
  if (isOfSubject(name)) {
    if (!who.isKnown) return true;
    if (who.subject === undefined) return false;
  }
  // Labels are the new route's. A Check is never of SSH, and knows of no device.
  if (name === 'user' || name === 'email' || name === 'ssh' || name === 'device' || name.startsWith('label/'))
    return false;
  if (name === 'source_ip') return !isClientKnown;
  if (name === 'groups' && recorded[GROUPS_FROM] !== groupsFrom) return true;
  if (name.startsWith(QUERY) && (texts(recorded[name]) ?? []).some(isUnpaired)) return true;
  if (name === 'risk') return riskAgain(recorded) === undefined;
  return !Object.hasOwn(recorded, name);
}

/** Who it is on that route: it may take sessions that the other did not, and the other way round. */
function whoAgain(record: JudgedRecord, route: Route): Who {
  const { identity, time } = record;
  if (identity.state === 'none') return { isKnown: true, subject: undefined };
  if (identity.state === 'unread') return { isKnown: false, subject: undefined };
  const session = {
    idp: idpName(identity.idp),
    createdAt: identity.created,
    lastSeenAt: identity.last_seen,
    // One that was over would not have been found.
    expiresAt: epochSeconds(Number.POSITIVE_INFINITY),
  };
  if (!takesSession(route, session, time)) return { isKnown: true, subject: undefined };
  return identity.state === 'taken'
    ? { isKnown: true, subject: subjectAgain(record) }
    : { isKnown: false, subject: undefined };
}

const CLAIM = 'claim/';

function subjectAgain({ subject = '', email = '', facts }: JudgedRecord): Subject {
  const claims = Object.entries(facts).flatMap(([name, value]): readonly [string, readonly ClaimValue[]][] =>
    name.startsWith(CLAIM) && isList(value) ? [[name.slice(CLAIM.length), value]] : [],
  );
  const authTime = facts['auth_time'];
  const acr = facts['acr'];
  return {
    kind: 'human',
    userId: subject,
    issuer: '',
    email,
    name: '',
    groups: texts(facts['groups']),
    sessionClaims: new Map(),
    userClaims: new Map(claims),
    authTime: typeof authTime === 'number' ? epochSeconds(authTime) : undefined,
    acr: typeof acr === 'string' ? acr : undefined,
    actors: [],
  };
}

const httpAgain = ({ method, facts }: JudgedRecord, target: CanonicalTarget): HttpFacts => ({
  method,
  hostname: target.host,
  path: target.decodedPath,
  query: queryAgain(facts),
  header: (name) => texts(facts[`header/${name}`]) ?? [],
});

const QUERY = 'query/';

/** Half of a surrogate pair, which no query can hold: no Check has written it. */
const isUnpaired = (text: string): boolean => /\p{Cs}/u.test(text);

/** A query that has the recorded parameters, and no other. */
const queryAgain = (facts: RecordedFacts): string =>
  Object.entries(facts)
    .flatMap(([name, values]) =>
      name.startsWith(QUERY) && !isUnpaired(name)
        ? (texts(values) ?? [])
            .filter((value) => !isUnpaired(value))
            .map((value) => `${encodeURIComponent(name.slice(QUERY.length))}=${encodeURIComponent(value)}`)
        : [],
    )
    .join('&');

function certificateAgain({ certificate }: RecordedFacts): CertificateFacts {
  if (!isObject(certificate)) return { presented: false, valid: false, leaf: undefined };
  const { presented, valid, fingerprint, spki_hash: spkiHash } = certificate;
  return {
    presented: presented === true,
    valid: valid === true,
    leaf:
      typeof fingerprint === 'string' && typeof spkiHash === 'string'
        ? {
            fingerprint,
            spkiHash,
            sanEmail: texts(certificate['san_email']) ?? [],
            sanDns: texts(certificate['san_dns']) ?? [],
            sanUri: texts(certificate['san_uri']) ?? [],
          }
        : undefined,
  };
}

function mcpAgain({ mcp }: RecordedFacts): McpFacts | undefined {
  if (!isObject(mcp)) return undefined;
  const { method, tool, readable } = mcp;
  return {
    method: typeof method === 'string' ? method : '',
    tool: typeof tool === 'string' ? tool : undefined,
    readable: readable === true,
  };
}

function riskAgain({ risk }: RecordedFacts): RiskFacts | undefined {
  if (!isObject(risk) || !isRiskLevel(risk['level']) || typeof risk['said'] !== 'boolean') return undefined;
  return { level: risk['level'], isSaid: risk['said'] };
}

type JsonObject = { readonly [key: string]: ClaimValue };

const isList = (value: ClaimValue | undefined): value is readonly ClaimValue[] => Array.isArray(value);
const isObject = (value: ClaimValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !isList(value);

const texts = (value: ClaimValue | undefined): readonly string[] | undefined =>
  isList(value) ? value.filter((entry): entry is string => typeof entry === 'string') : undefined;
