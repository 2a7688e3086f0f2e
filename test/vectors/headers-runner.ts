/** Runs one line about identity headers, in the Pomerium semantics, and says in what the headers and the assertion differ from what it expects. */

import { isDeepStrictEqual } from 'node:util';
import { createAssertionSigner } from '../../src/adapters/jose/assertion-signer.ts';
import { assertionClaims, claimSet, claimSetText, issuerOf } from '../../src/core/assertion/claim-set.ts';
import type { AssertedIdentity } from '../../src/core/assertion/claim-set.ts';
import { goNumber } from '../../src/core/assertion/claim-text.ts';
import { groupsFilter, pomeriumGroups } from '../../src/core/assertion/groups.ts';
import type { DirectoryGroups, GroupsFilter } from '../../src/core/assertion/groups.ts';
import { parseHeaderTemplate } from '../../src/core/assertion/header-template.ts';
import { ASSERTION_SECONDS, pomeriumName } from '../../src/core/assertion/told-identity.ts';
import { addedRemovals, pomeriumHeaders, routeRemovals } from '../../src/core/assertion/pomerium-headers.ts';
import type { ClaimHeader } from '../../src/core/assertion/pomerium-headers.ts';
import { resolveReference } from '../../src/core/assertion/references.ts';
import type { AssertionSigner } from '../../src/core/ports.ts';
import type { Tree } from '../../src/core/problem.ts';
import { flattenClaims } from '../../src/core/session/claims.ts';
import type { Claims } from '../../src/core/session/session.ts';
import { claimHeadersOf } from './header-vector.ts';
import type { FlattenVector, HeaderExpectation, HeaderFixtures, HeaderRecords, HeaderVector } from './header-vector.ts';
import { createCertificates } from './ppl-certificates.ts';
import { effectiveSessionId, NOW } from './ppl-facts.ts';
import type { Fixtures, PplVector, VectorLine, VectorOutcome } from './vector.ts';

/** Lines of kind `headers` and `flatten-claims`. */
export function runHeaderVector(line: VectorLine, fixtures: Fixtures): VectorOutcome {
  const vector = line as HeaderVector | FlattenVector;
  if (vector.kind === 'flatten-claims') return runFlattenVector(vector);
  const claimHeaders = claimHeadersOf(vector.settings?.jwt_claims_headers);
  const { id, expect } = vector;
  if (!claimHeaders.ok) return { id, differences: compare('error', true, expect.error !== undefined) };
  if (expect.error !== undefined) return { id, differences: [`expected the error: ${expect.error}`] };
  return { id, differences: differencesOf(vector, claimHeaders.value, fixtures as HeaderFixtures) };
}

function runFlattenVector({ id, input, expect }: FlattenVector): VectorOutcome {
  const flat = flattenClaims(input.claims);
  return { id, differences: compare('claims', Object.fromEntries(flat), expect) };
}

const STAMP = { issuedAt: NOW, expiresAt: NOW + ASSERTION_SECONDS, id: '00000000-0000-4000-8000-000000000000' };
const masks: readonly (readonly [text: string, mask: string])[] = [
  [String(STAMP.issuedAt), '<IAT>'],
  [String(STAMP.expiresAt), '<EXP>'],
  [STAMP.id, '<JTI>'],
];

