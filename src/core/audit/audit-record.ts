/** AuditRecord: one per Check received, whatever the outcome. INVARIANT: no secret, token, cookie, raw session id or query in it. */

import type { EpochSeconds } from '../units.ts';

export type AuditDecision = 'allow' | 'deny' | 'challenge' | 'respond' | 'error';

export type AuditRecord = {
  /** Version of this schema. */
  readonly v: 1;
  readonly time: EpochSeconds;
  readonly request_id: string;
  readonly decision: AuditDecision;
  /** HTTP status the client sees from Doorward; 0 on an allow, where the upstream answers. */
  readonly status: number;
  /** A RefusalCode, or 'allow'. */
  readonly code: string;
  readonly route: string | undefined;
  readonly rule: string | undefined;
  readonly allow_reasons: readonly string[];
  readonly deny_reasons: readonly string[];
  readonly subject: string | undefined;
  readonly email: string | undefined;
  readonly idp: string | undefined;
  /** SessionHandle. */
  readonly session: string | undefined;
  readonly credential: 'none' | 'session-cookie' | 'bearer' | 'client-certificate' | 'service-account';
  readonly client_address: string;
  /** How client_address was found: the peer itself, or X-Forwarded-For from trusted proxies. */
  readonly client_address_from: 'peer' | 'x-forwarded-for';
  readonly method: string;
  readonly host: string;
  /** Without query. */
  readonly path: string;
  readonly policy_generation: number;
  /** Doorward's own endpoint that answered, if one did. */
  readonly endpoint: string | undefined;
  /** In words, for `respond` and `error`: why; never client text. */
  readonly detail: string | undefined;
  readonly latency_us: number;
};
