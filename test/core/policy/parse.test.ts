import { describe, expect, test } from '@jest/globals';
import type { Tree } from '../../../src/core/problem.ts';
import { kindOf, load, problemsOf } from './builders.ts';

const found = (policy: Tree, semantics: 'strict' | 'pomerium' = 'strict'): readonly string[] =>
  problemsOf(policy, { semantics }).map(({ path, message, atKey }) =>
    [path.slice(3).join('.'), atKey === true ? '(key)' : '', message].join(' '),
  );

describe('the grammar', () => {
  test.each<[string, Tree, RegExp]>([
    ['no policy', null, /^ {2}expected a mapping with `allow` or `deny`, or a list/],
    ['a text', 'allow', /or a list of such mappings, not a text/],
    ['a list of lists', [[]], /^0 {2}expected a mapping with `allow` or `deny`, not a list/],
    ['another action', { permit: {} }, /^permit \(key\) `permit` is not an action/],
    ['a misspelt action', { alow: {} }, /did you mean `allow`\?/],
    ['a body that is a list', { allow: [{ accept: true }] }, /^allow {2}expected a mapping with and, or, not, nor/],
    ['another operator', { allow: { xor: [] } }, /^allow.xor \(key\) `xor` is not an operator/],
    ['criteria that are a mapping', { allow: { or: { accept: true } } }, /^allow.or {2}expected a list of criteria/],
    ['a criterion that is a text', { allow: { or: ['accept'] } }, /^allow.or.0 {2}expected one criterion as a mapping/],
    ['an empty criterion', { allow: { or: [{}] } }, /^allow.or.0 {2}each entry of the list holds exactly one/],
    ['two criteria in one', { allow: { or: [{ accept: true, reject: true }] } }, /exactly one criterion/],
    ['nested operators', { allow: { or: [{ and: [] }] } }, /^allow.or.0.and \(key\) there is no criterion `and`/],
    ['an unknown criterion', { deny: { or: [{ usr: 'x' }] } }, /no criterion `usr`; did you mean `user`\?/],
    ['one that resembles none', { deny: { or: [{ moon_phase: 'x' }] } }, /no criterion `moon_phase`$/],
  ])('%s is an error at its place', (_what, policy, message) => {
    expect(found(policy)).toEqual([expect.stringMatching(message)]);
    expect(found(policy, 'pomerium')).toEqual([expect.stringMatching(message)]);
  });

  test('all problems come at once', () => {
    const policy = [
      { allow: { or: [{ emial: 'x' }, { source_ip: 'here' }, 'accept'] }, permit: {} },
      5,
      { deny: { and: [{ http_path: { begins: '/' } }, { email: { in: 'x' } }] } },
    ];
    expect(found(policy).map((text) => text.split(' ')[0])).toEqual([
      '0.allow.or.2',
      '0.permit',
      '1',
      '0.allow.or.0.emial',
      '0.allow.or.1.source_ip',
      '2.deny.and.0.http_path.begins',
      '2.deny.and.1.email.in',
    ]);
  });

  test('keys that every object inherits are no operators, criteria or fields', () => {
    const key = (name: string, value: Tree): Tree => JSON.parse(`{"${name}":${JSON.stringify(value)}}`) as Tree;
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(found(key(name, {}))).toHaveLength(1);
      expect(found({ allow: key(name, []) })).toHaveLength(1);
      expect(found({ allow: { or: [key(name, 'x')] } })).toHaveLength(1);
      expect(found({ allow: { or: [{ email: key(name, 'x') }] } })).toHaveLength(1);
      expect(found({ allow: { or: [{ groups: key(name, 'x') }] } })).toHaveLength(1);
      expect(found({ allow: { or: [{ client_certificate: key(name, 'x') }] } })).toHaveLength(1);
      expect(found({ allow: { or: [{ device: key(name, 'x') }] } })).toHaveLength(1);
    }
  });

  test('the depth, the number of rules, criteria, parts and entries, and the length of texts are bounded', () => {
    let deep: Tree = 'x';
    for (let level = 0; level < 20; level++) deep = [deep];
    expect(found({ allow: { or: [{ 'claim/x': deep }] } })).toEqual([expect.stringMatching(/nested deeper than 16/)]);
    expect(found(Array<Tree>(1001).fill({}))).toEqual([expect.stringMatching(/more than 1000 rules/)]);
    const many = (count: number): Tree => ({ allow: { or: Array<Tree>(count).fill({ accept: true }) } });
    expect(found(many(20_001))).toEqual([expect.stringMatching(/more than 20000 criteria/)]);
    expect(found(many(150_000))).toEqual([expect.stringMatching(/more than 200000 parts/)]);
    const entries = Array<Tree>(10_001).fill('10.0.0.1');
    expect(found({ allow: { or: [{ source_ip: entries }] } })).toEqual([expect.stringMatching(/10000 entries/)]);
    expect(found({ allow: { or: [{ email: { in: entries } }] } })).toEqual([expect.stringMatching(/10000 entries/)]);
    const long = 'x'.repeat(8193);
    for (const data of [long, { in: [long] }, { contains: long }])
      expect(found({ allow: { or: [{ email: data }] } })).toEqual([expect.stringMatching(/longer than 8192/)]);
  });
});

