/** The shadow beside a Check: what it makes of decided requests, and that nothing else follows from it. */

import { describe, expect, test } from '@jest/globals';

import { buildGeneration } from '../../src/core/build-generation.ts';
import type { AccessConfig, RecordSourceConfig, RouteConfig } from '../../src/core/config.ts';
import type { Findings } from '../../src/core/decision.ts';
import { gatherFacts } from '../../src/core/facts.ts';
import type { Generation } from '../../src/core/generation.ts';
import type { CertificateFacts, RiskFacts } from '../../src/core/policy/facts.ts';
import type { RecordSnapshots } from '../../src/core/policy/record-snapshot.ts';
import { createRecordTable } from '../../src/core/policy/records.ts';
import type { Problem, Tree } from '../../src/core/problem.ts';
import { clientAddress } from '../../src/core/request/client-address.ts';
import { canonicalise } from '../../src/core/request/canonicalise.ts';
import type { FoundSession } from '../../src/core/session/found-session.ts';
import { createShadowWatch, type DecidedCheck } from '../../src/shadow-watch.ts';
import { anAccessRequest } from '../core/request/a-request.ts';
import { aClock, aSession, NOW } from '../core/session/a-session.ts';

const aConfig = (routes: readonly RouteConfig[], changes: Partial<AccessConfig> = {}): AccessConfig => ({
  routes,
  idps: [],
  policy_semantics: 'strict',
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
  assertion_header: 'x-assertion',
  trusted_proxies: [],
  ...changes,
});

const build = (config: AccessConfig, asShadow = false) =>
  buildGeneration({ config, routePath: (index) => ['routes', index], number: 1, contentHash: 'c', asShadow });

function aGeneration(config: AccessConfig): Generation {
  const built = build(config);
  if (!built.ok) throw new Error(built.error.map(({ message }) => message).join('; '));
  return built.value.generation;
}

const problemsOf = (config: AccessConfig): readonly Problem[] => {
  const built = build(config);
  return built.ok ? [] : built.error.filter(({ severity }) => severity === 'error');
};

const app = (changes: Partial<RouteConfig> = {}): RouteConfig => ({
  id: 'app',
  from: 'https://app.example.com',
  ...changes,
});
const open = app({ allow_public_unauthenticated_access: true });
const shadowed = (policy: Tree, changes: Partial<RouteConfig> = {}): RouteConfig =>
  app({ id: 'next', mode: 'shadow', policy, ...changes });
const denyPath: Tree = [{ allow: { or: [{ accept: true }] }, deny: { or: [{ http_path: '/admin' }] } }];

const file = (routes: readonly RouteConfig[], changes: Partial<AccessConfig> = {}) => ({
  access: aConfig(routes, { mode: 'shadow', ...changes }),
  routePaths: routes.map((_, index) => ['routes', index + 10]),
  contentHash: 'd',
});

