/** CEL expressions: what they see, what does not load, and that they reach nothing of the runtime and stay within bounds. */

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { assertBool, compileCel, describeCelError } from '../../../src/core/policy/cel.ts';
import type { PolicyFacts } from '../../../src/core/policy/facts.ts';
import type { PolicySemantics } from '../../../src/core/config.ts';
import type { ClaimValue } from '../../../src/core/session/session.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { aSubject, anHttpRequest, load, problemsOf, someFacts } from './builders.ts';

const policyOf = (expression: string) => ({ allow: { or: [{ cel: expression }] } });

function judge(expression: string, facts: Partial<PolicyFacts> = {}, semantics: PolicySemantics = 'strict') {
  const { value, reasons } = load(policyOf(expression), { semantics }).policy.evaluate(someFacts(facts)).allow;
  return [value, ...reasons];
}

const ok = [true, 'cel-ok'];
const no = [false, 'cel-unauthorized'];
const failed = [undefined, 'criterion-error'];

const headers = (lines: { readonly [name: string]: readonly string[] }): Partial<PolicyFacts> => ({
  http: anHttpRequest({
    method: 'POST',
    path: '/api/users',
    query: 'a=1&b=2&b=3',
    header: (name) => lines[name] ?? [],
  }),
});
const claims = (given: { readonly [name: string]: readonly ClaimValue[] }): Partial<PolicyFacts> => ({
  subject: aSubject({ sessionClaims: new Map(Object.entries(given)) }),
});
const leaf = {
  fingerprint: 'ab',
  spkiHash: 'cd',
  sanEmail: [],
  sanDns: ['a.example.com'],
  sanUri: ['spiffe://example.com/a'],
};

describe('what an expression sees', () => {
  test.each<[string, Partial<PolicyFacts>, readonly unknown[]]>([
    ['true', {}, ok],
    ['1 + 1 == 3', {}, no],
    ['request.method == "POST" && request.path.startsWith("/api/")', headers({}), ok],
    ['request.host == "app.example.com" && request.ip == "10.0.0.5"', {}, ok],
    ['request["method"] in ["GET", "HEAD"]', {}, ok],
    ['request.query["b"] == ["2", "3"] && request.query.a == ["1"]', headers({}), ok],
    ['"c" in request.query', headers({}), no],
    ['request.headers["x-a"] == ["1"]', headers({ 'x-a': ['1'] }), ok],
    ['request.headers["x-a"] == ["1"]', headers({ 'x-a': ['1', '2'] }), no],
    ['"x-a" in request.headers && has(request.headers.accept)', headers({ accept: ['*/*'] }), no],
    ['"1" in request.headers["x-a"]', headers({ 'x-a': ['1', '2'] }), ok],
    ['subject.id == "alice" && subject.email.endsWith("@example.com")', {}, ok],
    ['subject.name == "Alice" && subject.issuer.contains("idp")', {}, ok],
    ['"eng" in subject.groups', {}, ok],
    ['subject.groups.exists(g, g.matches("^adm.n"))', {}, ok],
    ['subject.groups.all(g, g.size() > 3)', {}, no],
    ['subject.groups.filter(g, g != "eng").size() == 1 && size(subject.groups) == 2', {}, ok],
    ['"department" in claims ? claims["department"] == ["sales"] : false', claims({ department: ['sales'] }), ok],
    ['claims["level"][0] >= 5 && claims["mfa"][0] == true', claims({ level: [7], mfa: [true] }), ok],
    ['has(claims.level)', claims({}), no],
    ['claims.exists(name, name == "level")', claims({ level: [1] }), ok],
    ['target.labels["environment"] == "prod"', { labels: new Map([['environment', 'prod']]) }, ok],
    ['"x" in target.labels', {}, no],
    ['now < timestamp("2026-11-02T00:00:00Z") && now.getHours() == 0', {}, ok],
    ['now - duration("1h") > timestamp("2026-11-02T00:00:00+01:00")', {}, no],
    ['certificate.presented', { certificate: { presented: true, valid: false, leaf } }, ok],
    [
      'certificate.valid && certificate.fingerprint == "ab"',
      { certificate: { presented: true, valid: true, leaf } },
      ok,
    ],
    ['"a.example.com" in certificate.san_dns', { certificate: { presented: true, valid: true, leaf } }, ok],
    ['mcp.method == "tools/call" && mcp.tool == "x"', { mcp: { method: 'tools/call', tool: 'x', readable: true } }, ok],
    [
      'certificate.spki_hash == "cd" && certificate.san_email == [] && size(certificate.san_uri) == 1',
      { certificate: { presented: true, valid: true, leaf } },
      ok,
    ],
    ['has(mcp.tool)', { mcp: { method: 'ping', tool: undefined, readable: true } }, no],
    ['!(-1 > 0) && {"a": 1}.a == 1 && [1, 2][0] == 1', {}, ok],
  ])('%s', (expression, facts, expected) => {
    expect(judge(expression, facts)).toEqual(expected);
    expect(judge(expression, facts, 'pomerium')).toEqual(expected);
  });

  test('userinfo wins over the ID token', () => {
    const subject = aSubject({ sessionClaims: new Map([['a', ['old']]]), userClaims: new Map([['a', ['new']]]) });
    expect(judge('claims["a"] == ["new"]', { subject })).toEqual(ok);
  });
});

