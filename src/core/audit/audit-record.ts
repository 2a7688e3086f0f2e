/**
 * AuditRecord: one per Check received, whatever the outcome, with what it takes to judge the request again. INVARIANT: no secret, token, cookie or
 * raw session id in it, and of a query only the parameters that the policy of the route names.
 */

import type { EpochSeconds } from '../units.ts';
import type { ShadowDecision } from '../shadow/shadow.ts';
import type { RecordedFacts } from './recorded-facts.ts';

export type AuditDecision = 'allow' | 'deny' | 'challenge' | 'respond' | 'error';

export type RecordedIdentity =
  /** Nobody is signed in. */
  | { readonly state: 'none' }
  /** There is a cookie that was not looked at, or a session that could not be read. */
  | { readonly state: 'unread' }
  /** There is a session; `taken`: it counts on this route. */
  | {
      readonly state: 'taken' | 'not-taken';
      readonly idp: string;
      readonly created: EpochSeconds;
      readonly last_seen: EpochSeconds;
    };

export type AuditRecord = {
  /** Version of this schema. */
  readonly v: 2;
  readonly time: EpochSeconds;
  readonly request_id: string;
  readonly decision: AuditDecision;
  /** HTTP status the client sees from Doorward; 0 on an allow, where the upstream answers. */
  readonly status: number;
  /** A RefusalCode, or 'allow'. */
  readonly code: string;
  readonly route: string | undefined;
  /** The route that Envoy's own route named, whatever the path; undefined where it named none. */
  readonly route_pinned: string | undefined;
  readonly rule: string | undefined;
  readonly allow_reasons: readonly string[];
  readonly deny_reasons: readonly string[];
  readonly subject: string | undefined;
  readonly email: string | undefined;
  readonly idp: string | undefined;
  /** SessionHandle. */
  readonly session: string | undefined;
  readonly identity: RecordedIdentity;
  readonly credential: 'none' | 'session-cookie' | 'bearer' | 'client-certificate' | 'service-account';
  readonly client_address: string;
  /** How client_address was found: the peer itself, or X-Forwarded-For from trusted proxies. */
  readonly client_address_from: 'peer' | 'x-forwarded-for';
  /** The trusted proxies that passed it on, Envoy's peer first; undefined where there was none. */
  readonly client_address_via: readonly string[] | undefined;
  /** True where client_address is a trusted proxy itself, that did not say for whom. */
  readonly client_address_is_proxy: true | undefined;
  readonly method: string;
  readonly host: string;
  /** Without query. */
  readonly path: string;
  readonly policy_generation: number;
  /** Hex SHA-256 of the configuration that decided, without its secrets. */
  readonly policy_hash: string;
  /** What the policy of the route read; undefined where no policy was asked, or it read nothing that has no field of its own. */
  readonly facts: RecordedFacts | undefined;
  /** What the shadow would have decided, where that is something else. */
  readonly shadow: ShadowDecision | undefined;
  /** Doorward's own endpoint that answered, if one did. */
  readonly endpoint: string | undefined;
  /** In words, for `respond` and `error`: why; never client text. */
  readonly detail: string | undefined;
  readonly latency_us: number;
};
