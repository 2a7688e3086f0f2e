import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';

import { buildGeneration } from '../../src/core/build-generation.ts';
import type { AccessCase } from '../../src/core/cases/access-case.ts';
import { CaseProblems } from '../../src/core/cases/case-fields.ts';
import { parseCase } from '../../src/core/cases/parse-case.ts';
import type { AccessConfig, PolicySemantics } from '../../src/core/config.ts';
import type { Generation } from '../../src/core/generation.ts';
import { decidingReasons } from '../../src/core/policy/decide-verdict.ts';
import { criteria } from '../../src/core/policy/registry.ts';
import type { Tree } from '../../src/core/problem.ts';
import { judgeCase } from '../../src/judge-case.ts';
import { aCriterion as aFormerCriterion } from '../core/policy/arbitraries.ts';

const SSH_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDardAP+beA/4CmwWMYAA7RA1za/Ea1l5JKjmIc2OB3i';

/** The other criteria, some data for each; those of test/core/policy/arbitraries.ts come on top. */
const more: readonly Tree[] = [
  { auth_age: '15m' },
  { acr: ['silver', 'gold'] },
  { http_query: { page: '1' } },
  { http_query: { page: { not: '2' }, all: 'true' } },
  { 'header/x-team': { in: ['eng', 'ops'] } },
  { 'header/x-team': { not: 'eng' } },
  { 'label/environment': 'test' },
  { 'label/absent': { not: 'test' } },
  { date: { after: '2026-03-01', timezone: 'Europe/Berlin' } },
  { day_of_week: { is: 'mon-fri', timezone: 'UTC' } },
  { time_of_day: { after: '22:00', before: '06:00', timezone: 'UTC' } },
  { change_window: 'nights' },
  { record: { source: 'hr', field: 'department', is: 'sales' } },
  { cel: 'claims["department"].exists(d, d == "eng")' },
  { cel: 'request.query["page"][0] == "1"' },
  { cel: 'subject.groups.size() > 0 && now.getHours() < 12' },
  { ssh_publickey: SSH_KEY },
  { ssh_ca: SSH_KEY },
];

const aCriterion: fc.Arbitrary<Tree> = fc.oneof(
  { weight: 3, arbitrary: aFormerCriterion },
  { weight: 2, arbitrary: fc.constantFrom(...more) },
);
const aBody = fc
  .tuple(fc.constantFrom('and', 'or', 'not', 'nor'), fc.array(aCriterion, { maxLength: 3 }))
  .map(([operator, list]): Tree => ({ [operator]: list }));
const aDenyRule = aBody.map((body): Tree => ({ deny: body }));
const aPolicy: fc.Arbitrary<readonly Tree[]> = fc.array(
  fc.oneof(
    aBody.map((body): Tree => ({ allow: body })),
    aDenyRule,
    fc.tuple(aBody, aBody).map(([allow, deny]): Tree => ({ allow, deny })),
  ),
  { minLength: 1, maxLength: 3 },
);
const anySemantics = fc.constantFrom<PolicySemantics>('strict', 'pomerium');

const aPerson = fc.record({
  user: fc.constantFrom('alice', 'bob'),
  email: fc.constantFrom('alice@example.com', 'bob@a@example.com', ''),
  groups: fc.array(fc.constantFrom('eng', 'ops', 'alice'), { maxLength: 2 }),
  claims: fc.constantFrom<Tree>({}, { department: 'eng' }, { department: ['x', 'eng'] }),
  acr: fc.constantFrom('silver', 'bronze'),
  auth_time: fc.constantFrom('2026-03-04T01:00:00Z', '2026-03-04T09:55:00Z'),
});

const aCase: fc.Arbitrary<AccessCase> = fc
  .record({
    subject: fc.option(aPerson, { nil: null }),
    request: fc.record({
      method: fc.constantFrom('GET', 'POST', 'OPTIONS'),
      url: fc
        .constantFrom('/api', '/api/x?page=1', '/api?page=1&page=2', '/x?page=2&all=true', '/%ff', '/a//b')
        .map((path) => `https://app.example.com${path}`),
      headers: fc.constantFrom<Tree>({}, { 'x-team': 'eng' }, { 'x-team': ['eng', 'ops'], accept: 'text/html' }),
      ip: fc.constantFrom('10.0.0.5', '203.0.113.7', ''),
    }),
    time: fc.constantFrom('2026-03-04T10:00:00Z', '2026-03-07T23:00:00Z', '2026-02-01T03:00:00Z'),
  })
  .map((tree) => {
    const problems = new CaseProblems();
    const given = parseCase(tree, [], problems);
    if (given === undefined) throw new Error(problems.found.map(({ message }) => message).join('; '));
    return given;
  });