test('a list may be longer where each element is looked at alone', () => {
  const many = claims({ a: Array.from({ length: 1000 }, (_, index) => `g${index}`) });
  expect(
    judge('claims["a"].exists(a, a == "g999" && target.labels["x"] == "y")', {
      ...many,
      labels: new Map([['x', 'y']]),
    }),
  ).toEqual(ok);
  expect(judge('claims["a"].exists(a, a in ["g1"])', many)).toEqual(ok);
});

describe('what cannot be judged is unknown, and opens nothing', () => {
  test.each<[string, Partial<PolicyFacts>]>([
    ['claims["level"][0] > 5', claims({})],
    ['claims["level"][3] > 5', claims({ level: [1] })],
    ['claims["level"][0] > 5', claims({ level: ['high'] })],
    ['claims["level"][0].startsWith("h")', claims({ level: [1] })],
    ['!("x" in subject.groups)', { subject: aSubject({ groups: undefined }) }],
    ['request.headers["x-a"] == []', headers({})],
    ['request.headers["x-a"] == ["1"]', headers({ 'x-a': ['\uFFFD'] })],
    ['"x-a" in request.headers', headers({ 'x-a': Array.from({ length: 101 }, () => '1') })],
    ['request.path == "/"', { http: anHttpRequest({ path: '/\uFFFD' }) }],
    ['"a" in request.query', { http: anHttpRequest({ query: 'a=1;b=2' }) }],
    ...['EXPORT=1', 'export[]=1', '%5Bexport%5D=1', 'export%00=1'].flatMap(
      (query): [string, Partial<PolicyFacts>][] => [
        ['"export" in request.query', { http: anHttpRequest({ query }) }],
        ['request.query["export"] == ["1"]', { http: anHttpRequest({ query }) }],
        ['request.query.exists(name, name == "export")', { http: anHttpRequest({ query }) }],
      ],
    ),
    ['request.ip == ""', { sourceIp: '' }],
    ['subject.groups.exists(g, g == "x")', { subject: aSubject({ groups: Array.from({ length: 1001 }, () => 'g') }) }],
    ['claims["a"].exists(a, a in subject.groups)', claims({ a: Array.from({ length: 201 }, () => 'g') })],
    ['claims["a"].exists(a, request.path.contains(a))', claims({ a: Array.from({ length: 201 }, () => 'g') })],
    ['"a" in claims', claims({ a: Array.from({ length: 1001 }, () => 'g') })],
    ['request.path.matches("a")', { http: anHttpRequest({ path: 'a'.repeat(8193) }) }],
    ['certificate.fingerprint == "ab"', { certificate: { presented: true, valid: false, leaf } }],
    ['certificate.fingerprint == "ab"', { certificate: { presented: true, valid: true, leaf: undefined } }],
    ['mcp.tool == "x"', { mcp: { method: 'ping', tool: undefined, readable: true } }],
    ['mcp.tool == "x"', { mcp: { method: 'tools/call', tool: '\uFFFD', readable: true } }],
    ['target.labels["environment"] != "prod"', {}],
    ['1 / (size(subject.groups) - 2) == 1', {}],
    ['claims["a"][0] ? true : false', claims({ a: ['true'] })],
  ])('%s', (expression, facts) => {
    for (const semantics of ['strict', 'pomerium'] as const) {
      expect(judge(expression, facts, semantics)).toEqual(failed);
      const denied = [{ allow: { or: [{ accept: true }] } }, { deny: { or: [{ cel: expression }] } }];
      expect(load(denied, { semantics }).policy.evaluate(someFacts(facts)).kind).toBe('deny');
      const negated = { allow: { not: [{ cel: expression }] } };
      expect(load(negated, { semantics }).policy.evaluate(someFacts(facts)).kind).toBe('deny');
    }
  });

  test('a part that cannot be judged does not matter where another part decides', () => {
    expect(judge('claims["x"][0] == 1 || subject.id == "alice"')).toEqual(ok);
    expect(judge('claims["x"][0] == 1 && subject.id == "bob"')).toEqual(no);
  });

  test('a request that is not HTTP, and a message that is not readable', () => {
    expect(judge('request.path == "/"', { http: undefined })).toEqual([undefined, 'request-not-http']);
    expect(judge('mcp.method == ""', { mcp: undefined })).toEqual([undefined, 'mcp-message-unreadable']);
    const unreadable = { method: '', tool: undefined, readable: false };
    expect(judge('mcp.method == ""', { mcp: unreadable })).toEqual([undefined, 'mcp-message-unreadable']);
  });

  test('no value of a claim opens what its absence does not', () => {
    const expressions = ['claims["a"][0] == "x"', 'claims["a"].exists(v, v == "x")', '"x" in claims["a"]'];
    const programs = expressions.map((expression) => load(policyOf(expression)).policy);
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (values) => {
        const subject = aSubject({ sessionClaims: new Map([['a', values as ClaimValue[]]]) });
        const holds = JSON.stringify(values).includes('"x"');
        for (const policy of programs) {
          const { kind } = policy.evaluate(someFacts({ subject }));
          if (!holds) expect(kind).not.toBe('allow');
        }
      }),
    );
  });
});