function differencesOf(
  vector: HeaderVector,
  claimHeaders: readonly ClaimHeader[],
  fixtures: HeaderFixtures,
): readonly string[] {
  const { route, settings, expect } = vector;
  const sessionId = effectiveSessionId(vector as unknown as PplVector);
  const filter = groupsFilter(settings?.jwt_groups_filter ?? [], route.jwt_groups_filter);
  const identity = identityOf(sessionId, vector.records ?? {}, filter);
  const host = vector.request.host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const format = route.jwt_issuer_format ?? settings?.jwt_issuer_format ?? 'hostOnly';
  const names = claimHeaders.map(({ claim }) => claim);
  const claims = claimSet(identity, { issuer: issuerOf(host, format), audience: host }, names, 'pomerium');
  const signer = signerOf(settings?.signing_key ?? fixtures.default_signing_key, fixtures);
  const assertion = signer.sign(assertionClaims(claimSetText(claims), STAMP));
  const certificates = createCertificates(vector as unknown as PplVector, fixtures);
  const requestHeader = requestHeaderOf(vector);
  const session = sessionOf(sessionId, vector.records ?? {});
  const tokens = session && { accessToken: session.access_token, idToken: session.id_token };

  const added = pomeriumHeaders({
    ...{ identity, claims, stamp: STAMP, assertion, claimHeaders, requestHeader },
    assertionHeader: 'x-pomerium-jwt-assertion',
    mcpAccessToken: route.mcp_client === true ? `MCPTOKEN-${sessionId}` : undefined,
    kubernetesServiceAccountToken: route.kubernetes_service_account_token,
    hasRoutingKey: ['ring_hash', 'maglev'].includes(route.load_balancing_policy ?? ''),
    setRequestHeaders: Object.entries(route.set_request_headers ?? {}).map(([name, value]) => ({
      name,
      template: parseHeaderTemplate(value),
    })),
    resolve: (reference) =>
      resolveReference(reference, {
        ...{ semantics: 'pomerium', tokens, requestHeader },
        identity: session && identity,
        assertion: () => assertion,
        certificate: () => certificates?.facts ?? { presented: false, valid: false, leaf: undefined },
      }),
  });
  const headers = new Map<string, string[]>();
  for (const [name, value] of added) {
    const known = headers.get(name.toLowerCase());
    if (known === undefined) headers.set(name.toLowerCase(), [value]);
    else known.push(value);
  }
  const removals = routeRemovals({
    removeRequestHeaders: route.remove_request_headers ?? [],
    passIdentityHeaders: route.pass_identity_headers ?? settings?.pass_identity_headers ?? false,
    claimHeaders,
  });
  return [
    ...compare('effective_session_id', sessionId, expect.effective_session_id ?? ''),
    ...compareHeaders(headers, assertion, expect),
    ...compareNames(
      'headers_to_remove',
      addedRemovals({ isMcpServer: route.mcp_server === true }),
      expect.headers_to_remove,
    ),
    ...compareNames('route_headers_to_remove', [...removals, ...reproxyHeaders], expect.route_headers_to_remove),
    ...compareAssertion(assertion, expect),
  ];
}

/** Headers between Pomerium's own processes, removed on every route; here they fall under the reserved names. */
const reproxyHeaders = ['x-pomerium-reproxy-policy', 'x-pomerium-reproxy-policy-hmac'];

function requestHeaderOf({ request }: HeaderVector): (name: string) => string {
  const isToken = (name: string): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name);
  const key = (name: string): string => (isToken(name) ? name.toLowerCase() : name);
  const headers = new Map(Object.entries(request.headers ?? {}).map(([name, value]) => [key(name), value]));
  return (name) => headers.get(key(name)) ?? '';
}

const byId = <R extends { readonly id: string }>(records: readonly R[] | undefined, id: string): R | undefined =>
  records?.find((record) => record.id === id);

/** The session itself, or the one that it impersonates; undefined for a service account. */
function sessionOf(id: string, records: HeaderRecords): NonNullable<HeaderRecords['sessions']>[number] | undefined {
  const session = byId(records.sessions, id);
  const impersonated = session?.impersonate_session_id ?? '';
  if (impersonated === '') return session;
  const other = byId(records.sessions, impersonated);
  return other?.expires_at !== undefined && Date.parse(other.expires_at) / 1000 < NOW ? undefined : other;
}

