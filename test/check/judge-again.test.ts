/** A recorded request judged again: through the real check, its record as a line of JSON, and back. */

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';

import { createSealer } from '../../src/adapters/system/sealer.ts';
import { check, type CheckDecision } from '../../src/check.ts';
import { judgeAgain } from '../../src/judge-again.ts';
import { judgedKindOf, type JudgedKind } from '../../src/core/audit/judged-kind.ts';
import { parseRecord } from '../../src/core/audit/parse-record.ts';
import type { JudgedAgain } from '../../src/core/audit/judged-again.ts';
import { recordOf } from '../../src/core/audit/record-of.ts';
import { buildGeneration } from '../../src/core/build-generation.ts';
import type { AccessConfig, RouteConfig } from '../../src/core/config.ts';
import type { Generation } from '../../src/core/generation.ts';
import type { CertificateFacts } from '../../src/core/policy/facts.ts';
import type { Tree } from '../../src/core/problem.ts';
import { handleOf, sealSessionCookie } from '../../src/core/session/cookie.ts';
import type { Session } from '../../src/core/session/session.ts';
import type { RiskLevel, UserFact } from '../../src/core/signals/user-fact.ts';
import { epochSeconds, idpName } from '../../src/core/units.ts';
import { aPolicy } from '../core/policy/arbitraries.ts';
import { anAccessRequest } from '../core/request/a-request.ts';
import { aSession, aSessionId, NOW, secondsAfter } from '../core/session/a-session.ts';

const HOST = 'app.example.com';
const sealer = createSealer(['s'.repeat(32)], { bytes: (length) => new Uint8Array(length).fill(7) });
const cookie = sealSessionCookie({ id: aSessionId(), issuedAt: NOW, expiresAt: secondsAfter(9999) }, HOST, sealer);

const aRouteConfig = (changes: Partial<RouteConfig> = {}): RouteConfig => ({
  id: 'app',
  from: `https://${HOST}`,
  ...changes,
});

function aGeneration(routes: readonly RouteConfig[], changes: Partial<AccessConfig> = {}): Generation {
  const config: AccessConfig = {
    routes,
    idps: [
      { name: 'default', url: 'https://idp.example.com', client_id: 'c', scopes: [], request_params: {} },
      { name: 'other', url: 'https://other.example.com', client_id: 'c', scopes: [], request_params: {} },
    ],
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
    assertion_header: 'x-pomerium-jwt-assertion',
    trusted_proxies: [],
    ...changes,
  };
  const built = buildGeneration({ config, routePath: (index) => ['routes', index], number: 1, contentHash: 'c0ffee' });
  if (!built.ok) throw new Error(built.error.map(({ message }) => message).join('; '));
  return built.value.generation;
}

type Asked = {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly hasCookie?: boolean;
  readonly session?: Session | undefined;
  readonly peer?: string;
  readonly certificate?: CertificateFacts;
  readonly pin?: string;
  readonly body?: string;
  /** How risky the user was said to be. */
  readonly risk?: RiskLevel | undefined;
};

const noCertificate: CertificateFacts = { presented: false, valid: false, leaf: undefined };

const factsOf = (level: RiskLevel | undefined): readonly UserFact[] =>
  level === undefined ? [] : [{ about: 'risk', scope: 's', level, at: NOW }];