describe('an expression about who asks', () => {
  test.each(['subject.id == "alice"', 'request.path == "/" || "x" in claims'])('%s: login without identity', (text) => {
    for (const semantics of ['strict', 'pomerium'] as const) {
      const { policy } = load(policyOf(text), { semantics });
      expect(policy.evaluate(someFacts({ subject: undefined })).kind).toBe('login');
      expect(policy.mayAllowAnonymous).toBe(false);
      expect([...policy.needs]).toEqual(['subject']);
    }
    expect(judge(text, { subject: undefined })).toEqual([undefined, 'user-unauthenticated']);
    expect(judge(text, { subject: undefined }, 'pomerium')).toEqual([false, 'user-unauthenticated']);
  });

  test('warns as other criteria do where a public route would ask for a login', () => {
    const policy = [
      { allow: { or: [{ accept: true }] } },
      { deny: { and: [{ cel: 'subject.id == "x"' }, { accept: true }] } },
    ];
    expect(load(policy).warnings.some(({ message }) => message.includes('asks for a login'))).toBe(true);
  });

  test('names what must be at hand, and what it reads', () => {
    const { policy } = load(
      policyOf(
        `request.headers["x-a"] == ["1"] && "b" in request.query && certificate.valid && mcp.method == "x" &&
         claims["a"] == claims.b && subject.email == "" && target.labels.env == "x" && request.ip == "" && now == now`,
      ),
    );
    expect([...policy.needs].sort()).toEqual(['body', 'certificate', 'headers', 'subject']);
    expect([...policy.reads].sort()).toEqual([
      'certificate',
      'claim/a',
      'claim/b',
      'email',
      'header/x-a',
      'label/env',
      'mcp',
      'query/b',
      'source_ip',
    ]);
    expect(load(policyOf('request.path == "/"')).policy.reads).toEqual([]);
    for (const whole of [
      'size(claims) > 0',
      'size(request.query) > 0',
      'size(target.labels) > 0',
      'subject.name == ""',
    ])
      expect(load(policyOf(whole)).policy.reads).toEqual(['anything']);
  });
});

