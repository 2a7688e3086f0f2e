import { describe, expect, test } from '@jest/globals';
import { parseFingerprint, parseSpkiHash } from '../../../src/core/policy/criteria/client-certificate.ts';
import { decidingReasons } from '../../../src/core/policy/decide-verdict.ts';
import { isEqual } from '../../../src/core/policy/matchers.ts';
import { criteria } from '../../../src/core/policy/registry.ts';
import { suggest } from '../../../src/core/policy/suggest.ts';
import { kindOf as kindOfTree } from '../../../src/core/policy/tree.ts';
import type { PolicyFacts } from '../../../src/core/policy/facts.ts';
import type { PolicySemantics } from '../../../src/core/config.ts';
import type { Tree } from '../../../src/core/problem.ts';
import { aSubject, anHttpRequest, load, problemsOf, someFacts } from './builders.ts';

/** The value and the reasons of one criterion alone. */
function judge(criterion: Tree, facts: Partial<PolicyFacts>, semantics: PolicySemantics = 'strict') {
  const { policy } = load({ allow: { or: [criterion] } }, { semantics, hasClientCa: true });
  const { value, reasons } = policy.evaluate(someFacts(facts)).allow;
  return [value, ...reasons];
}

const device = { credentialId: 'd1', enrolled: true, approved: true };
const devices = (changes: Partial<typeof device> = {}) => ({
  device: { byType: new Map([['any', { ...device, ...changes }]]) },
});
const certificate = (valid: boolean) => ({
  certificate: {
    presented: true,
    valid,
    leaf: {
      fingerprint: 'a'.repeat(64),
      spkiHash: `${'A'.repeat(43)}=`,
      sanEmail: ['alice@example.com'],
      sanDns: [],
      sanUri: ['spiffe://example.com/alice'],
    },
  },
});
const preflight = { origin: ['https://a.test'], 'access-control-request-method': ['PUT'] };
const http = (method: string, headers: { readonly [name: string]: readonly string[] } = {}) => ({
  http: anHttpRequest({ method, path: '/api/users', header: (name) => headers[name] ?? [] }),
});

