/** Runs one policy vector: compiles its policy, gathers its facts, judges, and says where the outcome differs from the expected one. */

import { anonymousFacts } from '../../src/core/policy/anonymous.ts';
import { compilePolicy } from '../../src/core/policy/compile.ts';
import type { CompiledPolicy } from '../../src/core/policy/compiled-policy.ts';
import { decideVerdict } from '../../src/core/policy/decide-verdict.ts';
import { reasonSet } from '../../src/core/policy/reasons.ts';
import type { RuleResult, Verdict } from '../../src/core/policy/verdict.ts';
import type { Tree } from '../../src/core/problem.ts';
import { isList } from '../../src/core/policy/tree.ts';
import { createCertificates } from './ppl-certificates.ts';
import { finalOf, statusOf } from './ppl-answer.ts';
import { decodedPath, effectiveSessionId, factsOf } from './ppl-facts.ts';
import { parsePplText } from './ppl-text.ts';
import type { Fixtures, PplExpectation, PplVector, RuleExpectation, VectorOutcome } from './vector.ts';

const CONFIG_ERROR: PplExpectation = { final: 'config-error' };

export function runPplVector(vector: PplVector, fixtures: Fixtures): VectorOutcome {
  const expected = vector.expect_intended ?? vector.expect;
  const actual = judge(vector, fixtures);
  return { id: vector.id, differences: compare(expected, actual) };
}

export function judge(vector: PplVector, fixtures: Fixtures): PplExpectation {
  const { route, request } = vector;
  const certificates = createCertificates(vector, fixtures);
  if (certificates === undefined) return CONFIG_ERROR;
  const parsed = vector.ppl === undefined ? undefined : parsePplText(vector.ppl, vector.ppl_format);
  if (parsed?.ok === false) return CONFIG_ERROR;
  const compiled = compilePolicy({
    policy: parsed?.value,
    path: ['routes', 0, 'policy'],
    semantics: 'pomerium',
    flags: flagsOf(route),
    denyInvalidCertificate: certificates.denyInvalid,
    hasClientCa: certificates.hasCa,
    changeWindows: new Map(),
    labels: new Map(),
    ownHeaders: new Set(),
  });
  if (!compiled.ok || namesOwnCriterion(compiled.value.policy)) return CONFIG_ERROR;
  if (route.mcp_server === true && request.method === 'OPTIONS' && request.ssh === undefined)
    return { final: 'mcp-cors-preflight', status: 204 };

  const facts = factsOf(vector, certificates.facts);
  const verdict =
    request.internal === true
      ? internalVerdict(vector)
      : route.not_found === true
        ? notFound
        : compiled.value.policy.evaluate(facts);
  const final = finalOf(vector, verdict, facts);
  const status = statusOf(final);
  return {
    final,
    allow: shown(verdict.allow),
    deny: shown(verdict.deny),
    ...(status === undefined ? {} : { status }),
  };
}

/** The vectors know these criteria; a policy with another one did not load where they were made. */
const vectorCriteria: ReadonlySet<string> = new Set([
  'accept',
  'authenticated_user',
  'claim',
  'client_certificate',
  'cors_preflight',
  'device',
  'domain',
  'email',
  'groups',
  'http_method',
  'http_path',
  'invalid_client_certificate',
  'mcp_tool',
  'reject',
  'source_ip',
  'ssh_ca',
  'ssh_publickey',
  'ssh_username',
  'ssh_username_matches_claim',
  'ssh_username_matches_email',
  'user',
]);

const namesOwnCriterion = (policy: CompiledPolicy): boolean =>
  policy.explain(anonymousFacts).criteria.some(({ name }) => !vectorCriteria.has(name.split('/')[0] ?? ''));

/** Keys of the route and of its sub-policies together. */
function flagsOf(route: PplVector['route']) {
  const parts = [route, ...(route.sub_policies ?? [])];
  // Claims of the parts are told apart by nothing but their place, so their lists are joined.
  const claims: { [claim: string]: Tree } = {};
  for (const { allowed_idp_claims: part } of parts)
    for (const [claim, value] of Object.entries(part ?? {})) {
      const earlier = claims[claim];
      claims[claim] = earlier !== undefined && isList(earlier) && isList(value) ? [...earlier, ...value] : value;
    }
  return {
    public: route.allow_public_unauthenticated_access === true,
    corsPreflight: route.cors_allow_preflight === true,
    anyAuthenticatedUser: route.allow_any_authenticated_user === true,
    allowedUsers: parts.flatMap(({ allowed_users: users }) => users ?? []),
    allowedDomains: parts.flatMap(({ allowed_domains: domains }) => domains ?? []),
    allowedIdpClaims: claims,
  };
}

const verdictOf = (action: 'allow' | 'deny', value: boolean, reason: string): Verdict => {
  const said = {
    outcome: { state: value ? 'true' : 'false', reasons: reasonSet([reason]) },
    rule: undefined,
  } as const;
  const silent = { outcome: { state: 'false', reasons: reasonSet([]) }, rule: undefined } as const;
  return action === 'allow' ? decideVerdict('pomerium', said, silent) : decideVerdict('pomerium', silent, said);
};

const notFound = verdictOf('deny', true, 'route-not-found');

/** Paths of the proxy's own that want somebody who is signed in. */
const internalPathsWithLogin = new Set([
  '/.pomerium/api/v1/routes',
  '/.pomerium/jwt',
  '/.pomerium/mcp/authorize',
  '/.pomerium/mcp/connect',
  '/.pomerium/mcp/routes',
  '/.pomerium/routes',
  '/.pomerium/user',
  '/.pomerium/webauthn',
]);

function internalVerdict(vector: PplVector): Verdict {
  const needsLogin = internalPathsWithLogin.has(decodedPath(vector.request.path));
  return needsLogin && effectiveSessionId(vector) === ''
    ? verdictOf('allow', false, 'user-unauthenticated')
    : verdictOf('allow', true, 'pomerium-route');
}

const shown = ({ value, reasons, deviceType }: RuleResult): RuleExpectation => ({
  value: value === true,
  reasons,
  ...(deviceType === undefined ? {} : { additional_data: { device_type: deviceType } }),
});

/** The same text for the same meaning. */
const normal = (rule: RuleExpectation | undefined): readonly unknown[] => [
  rule?.value ?? false,
  [...(rule?.reasons ?? [])].sort(),
  rule?.additional_data?.device_type,
];

function compare(expected: PplExpectation, actual: PplExpectation): readonly string[] {
  const differences: string[] = [];
  const check = (what: string, wanted: unknown, got: unknown): void => {
    const [left = 'nothing', right = 'nothing'] = [wanted, got].map(
      (value) => JSON.stringify(value) as string | undefined,
    );
    if (left !== right) differences.push(`${what}: expected ${left}, got ${right}`);
  };
  check('final', expected.final, actual.final);
  if (expected.final === 'config-error' || expected.final === 'mcp-cors-preflight') return differences;
  check('status', expected.status, actual.status);
  check('allow', normal(expected.allow), normal(actual.allow));
  check('deny', normal(expected.deny), normal(actual.deny));
  return differences;
}
