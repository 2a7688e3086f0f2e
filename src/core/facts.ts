/** Facts: gathers what a policy may look at from a request and a session. Reads from the request only what the policy needs. */

import type { ClientAddress } from './request/client-address.ts';
import type { AccessRequest } from './request/access-request.ts';
import type { CanonicalTarget } from './request/target.ts';
import type { Route } from './route/route.ts';
import type { Claims, Session } from './session/session.ts';
import type { CertificateFacts, HttpFacts, McpFacts, PolicyFacts, RiskFacts, Subject } from './policy/facts.ts';
import type { RecordSnapshots } from './policy/record-snapshot.ts';
import { subjectWithGroups, type GroupsRule } from './policy/user-groups.ts';
import { parseMcpMessage } from './policy/mcp-message.ts';
import { higher, type RiskLevel, type UserFact } from './signals/user-fact.ts';
import type { EpochSeconds } from './units.ts';

const groupsOf = (claims: Claims): readonly string[] | undefined =>
  claims.get('groups')?.filter((group): group is string => typeof group === 'string');

/** A session never changes, so its Subject is made once, and goes with it. */
const subjects = new WeakMap<Session, Subject>();

/** On whose behalf a session acts. Groups: what userinfo said last, else the ID token. */
export const subjectOf = (session: Session): Subject => {
  const known = subjects.get(session);
  if (known !== undefined) return known;
  const subject: Subject = {
    kind: 'human',
    userId: session.subject,
    issuer: session.issuer,
    email: session.email,
    name: session.name,
    groups: groupsOf(session.userClaims) ?? groupsOf(session.claims),
    sessionClaims: session.claims,
    userClaims: session.userClaims,
    authTime: session.authTime,
    acr: session.acr,
    actors: [],
  };
  subjects.set(session, subject);
  return subject;
};

const httpFacts = (request: AccessRequest, target: CanonicalTarget): HttpFacts => ({
  method: request.method,
  hostname: target.host,
  path: target.decodedPath,
  query: target.query ?? '',
  header: (name) => request.headers.lines(name),
});

const noBody = new Uint8Array();

const mcpFacts = (request: AccessRequest): McpFacts =>
  parseMcpMessage({
    method: request.method,
    contentType: request.headers.lines('content-type').join(','),
    body: request.body?.bytes ?? noBody,
    isPartial: request.body?.partial ?? false,
    isLossy: request.body?.asString ?? false,
  });

const noCertificate: CertificateFacts = { presented: false, valid: false, leaf: undefined };

export const riskOf = (facts: readonly UserFact[]): RiskFacts => ({
  level: facts.reduce<RiskLevel>((level, fact) => higher(level, fact.level), 'low'),
  isSaid: facts.some(({ about }) => about === 'risk'),
});

type FactsInput = {
  readonly request: AccessRequest;
  readonly target: CanonicalTarget;
  readonly route: Route;
  readonly client: ClientAddress;
  readonly session: Session | undefined;
  /** Asked only when the route's policy needs it. */
  readonly certificate: () => CertificateFacts;
  /** Undefined = the claim `groups`. */
  readonly groups?: GroupsRule | undefined;
  readonly records?: RecordSnapshots | undefined;
  readonly risk?: RiskFacts | undefined;
  readonly now: EpochSeconds;
};

export function gatherFacts(input: FactsInput): PolicyFacts {
  const facts = factsOf(input);
  return input.groups === undefined ? facts : { ...facts, subject: subjectWithGroups(facts, input.groups) };
}

const factsOf = (input: FactsInput): PolicyFacts => ({
  now: input.now,
  http: httpFacts(input.request, input.target),
  sourceIp: input.client.address,
  subject: input.session === undefined ? undefined : subjectOf(input.session),
  certificate: input.route.policy.needs.has('certificate') ? input.certificate() : noCertificate,
  mcp: input.route.policy.needs.has('body') ? mcpFacts(input.request) : undefined,
  ssh: undefined,
  device: undefined,
  labels: input.route.labels,
  ...(input.records === undefined ? {} : { records: input.records }),
  ...(input.risk === undefined ? {} : { risk: input.risk }),
});