/** The record that a Check writes, as a line, and what it decided. */
function checked(generation: Generation, asked: Asked): { readonly line: string; readonly decision: CheckDecision } {
  const { hasCookie = asked.session !== undefined, body, pin } = asked;
  const request = anAccessRequest({
    authority: HOST,
    path: asked.path ?? '/',
    method: asked.method ?? 'GET',
    headers: [...(asked.headers ?? []), ...(hasCookie ? [['cookie', `__Host-doorward=${cookie}`] as const] : [])],
    source: { address: asked.peer ?? '192.0.2.1', port: 1, principal: '', certificate: '' },
    body: body === undefined ? undefined : { bytes: Buffer.from(body), partial: false, asString: false },
    contextExtension: (key) => (key === 'doorward.route' ? pin : undefined),
  });
  const known = {
    generation,
    sealer,
    session: { handle: handleOf(aSessionId()), session: asked.session },
    facts: asked.session === undefined ? undefined : { of: asked.session, facts: factsOf(asked.risk) },
    certificate: () => asked.certificate ?? noCertificate,
  };
  const decision = check(request, known, NOW);
  if (decision.kind === 'needs') throw new Error('everything is at hand');
  const isRefusal = decision.kind === 'refuse';
  const record = recordOf({
    request,
    requestId: 'r-1',
    findings: decision.findings,
    outcome: { kind: 'allow', upstream: { set: [], remove: [], setCookies: [] } },
    decision: decision.kind,
    code: isRefusal ? decision.code : decision.kind,
    generation,
    now: NOW,
    micros: 1,
  });
  return { line: JSON.stringify(record), decision };
}

function again(
  line: string,
  generation: Generation,
): { readonly was: JudgedKind; readonly is: JudgedAgain } | undefined {
  const parsed = parseRecord(JSON.parse(line));
  if (!parsed.ok) throw new Error(parsed.error);
  if (parsed.value.kind === 'apart') return undefined;
  return { was: parsed.value.record.was, is: judgeAgain(parsed.value.record, generation) };
}

const replayed = (before: Generation, asked: Asked, after: Generation) => again(checked(before, asked).line, after)?.is;

const groups = (name: string): Tree => [{ allow: { or: [{ groups: name }] } }];
const anyone = aRouteConfig({ allow_any_authenticated_user: true });
const forSre = aRouteConfig({ policy: groups('sre') });
const forAdmins = aRouteConfig({ policy: groups('admins') });
const open = aRouteConfig({ allow_public_unauthenticated_access: true });