function watching() {
  const counted: string[] = [];
  const logged: { level: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const clock = aClock();
  const watch = createShadowWatch({
    clock,
    logger: {
      info: (fields) => logged.push({ level: 'info', fields }),
      error: (fields) => logged.push({ level: 'error', fields }),
    },
    observeShadow: ({ active, shadow }) => counted.push(`${active} ${shadow}`),
  });
  return { watch, counted, logged, clock };
}

type Asked = {
  readonly path?: string;
  /** The route that Envoy's own route names. */
  readonly pinned?: string;
  readonly found?: FoundSession;
  readonly decision?: DecidedCheck['decision'];
  readonly code?: string;
  readonly certificate?: () => CertificateFacts;
  readonly records?: RecordSnapshots;
  /** As the active route asked for it. */
  readonly risk?: RiskFacts;
};

function decided(generation: Generation, asked: Asked = {}): DecidedCheck {
  const request = anAccessRequest({ authority: 'app.example.com', path: asked.path ?? '/' });
  const target = canonicalise(request);
  if (!target.ok) throw new Error(target.error.reason);
  const client = clientAddress(request, []);
  const { pinned } = asked;
  const route =
    pinned === undefined
      ? generation.routes.match(target.value.host, target.value.path)
      : generation.routes.pinned(pinned, target.value.host);
  const nobody = { client, session: undefined, now: NOW } as const;
  const facts =
    route === undefined
      ? undefined
      : gatherFacts({
          ...nobody,
          risk: asked.risk,
          request,
          target: target.value,
          route,
          certificate: () => noCertificate,
        });
  const findings: Findings = {
    target: target.value,
    client,
    route,
    pinned,
    presented: undefined,
    session: undefined,
    found: asked.found ?? { kind: 'none' },
    facts,
    verdict: facts === undefined ? undefined : route?.policy.evaluate(facts),
  };
  return {
    request,
    requestId: 'r-1',
    findings,
    decision: asked.decision ?? 'allow',
    code: asked.code ?? 'allow',
    generation,
    certificates: { factsOf: asked.certificate ?? (() => noCertificate) },
    records: asked.records ?? new Map(),
    now: NOW,
  };
}

const noCertificate: CertificateFacts = { presented: false, valid: false, leaf: undefined };

describe('a shadow route', () => {
  const generation = aGeneration(aConfig([open, shadowed(denyPath)]));

  test('is not among the routes in force', () => {
    expect(generation.routes.routes.map(({ id }) => id)).toEqual(['app']);
    expect(generation.shadow?.routes.routes.map(({ id }) => id)).toEqual(['next']);
  });

  test('is told where it differs, and counted where it does not', () => {
    const { watch, counted, logged } = watching();
    expect(watch(decided(generation, { path: '/admin' }))).toEqual({
      decision: 'deny',
      route: 'next',
      rule: 'deny[0].or',
      reasons: ['http-path-ok'],
    });
    expect(watch(decided(generation, { path: '/other' }))).toBeUndefined();
    expect(counted).toEqual(['allow deny', 'allow allow']);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ level: 'info', fields: { request_id: 'r-1', active: 'allow', shadow: 'deny' } });
  });

  test('is logged once a second at most, with how many went by', () => {
    const { watch, logged, clock, counted } = watching();
    for (let index = 0; index < 5; index += 1) watch(decided(generation, { path: '/admin' }));
    clock.advance(1);
    watch(decided(generation, { path: '/admin' }));
    expect(logged.map(({ fields }) => fields['untold'])).toEqual([0, 4]);
    expect(counted).toHaveLength(6);
  });

  test('may be of a host or path that nobody else has, and is no route for anything else', () => {
    const alone = aGeneration(aConfig([open, shadowed(denyPath, { from: 'https://new.example.com' })]));
    expect(alone.routes.forHost('new.example.com')).toBeUndefined();
    expect(alone.shadow?.routes.forHost('new.example.com')?.id).toBe('next');
  });

  test('judges by the session that the Check found, if it takes it', () => {
    const forSre = aGeneration(aConfig([open, shadowed([{ allow: { or: [{ groups: 'sre' }] } }])]));
    const { watch, counted } = watching();
    const session = aSession();
    expect(watch(decided(forSre, { found: { kind: 'session', session } }))).toBeUndefined();
    expect(watch(decided(forSre, { found: { kind: 'none' } }))?.decision).toBe('login');
    const old = aSession({ createdAt: (NOW - 9999) as typeof NOW });
    expect(watch(decided(forSre, { found: { kind: 'session', session: old } }))?.decision).toBe('login');
    expect(watch(decided(forSre, { found: { kind: 'unread' } }))).toEqual({
      decision: 'undecided',
      route: 'next',
      lacking: ['session'],
    });
    expect(counted).toEqual(['allow allow', 'allow login', 'allow login', 'allow undecided']);
  });

  test('is asked of a request that is pinned to the route in whose place it stands, or to itself', () => {
    const { watch } = watching();
    expect(watch(decided(generation, { path: '/admin', pinned: 'app' }))).toMatchObject({
      decision: 'deny',
      route: 'next',
    });
    expect(watch(decided(generation, { path: '/other', pinned: 'app' }))).toBeUndefined();
    const toItself = decided(generation, { pinned: 'next', decision: 'deny', code: 'route-not-found' });
    expect(watch(toItself)?.decision).toBe('allow');
    const other = aGeneration(
      aConfig([open, shadowed(denyPath, { from: 'https://new.example.com', shadow_of: 'app' })]),
    );
    expect(watch(decided(other, { pinned: 'app' }))?.decision).toBe('not-found');
  });

  test('gives way, where a request is pinned, to another that has the id itself', () => {
    const swapped = aGeneration(
      aConfig([
        open,
        shadowed(denyPath),
        shadowed([{ allow: { or: [{ reject: true }] } }], { id: 'app', prefix: '/app' }),
      ]),
    );
    const { watch } = watching();
    expect(watch(decided(swapped, { path: '/admin', pinned: 'app' }))).toMatchObject({
      decision: 'deny',
      route: 'app',
    });
  });

  test('is asked of a request that no active route covers', () => {
    const elsewhere = aGeneration(aConfig([{ ...open, prefix: '/old' }, shadowed(denyPath, { prefix: '/new' })]));
    const { watch } = watching();
    const refused = { decision: 'deny', code: 'route-not-found' } as const;
    expect(watch(decided(elsewhere, { path: '/new/x', ...refused }))?.decision).toBe('allow');
    expect(watch(decided(elsewhere, { path: '/none', ...refused }))).toBeUndefined();
    expect(watch(decided(elsewhere, { path: '/.doorward/user', ...refused }))).toBeUndefined();
  });

  test('is not asked of what no policy decided', () => {
    const { watch, counted } = watching();
    for (const decision of ['respond', 'error'] as const) watch(decided(generation, { decision, code: 'x' }));
    watch(decided(generation, { decision: 'deny', code: 'bad-request' }));
    watch({ ...decided(generation), findings: undefined });
    watch({ ...decided(generation), request: undefined });
    watch(decided(aGeneration(aConfig([open]))));
    expect(counted).toEqual([]);
  });

  test('that cannot be judged is a line in the log, and nothing else', () => {
    const withCertificate = aGeneration(
      aConfig([open, shadowed([{ allow: { or: [{ invalid_client_certificate: true }] } }])]),
    );
    const { watch, logged, counted } = watching();
    const broken = () => {
      throw new Error('broken');
    };
    expect(watch(decided(withCertificate, { certificate: broken }))).toBeUndefined();
    expect(counted).toEqual([]);
    expect(logged).toMatchObject([{ level: 'error', fields: { request_id: 'r-1' } }]);
  });
});