describe('what each criterion says', () => {
  test.each<[Tree, Partial<PolicyFacts>, readonly unknown[]]>([
    [{ accept: true }, {}, [true, 'accept']],
    [{ reject: null }, {}, [false, 'reject']],
    [{ authenticated_user: true }, {}, [true, 'user-ok']],
    [{ authenticated_user: true }, { subject: aSubject({ userId: '' }) }, [false, 'user-unauthorized']],
    [{ authenticated_user: true }, { subject: undefined }, [undefined, 'user-unauthenticated']],
    [{ user: 'alice' }, {}, [true, 'user-ok']],
    [{ user: { not: 'bob' } }, { subject: aSubject({ userId: '' }) }, [false, 'user-unauthorized']],
    [{ email: { ends_with: '@example.com' } }, {}, [true, 'email-ok']],
    [{ email: 'ALICE@example.com' }, {}, [false, 'email-unauthorized']],
    [{ domain: 'example.com' }, {}, [true, 'domain-ok']],
    [{ domain: 'example.com' }, { subject: aSubject({ email: 'alice' }) }, [false, 'domain-unauthorized']],
    [{ domain: 'c' }, { subject: aSubject({ email: 'a@b@c' }) }, [undefined, 'domain-ambiguous']],
    [{ risk: 'low' }, { risk: { level: 'low', isSaid: true } }, [true, 'risk-ok']],
    [{ risk: 'low' }, { risk: { level: 'medium', isSaid: true } }, [false, 'risk-too-high']],
    [{ risk: { max: 'medium' } }, { risk: { level: 'medium', isSaid: true } }, [true, 'risk-ok']],
    [{ risk: { max: 'medium' } }, { risk: { level: 'high', isSaid: false } }, [false, 'risk-too-high']],
    [{ risk: { max: 'medium' } }, { risk: { level: 'low', isSaid: false } }, [undefined, 'risk-unknown']],
    [{ risk: { max: 'medium' } }, {}, [undefined, 'risk-unknown']],
    [{ risk: { max: 'low', unknown: 'low' } }, {}, [true, 'risk-ok']],
    [{ risk: { max: 'low', unknown: 'medium' } }, {}, [false, 'risk-too-high']],
    [{ risk: { max: 'low', unknown: 'low' } }, { risk: { level: 'high', isSaid: false } }, [false, 'risk-too-high']],
    [{ risk: 'low' }, { subject: undefined }, [undefined, 'user-unauthenticated']],
    [{ groups: 'eng' }, {}, [true, 'groups-ok']],
    [{ groups: { is: 'eng' } }, {}, [false, 'groups-unauthorized']],
    [{ groups: { exclude: 'x' } }, { subject: aSubject({ groups: undefined }) }, [false, 'groups-unauthorized']],
    [{ groups: { has: 'eng', exclude: 'admins' } }, {}, [false, 'groups-unauthorized']],
    [{ 'claim/mfa': true }, { subject: aSubject({ sessionClaims: new Map([['mfa', [true]]]) }) }, [true, 'claim-ok']],
    [{ 'claim/a/b': 1 }, { subject: aSubject({ userClaims: new Map([['a/b', [1]]]) }) }, [true, 'claim-ok']],
    [{ 'claim/a.b': 1 }, {}, [false, 'claim-unauthorized']],
    [{ device: { approved: true } }, devices(), [true, 'device-ok']],
    [{ device: { approved: true } }, devices({ approved: false }), [false, 'device-unauthorized']],
    [{ device: { is: 'd2' } }, devices(), [false, 'device-unauthorized']],
    [{ device: { is: 'd2' } }, devices({ enrolled: false }), [undefined, 'device-unauthenticated']],
    [{ device: { type: 'enclave_only' } }, devices(), [undefined, 'device-unauthenticated']],
    [{ device: { type: 'any' } }, { subject: undefined }, [undefined, 'user-unauthenticated']],
    [{ http_method: { in: ['GET', 'HEAD'] } }, http('GET'), [true, 'http-method-ok']],
    [{ http_method: 'GET' }, http('get'), [false, 'http-method-unauthorized']],
    [{ http_method: 'GET' }, { http: undefined }, [undefined, 'request-not-http']],
    [{ http_path: { starts_with: '/api/' } }, http('GET'), [true, 'http-path-ok']],
    [{ http_path: '/api' }, http('GET'), [false, 'http-path-unauthorized']],
    [{ http_path: '/\uFFFD' }, { http: anHttpRequest({ path: '/\uFFFD' }) }, [undefined, 'text-not-utf8']],
    [{ cors_preflight: true }, http('OPTIONS', preflight), [true, 'cors-request']],
    [{ cors_preflight: true }, http('OPTIONS', { ...preflight, origin: [''] }), [false, 'non-cors-request']],
    [{ cors_preflight: true }, http('GET', preflight), [false, 'non-cors-request']],
    [{ source_ip: ['192.168.0.0/16', '10.0.0.0/8'] }, {}, [true, 'source-ip-ok']],
    [{ source_ip: '::/0' }, {}, [false, 'source-ip-unauthorized']],
    [{ source_ip: '0.0.0.0/0' }, { sourceIp: '' }, [undefined, 'source-ip-unknown']],
    [{ client_certificate: { fingerprint: 'a'.repeat(64) } }, certificate(true), [true, 'client-certificate-ok']],
    [
      { client_certificate: { fingerprint: Array(32).fill('AA').join(':'), spki_hash: [`${'A'.repeat(43)}=`] } },
      certificate(true),
      [true, 'client-certificate-ok'],
    ],
    [
      { client_certificate: { san_uri: { starts_with: 'spiffe://example.com/' }, san_dns: 'x' } },
      certificate(true),
      [false, 'client-certificate-unauthorized'],
    ],
    [
      { client_certificate: { san_email: 'alice@example.com' } },
      certificate(false),
      [false, 'client-certificate-unauthorized'],
    ],
    [{ client_certificate: { san_email: 'a' } }, {}, [false, 'client-certificate-unauthorized']],
    [{ invalid_client_certificate: true }, certificate(true), [false, 'valid-client-certificate']],
    [{ invalid_client_certificate: true }, certificate(false), [true, 'invalid-client-certificate']],
    [{ invalid_client_certificate: true }, {}, [true, 'client-certificate-required']],
    [{ mcp_tool: 'a' }, { mcp: { method: 'tools/call', tool: 'a', readable: true } }, [true, 'mcp-tool-match']],
    [{ mcp_tool: 'a' }, { mcp: { method: 'tools/call', tool: 'b', readable: true } }, [false, 'mcp-tool-no-match']],
    [{ mcp_tool: 'a' }, { mcp: { method: '', tool: undefined, readable: true } }, [false, 'mcp-not-a-tool-call']],
    [{ mcp_tool: 'a' }, { mcp: undefined }, [undefined, 'mcp-message-unreadable']],
    [{ ssh_username: 'root' }, {}, [undefined, 'request-not-ssh']],
  ])('%j of %#: %j', (criterion, facts, expected) => expect(judge(criterion, facts)).toEqual(expected));

  test('every reason that a criterion gave is one that it declares', () => {
    const declared = new Set(criteria.flatMap(({ reasons }) => reasons));
    expect([...declared].every((reason) => /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(reason))).toBe(true);
    expect(new Set(criteria.map(({ name }) => name)).size).toBe(criteria.length);
  });
});