describe('a recorded request under a new policy', () => {
  test('is decided anew, with rule and reasons, where the record has what it takes', () => {
    const session = aSession();
    expect(replayed(aGeneration([forSre]), { session }, aGeneration([forAdmins]))).toMatchObject({
      kind: 'decided',
      is: 'deny',
      route: 'app',
      reasons: ['groups-unauthorized'],
    });
    expect(replayed(aGeneration([forSre]), { session }, aGeneration([forSre]))).toMatchObject({
      is: 'allow',
      rule: 'allow[0].or',
      reasons: ['groups-ok'],
    });
  });

  test('is undecided, by the name of the fact, where the outcome depends on what it lacks', () => {
    expect(replayed(aGeneration([anyone]), { session: aSession() }, aGeneration([forSre]))).toEqual({
      kind: 'undecided',
      route: 'app',
      lacking: ['groups'],
    });
  });

  test('is decided all the same where what it lacks makes no difference', () => {
    const policy: Tree = [{ allow: { or: [{ groups: 'sre' }] }, deny: { or: [{ http_path: '/x' }] } }];
    const denied = { session: aSession(), path: '/x' };
    expect(replayed(aGeneration([anyone]), denied, aGeneration([aRouteConfig({ policy })]))).toEqual({
      kind: 'decided',
      is: 'deny',
      route: 'app',
      rule: undefined,
      reasons: [],
    });
  });

  test('asks nobody to sign in whose session was not looked at, and knows who had none', () => {
    expect(replayed(aGeneration([open]), { hasCookie: true }, aGeneration([anyone]))?.kind).toBe('undecided');
    expect(replayed(aGeneration([open]), {}, aGeneration([anyone]))).toMatchObject({ is: 'login' });
  });

  test('knows which sessions the new routes take', () => {
    const session = aSession({ createdAt: secondsAfter(-1000), lastSeenAt: secondsAfter(-500) });
    const before = aGeneration([anyone]);
    const under = (changes: Partial<RouteConfig>) =>
      replayed(before, { session }, aGeneration([{ ...anyone, ...changes }]));
    expect(under({})).toMatchObject({ is: 'allow' });
    expect(under({ idp: 'other' })).toMatchObject({ is: 'login' });
    expect(under({ session_lifetime: 900 })).toMatchObject({ is: 'login' });
    expect(under({ session_idle_timeout: 400 })).toMatchObject({ is: 'login' });
    // Whose session another route did not take is not known from its record.
    const strict = aGeneration([{ ...anyone, idp: 'other' }]);
    expect(replayed(strict, { session }, strict)).toMatchObject({ is: 'login' });
    expect(replayed(strict, { session }, before)).toEqual({ kind: 'undecided', route: 'app', lacking: ['user'] });
  });

  test('goes to the route that the new configuration has for it', () => {
    const before = aGeneration([open]);
    expect(replayed(before, { path: '/a' }, aGeneration([{ ...open, prefix: '/b' }]))).toMatchObject({
      is: 'not-found',
    });
    const relaxed = { ...open, relax: ['double_slash'] } as const;
    expect(replayed(aGeneration([relaxed]), { path: '/a//b' }, before)).toMatchObject({ is: 'bad-request' });
    expect(replayed(aGeneration([{ ...open, prefix: '/b' }]), { path: '/a' }, before)).toMatchObject({ is: 'allow' });
    const pinned = aGeneration([{ ...open, id: 'other', prefix: '/other' }, open]);
    expect(replayed(pinned, { path: '/x', pin: 'other' }, pinned)).toMatchObject({ route: 'other' });
  });

  test('has the address that the new proxies would give, or none', () => {
    const policy: Tree = [{ allow: { or: [{ source_ip: '203.0.113.0/24' }] } }];
    const route = aRouteConfig({ policy });
    const behind = aGeneration([route], { trusted_proxies: ['10.0.0.0/8'] });
    const asked = { peer: '10.0.0.1', headers: [['x-forwarded-for', '203.0.113.9']] } as const;
    expect(replayed(behind, asked, behind)).toMatchObject({ is: 'allow' });
    expect(replayed(behind, asked, aGeneration([route]))).toMatchObject({ is: 'deny' });
    expect(replayed(aGeneration([route]), asked, behind)).toMatchObject({ kind: 'undecided', lacking: ['source_ip'] });
  });

  test('sees headers, parameters, certificate and MCP message as they were', () => {
    const policy: Tree = [
      {
        allow: {
          and: [
            { 'header/x-posture': 'managed' },
            { http_query: { 'ac tion': 'read & write' } },
            { client_certificate: { san_email: 'a@example.com' } },
            { mcp_tool: 'search' },
            { 'claim/department': 'it' },
          ],
        },
      },
    ];
    const leaf = { fingerprint: 'ab', spkiHash: 'cd', sanEmail: ['a@example.com'], sanDns: [], sanUri: [] };
    const generation = aGeneration([aRouteConfig({ policy })]);
    const asked: Asked = {
      method: 'POST',
      path: '/?ac+tion=read%20%26%20write',
      headers: [
        ['x-posture', 'managed'],
        ['content-type', 'application/json'],
      ],
      session: aSession({ claims: new Map([['department', ['it']]]) }),
      certificate: { presented: true, valid: true, leaf },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}',
    };
    expect(checked(generation, asked).decision.kind).toBe('allow');
    expect(replayed(generation, asked, generation)).toMatchObject({ is: 'allow' });
  });

  test('sees when and how strongly somebody signed in', () => {
    const { line } = checked(aGeneration([forSre]), { session: aSession() });
    const record = JSON.parse(line) as { facts: Record<string, unknown> };
    const parsed = parseRecord({ ...record, facts: { ...record.facts, auth_time: 5, acr: 'mfa', groups: null } });
    if (!parsed.ok || parsed.value.kind !== 'judged') throw new Error('no record');
    expect(judgeAgain(parsed.value.record, aGeneration([forSre]))).toMatchObject({ is: 'deny' });
  });

  test('sees how risky somebody was said to be, and is undecided where the record does not say so', () => {
    const policy: Tree = { allow: { and: [{ authenticated_user: true }, { risk: 'low' }] } };
    const generation = aGeneration([aRouteConfig({ policy })]);
    const { line } = checked(aGeneration([anyone]), { session: aSession() });
    const record = JSON.parse(line) as { facts?: Record<string, unknown> };
    const judged = (risk: unknown) =>
      again(
        JSON.stringify({ ...record, facts: { ...record.facts, ...(risk === undefined ? {} : { risk }) } }),
        generation,
      )?.is;
    expect(judged({ level: 'low', said: true })).toMatchObject({ is: 'allow' });
    expect(judged({ level: 'high', said: true })).toMatchObject({ is: 'deny', reasons: ['risk-too-high'] });
    for (const none of [undefined, null, 'low', { level: 'none', said: true }, { level: 'low', said: 1 }])
      expect(judged(none)).toMatchObject({ kind: 'undecided', lacking: ['risk'] });
  });

  test('is undecided where the new configuration takes groups from elsewhere, and decided where from the same place', () => {
    const session = aSession({
      claims: new Map([
        ['groups', ['sre']],
        ['roles', ['sre']],
      ]),
    });
    const byGroups = aGeneration([forSre]);
    const byRoles = aGeneration([forSre], { groups: { claims: ['roles'] } });
    const byBoth = aGeneration([forSre], { groups: { claims: ['groups', 'roles'] } });
    const bySource = aGeneration([forSre], {
      groups: { source: 'hr', field: 'groups' },
      records: [
        {
          name: 'hr',
          from: { kind: 'file', path: '/hr.json' },
          format: 'json',
          key: 'id',
          foreign_key: 'user.id',
          ...{ interval: 60, timeout: 1, max_bytes: 1000, max_rows: 10, max_age: 60 },
        },
      ],
    });
    const all = [byGroups, byRoles, byBoth, bySource];
    for (const before of [byGroups, byRoles, byBoth])
      for (const after of all)
        expect(replayed(before, { session }, after)).toMatchObject(
          before === after ? { kind: 'decided', is: 'allow' } : { kind: 'undecided', lacking: ['groups'] },
        );
    // The rule says nothing where nobody is signed in, or no groups are asked for.
    expect(replayed(byGroups, {}, byRoles)).toMatchObject({ kind: 'decided' });
    expect(replayed(byGroups, { session }, aGeneration([anyone], { groups: { claims: ['roles'] } }))).toMatchObject({
      kind: 'decided',
      is: 'allow',
    });
  });

  test('is undecided where a parameter holds half of a surrogate pair, which no Check has written', () => {
    const query = aGeneration([aRouteConfig({ policy: [{ allow: { or: [{ http_query: { a: 'x' } }] } }] })]);
    const written = JSON.parse(checked(query, { path: '/?a=x' }).line) as Record<string, unknown>;
    const judged = (facts: object) => again(JSON.stringify({ ...written, facts }), query)?.is;
    expect(judged({ 'query/a': ['\ud800'] })).toMatchObject({ kind: 'undecided', lacking: ['query/a'] });
    expect(judged({ 'query/a': ['x'], 'query/\udc00': ['y'] })).toMatchObject({ kind: 'decided', is: 'allow' });
    expect(judged({ 'query/a': ['\ud83d\ude00'] })).toMatchObject({ kind: 'decided' });
  });

  test('is undecided where its path was too long to be kept, and apart where it is an own path', () => {
    const generation = aGeneration([open]);
    expect(replayed(generation, { path: `/${'x'.repeat(3000)}` }, generation)).toMatchObject({ lacking: ['path'] });
    const { line } = checked(generation, { path: '/x' });
    const moved = (changes: object) =>
      again(JSON.stringify({ ...(JSON.parse(line) as object), ...changes }), generation);
    expect(moved({ path: '/.doorward/user' })?.is).toEqual({ kind: 'own' });
    expect(moved({ path: '/%zz' })?.is).toMatchObject({ is: 'bad-request' });
    expect(moved({ facts: undefined })?.is).toMatchObject({ is: 'allow' });
  });
});