describe('a shadow file', () => {
  test('stands for all routes, and goes by its own proxies', () => {
    const next = file([open, app({ id: 'b', prefix: '/b', policy: denyPath })], { trusted_proxies: ['10.0.0.0/8'] });
    const generation = aGeneration(aConfig([open], { shadow_file: next }));
    expect(generation.shadow?.routes.routes.map(({ id }) => id)).toEqual(['app', 'b']);
    expect(generation.shadow?.trustedProxies).toHaveLength(1);
    expect(generation.shadow?.knowsCertificates).toBe(true);
  });

  test('that relaxes less refuses, and that covers less does not find', () => {
    const { watch } = watching();
    const relaxed = { ...open, relax: ['double_slash'] as const };
    const strict = aGeneration(aConfig([relaxed], { shadow_file: file([{ ...open, prefix: '/a' }]) }));
    expect(watch(decided(strict, { path: '/a//b' }))?.decision).toBe('bad-request');
    expect(watch(decided(strict, { path: '/b' }))?.decision).toBe('not-found');
  });

  test('knows how risky somebody is only where the active route asked for it', () => {
    const policy: Tree = [{ allow: { and: [{ authenticated_user: true }, { risk: 'low' }] } }];
    const generation = aGeneration(aConfig([open, shadowed(policy)]));
    const { watch } = watching();
    const found: FoundSession = { kind: 'session', session: aSession() };
    expect(watch(decided(generation, { found }))).toEqual({ decision: 'undecided', route: 'next', lacking: ['risk'] });
    expect(watch(decided(generation, { found, risk: { level: 'low', isSaid: true } }))).toBeUndefined();
    const refused = watch(decided(generation, { found, risk: { level: 'high', isSaid: true } }));
    expect(refused).toMatchObject({ decision: 'deny', reasons: ['risk-too-high'] });
    expect(watch(decided(generation))?.decision).toBe('login');
  });

  test('with rules for certificates of its own is undecided where it needs one', () => {
    const needs = app({ policy: [{ allow: { or: [{ invalid_client_certificate: true }] } }] });
    const mtls = { enforcement: 'policy', match_subject_alt_names: [], max_verify_depth: 1, ca: 'x' } as const;
    const generation = aGeneration(aConfig([open], { shadow_file: file([needs], { downstream_mtls: mtls }) }));
    const { watch } = watching();
    expect(watch(decided(generation))).toEqual({ decision: 'undecided', route: 'app', lacking: ['certificate'] });
    const ofRoute = file([{ ...needs, tls_downstream_client_ca: 'x' }]);
    expect(aGeneration(aConfig([open], { shadow_file: ofRoute })).shadow?.knowsCertificates).toBe(false);
  });

  test('that has an error is an error at its place', () => {
    const next = file([app({ policy: [{ allow: { or: [{ no_such_criterion: true }] } }] })]);
    expect(problemsOf(aConfig([open], { shadow_file: next }))[0]?.path.slice(0, 4)).toEqual([
      'shadow_file',
      'routes',
      10,
      'policy',
    ]);
  });

  test('cannot be in force, have shadow routes, or stand beside them', () => {
    expect(problemsOf(aConfig([open], { mode: 'shadow' })).map(({ path }) => path)).toEqual([['mode']]);
    expect(build(aConfig([open], { mode: 'shadow' }), true).ok).toBe(true);
    const nested = file([open, shadowed(denyPath)]);
    expect(problemsOf(aConfig([open], { shadow_file: nested })).map(({ path }) => path)).toEqual([
      ['shadow_file', 'mode'],
    ]);
    const both = aConfig([open, shadowed(denyPath)], { shadow_file: file([open]) });
    expect(problemsOf(both).map(({ path }) => path)).toEqual([['shadow_file']]);
  });

  test('has routes of different names', () => {
    const twice = aConfig([open, shadowed(denyPath, { prefix: '/x', id: 'app' })]);
    expect(problemsOf(twice)[0]?.message).toContain('another route has the name');
    expect(problemsOf(aConfig([open, open]))).toHaveLength(1);
    expect(problemsOf(aConfig([open, shadowed(denyPath, { shadow_of: 'none' })]))).toHaveLength(1);
  });
});

