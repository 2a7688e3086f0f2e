/** recordOf: the AuditRecord of one Check. INVARIANT: nothing secret goes in: no query, no header, no cookie, only the session's handle. */

import type { Findings } from '../decision.ts';
import type { AccessRequest } from '../request/access-request.ts';
import type { Outcome } from '../response/decision.ts';
import type { EpochSeconds } from '../units.ts';
import type { AuditDecision, AuditRecord } from './audit-record.ts';

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
  readonly generation: number;
  readonly now: EpochSeconds;
  readonly micros: number;
};

const decisions: Readonly<Record<RecordInput['decision'], AuditDecision>> = {
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
    v: 1,
    time: input.now,
    request_id: input.requestId,
    decision: decisions[input.decision],
    status: outcome.kind === 'allow' ? 0 : outcome.response.status,
    code: input.code,
    route: findings?.route?.id,
    rule: verdict?.rule,
    allow_reasons: verdict?.allow.reasons ?? [],
    deny_reasons: verdict?.deny.reasons ?? [],
    subject: session?.subject,
    email: session?.email,
    idp: session?.idp,
    session: session?.handle,
    credential: session === undefined ? 'none' : 'session-cookie',
    client_address: findings?.client.address ?? request?.source.address ?? '',
    client_address_from: findings?.client.from ?? 'peer',
    method: shortened(request?.method ?? '', METHOD_MAX),
    host: shortened(findings?.target?.host ?? request?.authority ?? '', HOST_MAX),
    path: shortened(pathOf(input), PATH_MAX),
    policy_generation: input.generation,
    endpoint: input.endpoint,
    detail: input.detail,
    latency_us: input.micros,
  };
}

/** The path that was judged; of a request that was not, what stands before any `?` and `#`. */
function pathOf({ request, findings }: RecordInput): string {
  if (findings?.target !== undefined) return findings.target.path;
  return /^[^?#]*/.exec(request?.path ?? '')?.[0] ?? '';
}

const shortened = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1)}…`);