test('a redirect to sign in once more is a step-up, any other one a login', () => {
  expect(judgedKindOf('challenge', 'step-up-required')).toBe('step-up');
  expect(judgedKindOf('challenge', 'login-required')).toBe('login');
});

describe('what is no record', () => {
  const { line } = checked(aGeneration([open]), {});
  const record = JSON.parse(line) as Record<string, unknown>;

  test.each([
    [null],
    [[]],
    ['x'],
    [{}],
    [{ ...record, v: 3 }],
    [{ ...record, decision: 7 }],
    [{ ...record, code: undefined }],
    [{ ...record, time: 'x' }],
    [{ ...record, request_id: 1 }],
    [{ ...record, method: undefined }],
    [{ ...record, host: 1 }],
    [{ ...record, path: [] }],
    [{ ...record, facts: [] }],
    [{ ...record, identity: undefined }],
    [{ ...record, identity: { state: 'x' } }],
    [{ ...record, identity: { state: 'taken', idp: 1, created: 1, last_seen: 1 } }],
    [{ ...record, identity: { state: 'taken', idp: 'x', created: 1, last_seen: 1 } }],
    [{ ...record, client_address: 1 }],
    [{ ...record, client_address_via: 'x' }],
    [{ ...record, client_address_from: 'x' }],
  ])('%j', (value) => {
    expect(parseRecord(value).ok).toBe(false);
  });

  test('is said for any JSON, never thrown', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(typeof parseRecord(value).ok).toBe('boolean');
        expect(typeof parseRecord({ ...record, facts: { groups: value, certificate: value, mcp: value } }).ok).toBe(
          'boolean',
        );
      }),
    );
  });
});