describe('rules', () => {
  test('are counted for each action, through the whole policy', () => {
    const { policy } = load([
      { deny: { or: [{ reject: true }] }, allow: { or: [{ reject: true }] } },
      { allow: { not: [{ reject: true }, { http_method: 'POST' }] } },
    ]);
    const facts = {
      now: 0,
      http: { method: 'GET', hostname: '', path: '', query: '', header: () => [] },
      sourceIp: '',
      subject: undefined,
      certificate: { presented: false, valid: false, leaf: undefined },
      mcp: undefined,
      ssh: undefined,
      device: undefined,
      labels: new Map(),
    };
    const explained = policy.explain(facts as never);
    expect(explained.verdict).toMatchObject({ kind: 'allow', rule: 'allow[1].not' });
    expect(explained.criteria).toEqual([
      { at: 'deny[0].or[0]', name: 'reject', data: 'true', value: false, reasons: ['reject'] },
      { at: 'allow[0].or[0]', name: 'reject', data: 'true', value: false, reasons: ['reject'] },
      { at: 'allow[1].not[0]', name: 'reject', data: 'true', value: false, reasons: ['reject'] },
      {
        at: 'allow[1].not[1]',
        name: 'http_method',
        data: '"POST"',
        value: false,
        reasons: ['http-method-unauthorized'],
      },
    ]);
  });

  test('without any nothing is allowed, and no rule is named', () => {
    for (const policy of [undefined, [], {}, { allow: {} }, { allow: { and: [] } }, { deny: { or: [] } }]) {
      const { policy: compiled } = load(policy);
      expect(compiled.evaluate({ subject: undefined } as never)).toEqual({
        kind: 'deny',
        allow: { value: false, reasons: [] },
        deny: { value: false, reasons: [] },
        rule: undefined,
      });
      expect(compiled.mayAllowAnonymous).toBe(false);
    }
  });

  test('a policy says what it needs to see, and no more', () => {
    const needs = (...criteria: readonly Tree[]) => [...load({ allow: { or: criteria } }).policy.needs].sort();
    expect(needs({ http_path: '/' }, { source_ip: '10.0.0.0/8' })).toEqual([]);
    expect(needs({ email: 'a' }, { groups: 'b' })).toEqual(['subject']);
    expect(needs({ cors_preflight: true }, { invalid_client_certificate: true }, { mcp_tool: 'x' })).toEqual([
      'body',
      'certificate',
      'headers',
    ]);
    expect(needs({ device: { approved: true } })).toEqual(['device', 'subject']);
  });
});

describe('the flags of a route', () => {
  test.each([
    [{ public: true }, undefined, 'allow', 'allow_public_unauthenticated_access'],
    [{ anyAuthenticatedUser: true }, undefined, 'login', 'allow_any_authenticated_user'],
    [{ allowedDomains: ['example.com'] }, 'alice@example.com', 'allow', 'allowed_domains'],
    [{ allowedDomains: ['example.com'] }, 'alice@example.org', 'deny', undefined],
    [{ allowedUsers: ['alice@example.com'] }, 'alice@example.com', 'allow', 'allowed_users'],
    [{ allowedUsers: ['alice'] }, 'other@example.com', 'allow', 'allowed_users'],
    [{ allowedIdpClaims: { address: { country: 'DE' } } }, 'alice@example.com', 'allow', 'allowed_idp_claims'],
    [{ allowedIdpClaims: { level: [4, 5] } }, 'alice@example.com', 'allow', 'allowed_idp_claims'],
    [{ allowedIdpClaims: { level: 4 } }, 'alice@example.com', 'deny', undefined],
    [{ corsPreflight: true }, undefined, 'deny', undefined],
  ] as const)('%j for %j: %s by %s', (flags, email, kind, rule) => {
    const subject = {
      kind: 'human',
      userId: 'alice',
      email,
      groups: undefined,
      sessionClaims: new Map<string, unknown>([
        ['address.country', ['DE']],
        ['level', [5]],
      ]),
      userClaims: new Map(),
    };
    const http = { method: 'GET', path: '/', header: () => [] };
    const verdict = load(undefined, { flags }).policy.evaluate({
      subject: email === undefined ? undefined : subject,
      http,
    } as never);
    expect([verdict.kind, verdict.rule]).toEqual([kind, rule]);
  });

  test('are one allow rule beside those of the policy', () => {
    const policy = { allow: { and: [{ source_ip: '192.168.0.0/16' }] }, deny: { or: [{ http_path: '/closed' }] } };
    expect(kindOf(policy, {}, { flags: { anyAuthenticatedUser: true } })).toBe('allow');
    expect(kindOf(policy, { sourceIp: '192.168.0.1', subject: undefined })).toBe('allow');
  });

  test('name their place in problems', () => {
    const problems = problemsOf(undefined, { flags: { allowedIdpClaims: { nested: [{ x: 1 }] } } });
    expect(problems.map(({ path }) => path.join('.'))).toEqual(['routes.0.allowed_idp_claims.nested.0.x']);
  });

  test('the default rule on client certificates is a deny rule', () => {
    const changes = { flags: { public: true }, denyInvalidCertificate: true, hasClientCa: true };
    expect(
      load(undefined, changes).policy.evaluate({ certificate: { valid: false, presented: true } } as never),
    ).toMatchObject({
      kind: 'certificate',
      rule: 'downstream_mtls',
      deny: { value: true, reasons: ['invalid-client-certificate'] },
    });
    expect(kindOf(undefined, { certificate: { valid: true, presented: true, leaf: undefined } }, changes)).toBe(
      'allow',
    );
  });
});