function identityOf(sessionId: string, records: HeaderRecords, filter: GroupsFilter): AssertedIdentity {
  const session = sessionOf(sessionId, records);
  const userId = (byId(records.service_accounts, sessionId) ?? session)?.user_id ?? '';
  const user = userId === '' ? undefined : byId(records.users, userId);
  const inDirectory = userId === '' ? undefined : byId(records.directory_users, userId);
  const sessionClaims = claimsOf(session?.claims);
  const userClaims = claimsOf(user?.claims);
  const directoryEmail = inDirectory?.['email'];
  return {
    ...{ sessionId, userId, sessionClaims, userClaims, actors: [] },
    email: directoryEmail === undefined ? (user?.email ?? '') : goText(directoryEmail),
    name: pomeriumName(sessionClaims, userClaims),
    groups: pomeriumGroups(directoryOf(inDirectory, records), sessionClaims, filter),
  };
}

const claimsOf = (claims: { readonly [name: string]: readonly Tree[] } | undefined): Claims =>
  new Map(Object.entries(claims ?? {}));

function directoryOf(
  user: { readonly [field: string]: Tree } | undefined,
  records: HeaderRecords,
): DirectoryGroups | undefined {
  const ids = user?.['group_ids'];
  if (!Array.isArray(ids) || !ids.every((id): id is string => typeof id === 'string')) return undefined;
  return {
    ids,
    nameOf: (id) => {
      const name = byId(records.directory_groups, id)?.['name'];
      return name === undefined ? undefined : goText(name);
    },
  };
}

/** As Go's `fmt.Sprint` has it; only scalars occur. */
function goText(value: Tree): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? goNumber(value) : value === null ? '<nil>' : JSON.stringify(value);
}

const signers = new Map<string, AssertionSigner>();

function signerOf(name: string, fixtures: HeaderFixtures): AssertionSigner {
  const known = signers.get(name);
  if (known !== undefined) return known;
  const signer = createAssertionSigner([fixtures.signing_keys[name]?.private_pem ?? ''], []);
  if (!signer.ok) throw new Error(signer.error);
  signers.set(name, signer.value);
  return signer.value;
}

function compareHeaders(
  headers: ReadonlyMap<string, readonly string[]>,
  assertion: string,
  expect: HeaderExpectation,
): readonly string[] {
  const unordered = new Set(expect.unordered_values?.map((name) => name.toLowerCase()));
  const inOrder = (name: string, values: readonly string[]): readonly string[] =>
    unordered.has(name) ? [...values].sort() : values;
  const seen = [...headers].map(([name, values]) => [
    name,
    inOrder(
      name,
      values.map((value) => masked(value, assertion)),
    ),
  ]);
  const expected = Object.entries(expect.headers ?? {}).map(([name, values]) => {
    const key = name.toLowerCase();
    return [key, inOrder(key, values)];
  });
  return compare('headers', Object.fromEntries(seen), Object.fromEntries(expected));
}

const masked = (value: string, assertion: string): string =>
  masks.reduce((text, [secret, mask]) => text.replaceAll(secret, mask), value.replaceAll(assertion, '<JWT>'));

function compareAssertion(assertion: string, expect: HeaderExpectation): readonly string[] {
  const [header, claims] = assertion
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as { readonly [name: string]: Tree });
  const { iat, exp, ...rest } = claims ?? {};
  const shown = { ...rest, iat: '<IAT>', exp: '<EXP>', jti: '<JTI>' };
  return [
    ...compare('jwt_claims', shown, expect.jwt_claims),
    ...compare('jwt_ttl_seconds', Number(exp) - Number(iat), expect.jwt_ttl_seconds),
    ...(expect.jwt_header === undefined ? [] : compare('jwt_header', header, expect.jwt_header)),
  ];
}

/** Lists of header names: in any order, in any case. */
const compareNames = (what: string, seen: readonly string[], expected: readonly string[] = []): readonly string[] => {
  const sorted = (names: readonly string[]): readonly string[] => names.map((name) => name.toLowerCase()).sort();
  return compare(what, sorted(seen), sorted(expected));
};

const compare = (what: string, seen: unknown, expected: unknown): readonly string[] =>
  isDeepStrictEqual(seen, expected)
    ? []
    : [`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(seen)}`];
