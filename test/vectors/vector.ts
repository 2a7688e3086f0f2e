/** The lines of a vector file (JSON Lines) and the fixtures beside it, as far as policies go. Absent = empty, false or nothing. */

import type { Tree } from '../../src/core/problem.ts';

export type RuleExpectation = {
  readonly value: boolean;
  readonly reasons: readonly string[];
  readonly additional_data?: { readonly device_type?: string };
};

export type PplExpectation = {
  readonly final: string;
  readonly status?: number;
  readonly allow?: RuleExpectation;
  readonly deny?: RuleExpectation;
};

export type SanPattern = { readonly type: string; readonly pattern: string };

export type PplVector = {
  readonly id: string;
  readonly kind?: undefined;
  readonly ppl?: string;
  readonly ppl_format?: 'json';
  readonly route: {
    readonly allow_public_unauthenticated_access?: boolean;
    readonly allow_any_authenticated_user?: boolean;
    readonly cors_allow_preflight?: boolean;
    readonly allowed_users?: readonly string[];
    readonly allowed_domains?: readonly string[];
    readonly allowed_idp_claims?: { readonly [claim: string]: Tree };
    readonly sub_policies?: readonly Pick<
      PplVector['route'],
      'allowed_users' | 'allowed_domains' | 'allowed_idp_claims'
    >[];
    readonly tls_downstream_client_ca?: readonly string[];
    readonly mcp_server?: boolean;
    readonly not_found?: boolean;
  };
  readonly settings?: {
    readonly downstream_mtls?: {
      readonly ca?: readonly string[];
      readonly crl?: string;
      readonly enforcement?: string;
      readonly match_subject_alt_names?: readonly SanPattern[];
      readonly max_verify_depth?: number;
    };
  };
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly path: string;
    readonly headers?: { readonly [name: string]: string };
    readonly body?: string;
    readonly source_ip: string;
    readonly internal?: boolean;
    readonly client_certificate?: { readonly presented: boolean; readonly chain: readonly string[] | string };
    readonly ssh?: { readonly username: string; readonly publickey: string };
  };
  readonly session_id?: string;
  readonly records?: Records;
  readonly expect: PplExpectation;
  /** Where it is there, it holds instead of `expect`. */
  readonly expect_intended?: PplExpectation;
};

export type DirectoryUser = { readonly id: string; readonly email?: string; readonly group_ids?: readonly string[] };

export type SessionRecord = {
  readonly id: string;
  readonly user_id?: string;
  readonly expires_at?: string;
  readonly claims?: { readonly [name: string]: readonly Tree[] };
  readonly impersonate_session_id?: string;
  readonly access_token?: string;
  readonly access_token_expires_at?: string;
  readonly refresh_token?: string;
  readonly device_credentials?: readonly {
    readonly type_id: string;
    readonly id: string;
    readonly unavailable?: boolean;
  }[];
};

export type Records = {
  readonly sessions?: readonly SessionRecord[];
  readonly service_accounts?: readonly {
    readonly id: string;
    readonly user_id?: string;
    readonly expires_at?: string;
  }[];
  readonly users?: readonly {
    readonly id: string;
    readonly name?: string;
    readonly email?: string;
    readonly claims?: { readonly [name: string]: readonly Tree[] };
  }[];
  readonly directory_users?: readonly DirectoryUser[];
  readonly device_credentials?: readonly { readonly id: string; readonly enrollment_id?: string }[];
  readonly device_enrollments?: readonly { readonly id: string; readonly approved_by?: string }[];
};

export type Fixtures = {
  readonly certs: { readonly [name: string]: { readonly pem: string } };
  readonly crl: string;
};

/** Any line of a vector file; `kind` tells the two sorts of header vectors from policy vectors. */
export type VectorLine = PplVector | { readonly id: string; readonly kind: string };

/** What one line came to. `differences` is empty where it agrees. */
export type VectorOutcome = { readonly id: string; readonly differences: readonly string[] };
