/** The lines about identity headers of a vector file: their shape, and the claim headers that their settings ask for. */

import type { Tree } from '../../src/core/problem.ts';
import { err, ok } from '../../src/core/result.ts';
import type { Result } from '../../src/core/result.ts';
import type { ClaimHeader } from '../../src/core/assertion/pomerium-headers.ts';
import type { Fixtures, PplVector, Records, SessionRecord } from './vector.ts';

export type HeaderFixtures = Fixtures & {
  readonly signing_keys: { readonly [name: string]: { readonly private_pem: string } };
  readonly default_signing_key: string;
};

type DirectoryRecord = { readonly id: string; readonly [field: string]: Tree };

export type HeaderRecords = Omit<Records, 'directory_users'> & {
  readonly sessions?: readonly (SessionRecord & { readonly id_token?: string })[];
  readonly directory_users?: readonly DirectoryRecord[];
  readonly directory_groups?: readonly DirectoryRecord[];
};

type IssuerFormat = 'uri' | 'hostOnly';

export type HeaderExpectation = {
  readonly error?: string;
  readonly headers?: { readonly [name: string]: readonly string[] };
  readonly headers_to_remove?: readonly string[];
  readonly route_headers_to_remove?: readonly string[];
  readonly jwt_claims?: { readonly [claim: string]: Tree };
  readonly jwt_ttl_seconds?: number;
  readonly jwt_header?: { readonly [name: string]: string };
  readonly effective_session_id?: string;
  /** Headers whose values come in any order. */
  readonly unordered_values?: readonly string[];
};

export type HeaderVector = {
  readonly id: string;
  readonly kind: 'headers';
  readonly route: PplVector['route'] & {
    readonly pass_identity_headers?: boolean;
    readonly set_request_headers?: { readonly [name: string]: string };
    readonly remove_request_headers?: readonly string[];
    readonly kubernetes_service_account_token?: string;
    readonly jwt_groups_filter?: readonly string[];
    readonly jwt_issuer_format?: IssuerFormat;
    readonly load_balancing_policy?: string;
    readonly mcp_client?: boolean;
  };
  readonly settings?: PplVector['settings'] & {
    readonly signing_key?: string;
    readonly pass_identity_headers?: boolean;
    readonly jwt_claims_headers?: Tree;
    readonly jwt_groups_filter?: readonly string[];
    readonly jwt_issuer_format?: IssuerFormat;
  };
  readonly request: PplVector['request'];
  readonly session_id?: string;
  readonly records?: HeaderRecords;
  readonly expect: HeaderExpectation;
};

export type FlattenVector = {
  readonly id: string;
  readonly kind: 'flatten-claims';
  readonly input: { readonly claims: { readonly [claim: string]: Tree } };
  readonly expect: { readonly [claim: string]: readonly Tree[] };
};

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** `jwt_claims_headers` as a list of claims, a text of them, or a map of header names to claims. */
export function claimHeadersOf(written: Tree | undefined): Result<readonly ClaimHeader[], string> {
  if (written === undefined || written === null) return ok([]);
  if (typeof written === 'string')
    return ok(
      written
        .split(/[\s,]+/)
        .filter(Boolean)
        .map(named),
    );
  if (Array.isArray(written)) return fromList(written as readonly Tree[]);
  if (typeof written !== 'object') return err('neither an object nor an array of values');
  const entries = Object.entries(written as { readonly [name: string]: Tree });
  const invalid = entries.find(([name]) => !HEADER_NAME.test(name));
  if (invalid !== undefined) return err(`invalid header name ${invalid[0]}`);
  return ok(entries.map(([name, claim]) => ({ name, claim: textOf(claim) })));
}

const named = (claim: string): ClaimHeader => ({ name: `x-pomerium-claim-${claim.toLowerCase()}`, claim });

const fromList = (claims: readonly Tree[]): Result<readonly ClaimHeader[], string> =>
  claims.some((claim) => typeof claim === 'object' && claim !== null)
    ? err('a nested value in a list of claims')
    : ok(claims.map((claim) => named(textOf(claim))));

const textOf = (claim: Tree): string => (typeof claim === 'string' ? claim : JSON.stringify(claim));