describe('what does not load', () => {
  test.each([
    ['', 'not a CEL expression'],
    ['request.path ==', 'not a CEL expression: Unexpected token: EOF (at character 16)'],
    ['nobody == 1', 'not a CEL expression: Unknown variable: nobody (at character 1)'],
    ['"a" == 1', 'no such overload'],
    ['request.path', 'the expression gives string, and must give bool'],
    ['claims["a"][0]', 'the expression gives dyn, and must give bool'],
    ['subject.mail == ""', '`subject` has no `mail`; did you mean `email`?'],
    ['has(mcp.toool)', '`mcp` has no `toool`; did you mean `tool`?'],
    ['request == request', 'name a part of `request`'],
    ['request[request.path] == ""', 'name a part of `request`'],
    // Headers: by name, and none that means something to proxies or holds a credential.
    ['size(request.headers) > 0', 'write the name of the header as text'],
    ['request.headers[request.path] == []', 'write the name of the header as text'],
    ['request.headers["X-A"] == []', 'in lower case: `x-a`'],
    ['request.headers["x-forwarded-for"] == []', 'any client can write it'],
    ['"cookie" in request.headers', 'carries credentials'],
    ['request.headers["x-mine"] == []', 'Doorward sets `x-mine` itself'],
    // Regular expressions, times and durations: written out and sound.
    ['request.path.matches(request.method)', '`matches` takes a text that is written out'],
    ['request.path.matches("(a+)+\\\\1")', 'not a regular expression in RE2 syntax'],
    ['request.path.matches("(")', 'not a regular expression in RE2 syntax'],
    ['now > timestamp(request.path)', '`timestamp` takes a text that is written out'],
    ['now > timestamp("2026-12-24")', 'is no timestamp'],
    ['now > timestamp("2026-12-24T08:00Z")', 'is no timestamp'],
    ['now > timestamp("Thu Dec 24 2026 08:00")', 'is no date'],
    ['now > timestamp(5)', '`timestamp` takes a text that is written out'],
    ['duration("1x") == duration("1h")', 'is no duration'],
    ['now.getHours("Europe/Berlin") == 8', 'use `time_of_day`'],
    // Functions that are not of the list.
    ['cel.bind(x, request.path, x == "")', 'there is no function `bind` here'],
    ['request.path.linearMatches("a")', 'there is no function `linearMatches` here'],
    ['bytes("a").json() == {}', 'there is no function `json` here'],
    ['request.path.split("/").size() > 1', 'there is no function `split` here'],
    ['type(request.path) == string', 'there is no function `type` here'],
    ['int(request.path) > 1', 'there is no function `int` here'],
    ['constructor("a") == "a"', 'there is no function `constructor` here'],
    // Comprehensions.
    ['subject.groups.exists(a, subject.groups.exists(b, a == b))', 'stands within another'],
    ['subject.groups.exists(request, request == "a")', '`request` is a variable already'],
    ['subject.groups.exists("a", true)', 'not a CEL expression'],
    // Size.
    [`"${'a'.repeat(4096)}" == ""`, 'is longer than 4096 characters'],
    [`${'!'.repeat(600)}true`, 'not a CEL expression'],
    [`${'('.repeat(40)}true${')'.repeat(40)}`, 'not a CEL expression'],
    [`1 in [${'1,'.repeat(201)}1]`, 'not a CEL expression'],
    [Array.from({ length: 300 }, () => 'true').join('&&'), 'not a CEL expression'],
  ])('%s', (expression, message) => {
    const problems = problemsOf(policyOf(expression), { ownHeaders: new Set(['x-mine']) });
    expect(problems.map((problem) => problem.message).join('\n')).toContain(message);
    expect(problems[0]?.path).toEqual(['routes', 0, 'policy', 'allow', 'or', 0, 'cel']);
  });

  test('data that is no text', () => {
    expect(problemsOf({ allow: { or: [{ cel: true }] } })[0]?.message).toBe(
      'expected an expression as a text, not a boolean',
    );
  });

  test('whatever is written, reading it never throws', () => {
    const token = fc.constantFrom(
      ...['request', 'claims', '.', '[', ']', '(', ')', '"a"', "'", '==', '&&', '!', 'in', '?', ':', '1', 'now', 'has'],
      ...['.exists(x,', '.matches(', '.map(', '{', '}', ',', '-', '\\', '/', '*', '#', 'subject', '.path', '\u0000'],
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const problems = problemsOf(policyOf(tokens.join('')));
        expect(Array.isArray(problems)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('nothing of the runtime can be reached', () => {
  test.each([
    'claims.constructor == [1]',
    'claims["__proto__"] == [1]',
    'has(claims.toString)',
    'target.labels["constructor"] == "x"',
    'request.query["hasOwnProperty"] == ["1"]',
    'claims["a"][0].constructor == 1',
    'claims["a"][0]["__proto__"] == 1',
    '{"a": 1}["constructor"] == 1',
  ])('%s', (expression) => {
    expect(judge(expression, claims({ a: [{ b: 1 }] }))[0]).not.toBe(true);
  });

  test.each(['subject.constructor == 1', 'request["__proto__"] == 1', 'mcp.prototype == 1'])(
    '%s does not load',
    (text) => {
      expect(problemsOf(policyOf(text))).not.toEqual([]);
    },
  );

  test('a claim that looks like an object of the runtime is a value, or nothing', () => {
    const hostile = JSON.parse('{"constructor": "x", "__proto__": {"a": 1}, "valueOf": 1}') as ClaimValue;
    expect(judge('claims["a"][0] == "x"', claims({ a: [hostile] }))[0]).not.toBe(true);
    expect(judge('claims["a"][0].a == 1', claims({ a: [hostile] }))[0]).not.toBe(true);
  });
});

describe('cost', () => {
  test('a regular expression that backtracking engines choke on is of linear time', () => {
    const { policy } = load(policyOf('request.path.matches("^(a+)+$")'));
    const facts = someFacts({ http: anHttpRequest({ path: `${'a'.repeat(8000)}!` }) });
    expect(policy.evaluate(facts).allow.value).toBe(false);
  });

  test('one expression judges many requests, each by its own facts', () => {
    const { policy } = load(
      policyOf('subject.groups.exists(g, g == request.path) && now > timestamp("1970-01-01T00:00:09Z")'),
    );
    const kinds = ['/a', '/b', '/a'].map(
      (path) =>
        policy.evaluate(
          someFacts({ subject: aSubject({ groups: ['/a'] }), http: anHttpRequest({ path }), now: epochSeconds(10) }),
        ).kind,
    );
    expect(kinds).toEqual(['allow', 'deny', 'allow']);
  });
});

test('an expression asked without the facts that it uses gives an error, and no answer', () => {
  for (const text of [
    'subject.id == "x"',
    '"x" in claims',
    'request.path == "/"',
    'mcp.method == "x"',
    '"x" in request.headers',
    '"x" in request.query',
  ]) {
    const compiled = compileCel(text, new Set());
    if (!compiled.ok) throw new Error(compiled.error);
    const program = compiled.value;
    expect(() => program.evaluate(someFacts({ subject: undefined, http: undefined }))).toThrow();
  }
});

test('only a bool is an answer', () => {
  expect([assertBool(true), assertBool(false)]).toEqual([true, false]);
  for (const value of [1, 'true', undefined, null, {}]) expect(() => assertBool(value)).toThrow('gave no bool');
});

test('an error without a place is told without one', () => {
  expect(describeCelError(new Error('x'))).toBe('not a CEL expression');
});