describe('a criterion that fails', () => {
  const throwing = {
    http: anHttpRequest({
      header: () => {
        throw new Error('broken');
      },
      method: 'OPTIONS',
    }),
  };

  test.each<PolicySemantics>(['strict', 'pomerium'])('is unknown under %s, and never opens', (semantics) => {
    expect(judge({ cors_preflight: true }, throwing, semantics)).toEqual([undefined, 'criterion-error']);
    const facts = someFacts(throwing);
    const kind = (policy: Tree) => load(policy, { semantics }).policy.evaluate(facts).kind;
    expect(kind({ allow: { not: [{ cors_preflight: true }] } })).toBe('deny');
    expect(kind({ allow: { or: [{ accept: true }] }, deny: { or: [{ cors_preflight: true }] } })).toBe('deny');
    expect(kind({ allow: { or: [{ accept: true }, { cors_preflight: true }] } })).toBe('allow');
    const { criteria: explained } = load({ allow: { or: [{ cors_preflight: true }] } }, { semantics }).policy.explain(
      facts,
    );
    expect(explained).toMatchObject([{ value: undefined, reasons: ['criterion-error'] }]);
  });
});

describe('data that is not what a criterion takes', () => {
  test.each<[Tree, RegExp]>([
    [{ email: { begins: 'x' } }, /`begins` is not an operator here: use is, not, contains, starts_with/],
    [{ groups: { in: ['x'] } }, /`in` is not an operator here: use has, is, exclude/],
    [{ email: { in: 'x' } }, /expected a list of texts, not a text/],
    [{ email: { contains: 5 } }, /expected a text, not a number/],
    [{ domain: { in: [5] } }, /a domain is a text, and is compared with a list here/],
    [{ source_ip: '10.0.0.0/33' }, /prefix length/],
    [{ source_ip: { is: '10.0.0.1' } }, /expected a text or a list of texts, not a mapping/],
    [{ device: 'x' }, /expected a mapping with type, is, approved, not a text/],
    [{ device: { kind: 'x' } }, /`kind` says nothing about a device here/],
    [{ device: { is: 5 } }, /expected a text, not a number/],
    [{ risk: 5 }, /say the highest risk that is taken, low or medium, not a number/],
    [{ risk: 'high' }, /low or medium, not high/],
    [{ risk: {} }, /say the highest risk that is taken/],
    [{ risk: { max: 'low', unknown: 'none' } }, /expected low, medium or high, not a text/],
    [{ risk: { max: 'low', unknown: 5 } }, /expected low, medium or high, not a number/],
    [{ risk: { max: 'low', min: 'low' } }, /`min` says nothing about a risk: use max, unknown/],
    [{ client_certificate: 'x' }, /expected a mapping with fingerprint, spki_hash, san_email/],
    [{ client_certificate: { san_ip: 'x' } }, /`san_ip` is not a part of a certificate here/],
    [{ client_certificate: { fingerprint: 'A'.repeat(64) } }, /expected a SHA-256 fingerprint/],
    [{ client_certificate: { spki_hash: [''] } }, /expected the base64 of a SHA-256 hash/],
    [{ client_certificate: { san_dns: { in: 'x' } } }, /expected a list of texts/],
  ])('%j is a problem in both semantics', (criterion, message) => {
    for (const semantics of ['strict', 'pomerium'] as const)
      expect(problemsOf({ allow: { or: [criterion] } }, { semantics })[0]?.message).toMatch(message);
  });
});