describe('a record whose facts are not of the form that is written', () => {
  const policy: Tree = [
    {
      allow: {
        and: [
          { groups: 'sre' },
          { http_query: { a: 'x' } },
          { client_certificate: { san_email: 'a@example.com' } },
          { mcp_tool: 'search' },
          { 'header/x-a': 'x' },
        ],
      },
    },
  ];
  const generation = aGeneration([aRouteConfig({ policy })]);
  const { line } = checked(generation, { session: aSession() });
  const judge = (facts: object) => {
    const written = JSON.parse(line) as Record<string, unknown>;
    return again(JSON.stringify({ ...written, subject: 'alice-1', facts }), generation)?.is.kind;
  };
  const names = ['groups', 'query/a', 'certificate', 'mcp', 'header/x-a', 'auth_time', 'acr', 'claim/x'];

  test('is judged without a throw', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 8, maxLength: 8 }), (values) => {
        expect(judge(Object.fromEntries(names.map((name, index) => [name, values[index]])))).toBe('decided');
      }),
    );
  });

  test.each([
    [{ fingerprint: 'ab' }, { method: 'tools/call', tool: 'search', readable: true }],
    [
      { fingerprint: 'ab', spki_hash: 'cd' },
      { method: 1, tool: 2, readable: 3 },
    ],
  ])('%j', (certificate, mcp) => {
    expect(judge({ groups: ['sre'], 'query/a': 'x', 'header/x-a': 'x', certificate, mcp })).toBe('decided');
  });
});

