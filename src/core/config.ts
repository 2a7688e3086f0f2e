/**
 * AccessConfig: the part of doorward.yaml that decides (and can be reloaded), as plain data. Keys are those of the file. It has been
 * read, interpolated and checked for shape by adapters/config; meaning (policies, patterns, URLs) is checked here, in the core.
 */

import type { ForeignKey } from './policy/records.ts';
import type { Tree, TreePath } from './problem.ts';
import type { SanPattern } from './request/san.ts';

export type PolicySemantics = 'strict' | 'pomerium';

export type PathRelaxation = 'encoded_slash' | 'double_slash' | 'dot_segments' | 'backslash' | 'non_ascii';

export type RouteConfig = {
  readonly id?: string;
  readonly name?: string;
  readonly description?: string;
  readonly from: string;
  readonly prefix?: string;
  readonly path?: string;
  readonly regex?: string;
  readonly path_separated_prefix?: string;
  readonly policy?: Tree;
  readonly allow_public_unauthenticated_access?: boolean;
  readonly allow_any_authenticated_user?: boolean;
  readonly allowed_users?: readonly string[];
  readonly allowed_domains?: readonly string[];
  /** claim path -> accepted values */
  readonly allowed_idp_claims?: { readonly [claim: string]: readonly Tree[] };
  readonly cors_allow_preflight?: boolean;
  readonly pass_identity_headers?: boolean;
  readonly set_request_headers?: { readonly [name: string]: string };
  readonly remove_request_headers?: readonly string[];
  /** Of Envoy's cluster, in any case; `ring_hash` and `maglev` need a key. */
  readonly load_balancing_policy?: string;
  readonly lb_policy?: string;
  readonly jwt_groups_filter?: readonly string[];
  readonly jwt_issuer_format?: 'hostOnly' | 'uri';
  readonly assertion_per_request?: boolean;
  readonly idp?: string | readonly string[];
  readonly show_error_details?: boolean;
  readonly path_parameters?: 'refuse' | 'allow';
  readonly relax?: readonly PathRelaxation[];
  readonly insecure_http?: boolean;
  /** Seconds; never longer than the global ones. */
  readonly session_lifetime?: number;
  readonly session_idle_timeout?: number;
  /** Seconds. */
  readonly max_stream_duration?: number;
  readonly on_unauthenticated?: 'auto' | 'redirect' | '401';
  readonly labels?: { readonly [key: string]: string };
  /** `shadow`: judged beside the others, never in force. */
  readonly mode?: 'active' | 'shadow';
  /** The id of the route whose place a shadow route takes. */
  readonly shadow_of?: string;
  /** PEM. Authorities for client certificates on this route, in place of those of `downstream_mtls`. */
  readonly tls_downstream_client_ca?: string;
};

export type DownstreamMtlsConfig = {
  /** PEM; undefined = only routes that have a `tls_downstream_client_ca` ask for certificates. */
  readonly ca?: string;
  /** PEM. */
  readonly crl?: string;
  readonly enforcement: 'policy' | 'policy_with_default_deny' | 'reject_connection';
  /** At least one name of a certificate must match; empty = any names. */
  readonly match_subject_alt_names: readonly SanPattern[];
  /** Certificates above the leaf; 0 = no limit. */
  readonly max_verify_depth: number;
};

export type IdpConfig = {
  readonly name: string;
  readonly label?: string;
  /** Issuer URL; discovery is below it. */
  readonly url: string;
  readonly client_id: string;
  readonly client_secret?: string;
  readonly scopes: readonly string[];
  /** Extra parameters of the authorization request. */
  readonly request_params: { readonly [name: string]: string };
  /** Allow `http:` for loopback names only. */
  readonly insecure_http?: boolean;
  /** Its logout tokens: believed (default), believed only with `typ: logout+jwt`, or refused. */
  readonly backchannel_logout?: 'any' | 'typed' | 'off';
};