describe('small parts', () => {
  test('equality of values is that of JSON', () => {
    const equal: readonly [Tree, Tree][] = [
      [5, 5.0],
      [null, null],
      [
        [1, [2]],
        [1, [2]],
      ],
      [
        { a: 1, b: { c: [] } },
        { b: { c: [] }, a: 1 },
      ],
    ];
    const unequal: readonly [Tree, Tree][] = [
      ['5', 5],
      [true, 'true'],
      [null, 0],
      [
        [1, 2],
        [2, 1],
      ],
      [[1], [1, 2]],
      [{ a: 1 }, { a: 2 }],
      [{ a: 1 }, { b: 1 }],
      [{ a: 1 }, { a: 1, b: 2 }],
      [{}, []],
      [[], {}],
    ];
    for (const [a, b] of equal) expect(isEqual(a, b)).toBe(true);
    for (const [a, b] of unequal) expect(isEqual(a, b)).toBe(false);
  });

  test('a suggestion is near, or there is none', () => {
    const known = ['email', 'domain', 'user', 'claim'];
    expect(suggest('emial', known)).toBe('email');
    expect(suggest('Email', known)).toBe('email');
    expect(suggest('usr', known)).toBe('user');
    expect(suggest('x', known)).toBeUndefined();
    expect(suggest('', known)).toBeUndefined();
    expect(suggest('z'.repeat(10_000), known)).toBeUndefined();
  });

  test('hashes are read in the forms that tools print', () => {
    expect(parseFingerprint('AB:'.repeat(31) + 'CD')).toEqual({ ok: true, value: 'ab'.repeat(31) + 'cd' });
    for (const text of ['', 'ab'.repeat(31), 'ab:'.repeat(31) + 'cd', 'AB'.repeat(32)])
      expect(parseFingerprint(text).ok).toBe(false);
    expect(parseSpkiHash(`${'A'.repeat(43)}=`).ok).toBe(true);
    expect(parseSpkiHash('A'.repeat(44)).ok).toBe(false);
  });

  test('each kind of value has a name', () => {
    const values: readonly Tree[] = [null, [], {}, '', 0, false];
    expect(values.map(kindOfTree)).toEqual([
      'nothing (null)',
      'a list',
      'a mapping',
      'a text',
      'a number',
      'a boolean',
    ]);
  });

  test('a refusal goes by the reasons of the rules that made it', () => {
    const { policy } = load([
      { allow: { or: [{ http_path: '/x' }] } },
      { deny: { or: [{ source_ip: '10.0.0.0/8' }] } },
    ]);
    expect(decidingReasons(policy.evaluate(someFacts()))).toEqual(['source-ip-ok']);
    expect(decidingReasons(policy.evaluate(someFacts({ sourceIp: '192.0.2.1' })))).toEqual(['http-path-unauthorized']);
  });
});

describe('risk in both semantics', () => {
  test.each<[PolicySemantics, unknown]>([
    ['strict', undefined],
    ['pomerium', false],
  ])('under %s: what nobody said is unknown, and without identity it is %s', (semantics, anonymous) => {
    const limit = { risk: { max: 'medium' } };
    expect(judge(limit, {}, semantics)).toEqual([undefined, 'risk-unknown']);
    expect(judge(limit, { risk: { level: 'high', isSaid: true } }, semantics)).toEqual([false, 'risk-too-high']);
    expect(judge(limit, { risk: { level: 'low', isSaid: true } }, semantics)).toEqual([true, 'risk-ok']);
    expect(judge(limit, { subject: undefined }, semantics)).toEqual([anonymous, 'user-unauthenticated']);
    const { policy } = load({ allow: { or: [{ accept: true }] }, deny: { not: [limit] } }, { semantics });
    expect(policy.evaluate(someFacts({})).kind).toBe('deny');
  });
});
