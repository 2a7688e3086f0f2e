/**
 * recordOf: the AuditRecord of one Check. INVARIANT: nothing secret goes in: no cookie, no credential, of a session only its handle, of query and
 * headers only what a policy reads (recordedFacts).
 */

import type { Findings } from '../decision.ts';
import type { AccessRequest } from '../request/access-request.ts';
import type { Outcome } from '../response/decision.ts';
import type { EpochSeconds } from '../units.ts';
import type { Generation } from '../generation.ts';
import type { ShadowDecision } from '../shadow/shadow.ts';
import type { AuditDecision, AuditRecord, RecordedIdentity } from './audit-record.ts';
import { groupsRuleText } from '../policy/user-groups.ts';
import { GROUPS_FROM, recordedFacts } from './recorded-facts.ts';

/** Clients choose these texts; a record stays readable all the same. */
const METHOD_MAX = 64;
const HOST_MAX = 255;
const PATH_MAX = 2_048;

export type RecordInput = {
  readonly request: AccessRequest | undefined;
  readonly requestId: string;
  readonly findings: Findings | undefined;
  readonly outcome: Outcome;
  readonly decision: 'allow' | 'refuse' | 'challenge' | 'own' | 'error';
  readonly code: string;
  readonly detail?: string | undefined;
  readonly endpoint?: string;
  readonly shadow?: ShadowDecision | undefined;
  readonly generation: Pick<Generation, 'number' | 'contentHash' | 'groups'>;
  readonly now: EpochSeconds;
  readonly micros: number;
};

export const auditDecisions: Readonly<Record<RecordInput['decision'], AuditDecision>> = {
  allow: 'allow',
  refuse: 'deny',
  challenge: 'challenge',
  own: 'respond',
  error: 'error',
};

export function recordOf(input: RecordInput): AuditRecord {
  const { request, findings, outcome } = input;
  const session = findings?.session;
  const verdict = findings?.verdict;
  return {
    v: 2,
    time: input.now,
    request_id: input.requestId,
    decision: auditDecisions[input.decision],
    status: outcome.kind === 'allow' ? 0 : outcome.response.status,
    code: input.code,
    route: findings?.route?.id,
    route_pinned: findings?.pinned,
    rule: verdict?.rule,
    allow_reasons: verdict?.allow.reasons ?? [],
    deny_reasons: verdict?.deny.reasons ?? [],
    subject: session?.subject,
    email: session?.email,
    idp: session?.idp,
    session: session?.handle,
    identity: identityOf(findings),
    credential: session === undefined ? 'none' : 'session-cookie',
    client_address: findings?.client.address ?? request?.source.address ?? '',
    client_address_from: findings?.client.from ?? 'peer',
    client_address_via: viaOf(findings),
    client_address_is_proxy: findings?.client.isProxy === true ? true : undefined,
    method: shortened(request?.method ?? '', METHOD_MAX),
    host: shortened(findings?.target?.host ?? request?.authority ?? '', HOST_MAX),
    path: shortened(pathOf(input), PATH_MAX),
    policy_generation: input.generation.number,
    policy_hash: input.generation.contentHash,
    facts: factsOf(input),
    shadow: input.shadow,
    endpoint: input.endpoint,
    detail: input.detail,
    latency_us: input.micros,
  };
}

const unread: RecordedIdentity = { state: 'unread' };
const none: RecordedIdentity = { state: 'none' };

function identityOf(findings: Findings | undefined): RecordedIdentity {
  if (findings === undefined) return unread;
  const { found, session: taken } = findings;
  if (found.kind !== 'session') return found.kind === 'none' ? none : unread;
  const { idp, createdAt, lastSeenAt } = found.session;
  return { state: taken === undefined ? 'not-taken' : 'taken', idp, created: createdAt, last_seen: lastSeenAt };
}

const viaOf = (findings: Findings | undefined): readonly string[] | undefined =>
  findings === undefined || findings.client.via.length === 0 ? undefined : findings.client.via;

function factsOf({ findings, generation }: RecordInput): AuditRecord['facts'] {
  if (findings?.facts === undefined || findings.route === undefined) return undefined;
  const facts = recordedFacts(findings.route.policy.reads, findings.facts);
  if (facts === undefined || generation.groups === undefined || !Object.hasOwn(facts, 'groups')) return facts;
  return { ...facts, [GROUPS_FROM]: groupsRuleText(generation.groups) ?? null };
}

/** The path that was judged; of a request that was not, what stands before any `?` and `#`. */
function pathOf({ request, findings }: RecordInput): string {
  if (findings?.target !== undefined) return findings.target.path;
  return /^[^?#]*/.exec(request?.path ?? '')?.[0] ?? '';
}

const shortened = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1)}…`);

/** Whether a text of the record was too long to be kept whole; then the request cannot be known from it. */
export const isShortened = ({ method, host, path }: Pick<AuditRecord, 'method' | 'host' | 'path'>): boolean =>
  isCut(method, METHOD_MAX) || isCut(host, HOST_MAX) || isCut(path, PATH_MAX);

const isCut = (text: string, max: number): boolean => text.length === max && text.endsWith('…');