function generationOf(policy: readonly Tree[], semantics: PolicySemantics): Generation {
  const config: AccessConfig = {
    routes: [{ id: 'app', from: 'https://app.example.com', policy, labels: { environment: 'test' } }],
    idps: [{ name: 'default', url: 'https://idp.example.com', client_id: 'c', scopes: [], request_params: {} }],
    policy_semantics: semantics,
    identity_semantics: 'strict',
    cookie_name: 'doorward',
    session_lifetime: 3600,
    session_recheck_interval: 300,
    cookie_same_site: 'lax',
    cookie_secret: [],
    shared_secret: [],
    signing_key: [],
    pass_identity_headers: false,
    jwt_claims_headers: {},
    jwt_groups_filter: [],
    jwt_issuer_format: 'hostOnly',
    assertion_header: 'x-pomerium-jwt-assertion',
    trusted_proxies: [],
    change_windows: { nights: { timezone: 'UTC', hours: { after: '22:00', before: '04:00' } } },
    records: [
      {
        name: 'hr',
        from: { kind: 'file', path: '/hr.json' },
        format: 'json',
        key: 'id',
        foreign_key: 'user.id',
        interval: 60,
        timeout: 5,
        max_bytes: 1024,
        max_rows: 10,
        max_age: 300,
      },
    ],
  };
  const built = buildGeneration({ config, routePath: (index) => ['routes', index], number: 1, contentHash: '' });
  if (!built.ok) throw new Error(built.error.map(({ message }) => message).join('; '));
  return built.value.generation;
}

const kindOf = (policy: readonly Tree[], semantics: PolicySemantics, given: AccessCase) =>
  judgeCase(given, generationOf(policy, semantics)).verdict;

describe('any policy over every criterion, any request, through the whole of a Check', () => {
  test('the policies have every criterion of the language', () => {
    const names = new Set(
      [...fc.sample(aFormerCriterion, { numRuns: 2000, seed: 1 }), ...more].map(
        (tree) => Object.keys(tree as object)[0]?.split('/')[0],
      ),
    );
    expect(criteria.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
  });

  test('explain and Check never disagree', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(aPolicy, anySemantics, aCase, (policy, semantics, given) => {
        const judged = judgeCase(given, generationOf(policy, semantics));
        seen.add(judged.verdict);
        const { verdict } = judged.findings;
        if (verdict === undefined) return judged.verdict === 'bad-request';
        const blocks = { allow: false, deny: false };
        for (const { action, value } of judged.rules) if (value === true) blocks[action] = true;
        expect(judged.verdict).toBe(verdict.kind);
        expect(judged.rule).toBe(verdict.rule);
        expect(judged.reasons).toEqual(verdict.kind === 'allow' ? verdict.allow.reasons : decidingReasons(verdict));
        expect(blocks).toEqual({ allow: verdict.allow.value === true, deny: verdict.deny.value === true });
        // What would have to change: nothing where it is allowed, and something where a rule is what refused.
        const changes = judged.changes.deny.length + judged.changes.allow.length;
        if (verdict.kind === 'allow') expect(changes).toBe(0);
        else if (judged.rules.some(({ action }) => action === 'allow') && semantics === 'strict')
          expect(changes).toBeGreaterThan(0);
        return true;
      }),
      { numRuns: 10_000 },
    );
    expect([...seen].sort()).toEqual(expect.arrayContaining(['allow', 'bad-request', 'deny', 'login', 'step-up']));
  });

  test('a deny rule that holds overrides every allow rule', () => {
    fc.assert(
      fc.property(aPolicy, anySemantics, aCase, (policy, semantics, given) => {
        const denied = [{ allow: { or: [{ accept: true }] } }, ...policy, { deny: { or: [{ accept: true }] } }];
        expect(kindOf(denied, semantics, given)).not.toBe('allow');
      }),
      { numRuns: 2000 },
    );
  });

  test('adding a deny rule never opens', () => {
    fc.assert(
      fc.property(aPolicy, aDenyRule, anySemantics, aCase, (policy, rule, semantics, given) => {
        if (kindOf([...policy, rule], semantics, given) === 'allow')
          expect(kindOf(policy, semantics, given)).toBe('allow');
      }),
      { numRuns: 2000 },
    );
  });

  test('a criterion that fails opens nothing that it would not open whatever it said', () => {
    fc.assert(
      fc.property(aPolicy, anySemantics, aCase, (policy, semantics, given) => {
        const generation = generationOf(policy, semantics);
        const { facts, route } = judgeCase(given, generation).findings;
        if (facts === undefined || route === undefined) return;
        const fail = (): never => {
          throw new Error('broken');
        };
        // Every criterion that looks at one of these facts throws.
        const broken = route.policy.evaluate({
          ...facts,
          get subject() {
            return fail();
          },
          get http() {
            return fail();
          },
          get sourceIp() {
            return fail();
          },
          get now() {
            return fail();
          },
        });
        if (broken.kind !== 'allow') return;
        // Devices are asked about for a subject, so that fact is broken too.
        const { kinds } = route.policy.possible({
          facts,
          lacks: (name) => !['certificate', 'mcp', 'ssh'].includes(name) && !name.startsWith('label/'),
        });
        expect(kinds.has('allow')).toBe(true);
        expect(broken.allow.reasons).not.toContain('criterion-error');
        expect(broken.deny.value).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});