describe('a shadow that reads records', () => {
  const directory: RecordSourceConfig = {
    name: 'directory',
    from: { kind: 'file', path: '/people.json' },
    format: 'json',
    key: 'id',
    foreign_key: 'user.id',
    ...{ interval: 60, timeout: 1, max_bytes: 1000, max_rows: 10, max_age: 60 },
  };
  const session = aSession();
  const found: FoundSession = { kind: 'session', session };
  const table = createRecordTable([{ id: session.subject, groups: ['from-the-source'] }], {
    key: 'id',
    foreignKey: 'user.id',
    rowsMax: 10,
  });
  if (!table.ok) throw new Error(table.error);
  const records: RecordSnapshots = new Map([['directory', { table: table.value, asOf: NOW }]]);
  const ofGroup: Tree = [{ allow: { and: [{ groups: 'from-the-source' }] } }];
  const ofRecord: Tree = [{ allow: { and: [{ record: { source: 'directory', field: 'id', exists: true } }] } }];
  const groups = { source: 'directory', field: 'groups' };
  const closed = app({ policy: [{ allow: { and: [{ reject: true }] } }] });
  const judged = (config: AccessConfig) =>
    watching().watch(decided(aGeneration(config), { found, records, decision: 'deny', code: 'forbidden' }));

  test('goes by the groups of the generation, where a route is one', () => {
    const routes = [closed, shadowed(ofGroup)];
    expect(judged(aConfig(routes, { records: [directory], groups }))).toMatchObject({ decision: 'allow' });
    expect(judged(aConfig(routes, { records: [directory] }))).toBeUndefined();
  });

  test('goes by the groups of its own file, where a file is one', () => {
    const sources = { records: [directory] };
    const next = (changes: Partial<AccessConfig>) => file([app({ policy: ofGroup })], changes);
    const beside = (changes: Partial<AccessConfig>, own: Partial<AccessConfig>) =>
      judged(aConfig([closed], { ...sources, ...changes, shadow_file: next({ ...sources, ...own }) }));
    expect(beside({}, { groups })).toMatchObject({ decision: 'allow' });
    expect(beside({ groups }, {})).toBeUndefined();
  });

  test.each([
    ['groups', ofGroup, 'groups'],
    ['records', ofRecord, 'record/directory/id'],
  ])('is undecided about %s of a source that nobody asks as it would', (_name, policy, lacking) => {
    const own = { ...directory, from: { kind: 'file', path: '/other.json' } } as const;
    const next = file([app({ policy })], { records: [own], groups });
    expect(judged(aConfig([closed], { records: [directory], shadow_file: next }))).toMatchObject({
      decision: 'undecided',
      lacking: [lacking],
    });
    const same = file([app({ policy })], { records: [directory], groups });
    expect(judged(aConfig([closed], { records: [directory], shadow_file: same }))).toMatchObject({ decision: 'allow' });
  });
});