const anyRequest: fc.Arbitrary<Asked> = fc.record({
  path: fc.constantFrom('/', '/api', '/api/x', '/api/%C3%A9', '/api?tab=1', '/a;b', '/a//b', '/.doorward/user'),
  method: fc.constantFrom('GET', 'POST', 'OPTIONS'),
  headers: fc.constantFrom(
    [],
    [['origin', 'https://x.example']] as const,
    [
      ['origin', 'https://x.example'],
      ['access-control-request-method', 'PUT'],
    ] as const,
    [['x-forwarded-for', '10.0.0.5']] as const,
  ),
  hasCookie: fc.boolean(),
  risk: fc.constantFrom<RiskLevel | undefined>(undefined, 'low', 'medium', 'high'),
  peer: fc.constantFrom('10.0.0.5', '192.168.0.1', '203.0.113.7', ''),
  session: fc.option(
    fc
      .record({
        subject: fc.constantFrom('alice', 'bob', ''),
        email: fc.constantFrom('alice@example.com', 'a@b@example.com', ''),
        groups: fc.option(fc.array(fc.constantFrom('eng', 'search', 'alice'), { maxLength: 2 }), { nil: undefined }),
        idp: fc.constantFrom('default', 'other'),
        age: fc.constantFrom(0, 100, 3600),
        end: fc.constantFrom(0, 10),
      })
      .map(({ subject, email, groups: of, idp, age, end }) =>
        aSession({
          subject,
          email,
          idp: idpName(idp),
          claims: new Map(
            of === undefined
              ? []
              : [
                  ['groups', of],
                  ['department', of],
                ],
          ),
          createdAt: secondsAfter(-age),
          lastSeenAt: epochSeconds(NOW - age / 3),
          expiresAt: secondsAfter(end),
        }),
      ),
    { nil: undefined },
  ),
  certificate: fc.constantFrom<CertificateFacts>(
    noCertificate,
    { presented: true, valid: false, leaf: undefined },
    {
      presented: true,
      valid: true,
      leaf: { fingerprint: 'ab', spkiHash: 'cd', sanEmail: ['alice@example.com'], sanDns: [], sanUri: [] },
    },
  ),
});

describe('for any configuration and any request', () => {
  test('a replay under the same configuration reports no change', () => {
    const tally = { same: 0, undecided: 0, apart: 0 };
    fc.assert(
      fc.property(
        aPolicy,
        anyRequest,
        fc.constantFrom<'strict' | 'pomerium'>('strict', 'pomerium'),
        fc.constantFrom<Partial<RouteConfig>>({}, { idp: 'other' }, { session_idle_timeout: 20 }, { prefix: '/api' }),
        fc.constantFrom<readonly string[]>([], ['203.0.113.0/24']),
        (policy, asked, policy_semantics, changes, trusted_proxies) => {
          const route = aRouteConfig({ policy: policy as Tree, ...changes });
          const generation = aGeneration([route], { policy_semantics, trusted_proxies });
          const found = again(checked(generation, asked).line, generation);
          if (found === undefined || found.is.kind === 'own') tally.apart += 1;
          else if (found.is.kind === 'undecided') tally.undecided += 1;
          else {
            tally.same += 1;
            expect(found.is.is).toBe(found.was);
          }
        },
      ),
      { numRuns: 2000 },
    );
    // What a record has is enough for its own configuration.
    expect(tally.undecided).toBe(0);
    expect(tally.same).toBeGreaterThan(1000);
  });

  test('a replay under another one never says what a Check would not', () => {
    fc.assert(
      fc.property(aPolicy, aPolicy, anyRequest, (before, after, asked) => {
        const from = aGeneration([aRouteConfig({ policy: before as Tree })]);
        const to = aGeneration([aRouteConfig({ policy: after as Tree })]);
        const found = again(checked(from, asked).line, to);
        if (found?.is.kind !== 'decided') return;
        expect(again(checked(to, asked).line, to)?.was).toBe(found.is.is);
      }),
      { numRuns: 2000 },
    );
  });
});