/** Who may push security events (RFC 8935). */
export type TransmitterConfig = {
  /** As the file calls it; for audit and log. */
  readonly name: string;
  /** Exactly as in `iss`. */
  readonly issuer: string;
  readonly jwks_uri: string;
  /** Of its events, exactly as in `aud`. */
  readonly audience: string;
  /** JWS algorithms, asymmetric ones only. */
  readonly algorithms: readonly string[];
  /** The whole value of the Authorization header that was agreed on; secret. Undefined = none was. */
  readonly authorization?: string;
  /** Members of its complex subjects that must not be passed over. */
  readonly critical_subject_members?: readonly string[];
};

/** Where facts about users, addresses and certificates come from. Times in seconds. */
export type RecordSourceConfig = {
  readonly name: string;
  readonly from:
    | { readonly kind: 'file'; /** Absolute. */ readonly path: string }
    | {
        readonly kind: 'http';
        readonly url: string;
        /** Sent with each request; values may be secret. Names in lower case. */
        readonly headers: { readonly [name: string]: string };
        /** PEM; undefined = the authorities of the system. */
        readonly ca?: string;
      };
  readonly format: 'json' | 'csv';
  /** The field, or column, by which a row is found. */
  readonly key: string;
  readonly foreign_key: ForeignKey;
  readonly interval: number;
  readonly timeout: number;
  readonly max_bytes: number;
  readonly max_rows: number;
  readonly max_age: number;
};

export type GroupsConfig = { readonly source: string; readonly field: string } | { readonly claims: readonly string[] };

export type StreamsConfig = {
  /** Each allow carries a ticket, by which Envoy has the stream held (core/streams). */
  readonly hold: boolean;
  /** What becomes of held streams when this process ends. */
  readonly on_shutdown: 'cut' | 'release';
};

export type AccessConfig = {
  readonly routes: readonly RouteConfig[];
  readonly idps: readonly IdpConfig[];
  readonly policy_semantics: PolicySemantics;
  readonly identity_semantics: PolicySemantics;
  /** Origin of the one authentication host, e.g. `https://auth.example.com`; undefined = each host is its own callback. */
  readonly auth_url?: string;
  readonly cookie_name: string;
  /** Absolute session lifetime, seconds (`cookie_expire`; 14 h). */
  readonly session_lifetime: number;
  /** Seconds; undefined = no idle end. */
  readonly session_idle_timeout?: number;
  /** How old, in seconds, may be what the provider said of a user. */
  readonly session_recheck_interval: number;
  /** Undefined = no limit. */
  readonly sessions_per_user?: number;
  /** Undefined = no stream is held. */
  readonly streams?: StreamsConfig;
  readonly cookie_same_site: 'lax' | 'strict' | 'none';
  readonly cookie_secret: readonly string[];
  readonly shared_secret: readonly string[];
  /** PEM private keys; the first signs, all are published. Empty = one derived from `shared_secret`. */
  readonly signing_key: readonly string[];
  readonly pass_identity_headers: boolean;
  /** header name -> claim path (`x-email: email`) */
  readonly jwt_claims_headers: { readonly [header: string]: string };
  readonly jwt_groups_filter: readonly string[];
  readonly jwt_issuer_format: 'hostOnly' | 'uri';
  readonly assertion_header: string;
  /** CIDRs of proxies whose X-Forwarded-For is believed. */
  readonly trusted_proxies: readonly string[];
  readonly signout_redirect_url?: string;
  /** Named windows for the criterion `change_window`. */
  readonly change_windows?: { readonly [name: string]: Tree };
  readonly records?: readonly RecordSourceConfig[];
  readonly shared_signals?: readonly TransmitterConfig[];
  /** Undefined = the claim `groups`. */
  readonly groups?: GroupsConfig;
  /** Undefined = no client certificate is valid, and none is asked for. */
  readonly downstream_mtls?: DownstreamMtlsConfig;
  /** `shadow`: not to be in force, only to be judged beside a file that names it. */
  readonly mode?: 'active' | 'shadow';
  /** What the file of that name says. */
  readonly shadow_file?: ShadowConfig;
};

export type ShadowConfig = {
  /** Without its secrets. */
  readonly access: AccessConfig;
  /** Where each of its routes stands in its file. Problems with it have paths below `shadow_file`. */
  readonly routePaths: readonly TreePath[];
  readonly contentHash: string;
};
