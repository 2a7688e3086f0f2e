/** Random policies that load in both semantics, and random facts. Values are few, so that policies and facts meet. */

import * as fc from 'fast-check';
import type { PolicyFacts } from '../../../src/core/policy/facts.ts';
import type { Tree } from '../../../src/core/problem.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { aSubject, anHttpRequest, NOW, someFacts } from './builders.ts';

const text = fc.constantFrom(
  'alice',
  'alice@example.com',
  'example.com',
  'GET',
  '/api',
  '/api/x',
  'eng',
  'search',
  'é',
);

const stringOperator = fc.oneof(
  fc.record({ is: text }),
  fc.record({ not: text }),
  fc.record({ starts_with: text }),
  fc.record({ ends_with: text }),
  fc.record({ contains: text }),
  fc.record({ in: fc.array(text, { minLength: 1, maxLength: 3 }) }),
  fc.record({ not_in: fc.array(text, { minLength: 1, maxLength: 3 }) }),
  fc.record({ starts_with: text, not: text }),
);
const stringData = fc.oneof(text, stringOperator);

const listData = fc.oneof(text, fc.record({ has: text }), fc.record({ is: text }), fc.record({ exclude: text }));

const deviceData = fc.oneof(
  fc.record({ approved: fc.boolean() }),
  fc.record({ is: fc.constantFrom('d1', 'd2') }),
  fc.record({ type: fc.constantFrom('any', 'enclave_only') }),
  fc.record({ type: fc.constantFrom('any', 'enclave_only'), approved: fc.boolean() }),
);

const sanData = fc.oneof(text, fc.record({ not: text }), fc.record({ ends_with: text, contains: text }));

const one = (name: string, data: fc.Arbitrary<unknown>): fc.Arbitrary<Tree> =>
  data.map((value) => ({ [name]: value }) as Tree);

const flag = fc.constant(true);

const anExpression = fc.constantFrom(
  'true',
  'request.path == "/api"',
  '!("x" in request.query) || request.query["a"] == ["alice"]',
  '"eng" in subject.groups',
  '!("eng" in claims["department"])',
  'subject.email.endsWith("example.com") && request.method == "GET"',
  'request.headers["x-a"] != ["alice"]',
  'mcp.tool == "search"',
  'certificate.valid && "alice" in certificate.san_email',
  'target.labels["environment"] != "GET"',
);

export const aCriterion: fc.Arbitrary<Tree> = fc.oneof(
  one('accept', flag),
  one('reject', flag),
  one('authenticated_user', flag),
  one('user', stringData),
  one('email', stringData),
  one('domain', stringData),
  one('groups', listData),
  one('claim/department', listData),
  one('auth_age', fc.constantFrom('15m', 60)),
  one('acr', fc.oneof(stringData, fc.constant(['eng', 'search']))),
  one('device', deviceData),
  one('risk', fc.constantFrom('low', 'medium', { max: 'medium', unknown: 'low' }, { max: 'low', unknown: 'high' })),
  one('http_method', stringData),
  one('http_path', stringData),
  one('cors_preflight', flag),
  one('header/x-a', stringData),
  one('http_query', fc.record({ a: stringData })),
  one('label/environment', stringData),
  one('date', fc.constantFrom({ after: '2026-11-01T00:00:00Z' }, { is: '2026-10-31', timezone: 'UTC' })),
  one('day_of_week', fc.constantFrom({ is: 'sun', timezone: 'UTC' }, { is: 'sun', timezone: 'America/New_York' })),
  one('time_of_day', fc.constantFrom({ before: '06:00', timezone: 'UTC' }, { after: '12:00', timezone: 'UTC' })),
  one('cel', anExpression),
  one('source_ip', fc.constantFrom('10.0.0.0/8', '192.168.0.0/16')),
  one('client_certificate', fc.record({ san_email: sanData })),
  one('invalid_client_certificate', flag),
  one('mcp_tool', stringData),
  one('ssh_username', stringData),
  one('ssh_username_matches_email', flag),
  one('ssh_username_matches_claim', fc.constant('department')),
);

const aBody = fc
  .tuple(fc.constantFrom('and', 'or', 'not', 'nor'), fc.array(aCriterion, { maxLength: 3 }))
  .map(([operator, criteria]): { readonly [key: string]: Tree } => ({ [operator]: criteria }));

export const aDenyRule: fc.Arbitrary<Tree> = aBody.map((body) => ({ deny: body }));

export const aPolicy: fc.Arbitrary<readonly Tree[]> = fc.array(
  fc.oneof(
    aBody.map((body): Tree => ({ allow: body })),
    aDenyRule,
    fc.tuple(aBody, aBody).map(([allow, deny]): Tree => ({ allow, deny })),
  ),
  { minLength: 1, maxLength: 3 },
);

const someText = fc.oneof(text, fc.constantFrom('', '/api/\uFFFD', 'a@b@example.com', 'bob'));

export const anyFacts: fc.Arbitrary<PolicyFacts> = fc
  .record({
    isHttp: fc.boolean(),
    method: fc.constantFrom('GET', 'POST', 'OPTIONS'),
    path: someText,
    query: fc.constantFrom('', 'a=alice', 'a=GET&a=eng', 'a=x;a=y', 'a=%ff'),
    header: fc.array(someText, { maxLength: 2 }),
    label: fc.option(text, { nil: undefined }),
    isPreflight: fc.boolean(),
    sourceIp: fc.constantFrom('10.0.0.5', '192.168.0.1', '203.0.113.7', ''),
    subject: fc.option(
      fc.record({
        userId: fc.constantFrom('alice', 'bob', ''),
        email: someText,
        groups: fc.option(fc.array(text, { maxLength: 2 }), { nil: undefined }),
        department: fc.option(fc.array(text, { maxLength: 2 }), { nil: undefined }),
        acr: fc.option(someText, { nil: undefined }),
        signedInAgo: fc.option(fc.constantFrom(0, 60, 61, 900, 901), { nil: undefined }),
      }),
      { nil: undefined },
    ),
    presented: fc.boolean(),
    valid: fc.boolean(),
    sanEmail: fc.array(text, { maxLength: 2 }),
    mcp: fc.option(
      fc.record({
        method: fc.constantFrom('tools/call', 'tools/list', ''),
        tool: fc.option(someText, { nil: undefined }),
        readable: fc.boolean(),
      }),
      { nil: undefined },
    ),
    risk: fc.option(fc.record({ level: fc.constantFrom('low', 'medium', 'high'), isSaid: fc.boolean() }), {
      nil: undefined,
    }),
    username: someText,
    device: fc.option(
      fc.record({
        type: fc.constantFrom('any', 'enclave_only'),
        credentialId: fc.constantFrom('d1', 'd2'),
        enrolled: fc.boolean(),
        approved: fc.boolean(),
      }),
      { nil: undefined },
    ),
  })
  .map((given) =>
    someFacts({
      http: given.isHttp
        ? anHttpRequest({
            method: given.method,
            path: given.path,
            query: given.query,
            header: (name) => (name === 'x-a' ? given.header : given.isPreflight ? ['x'] : []),
          })
        : undefined,
      ssh: given.isHttp ? undefined : { username: given.username, publicKey: new Uint8Array() },
      ...(given.risk === undefined ? {} : { risk: given.risk }),
      sourceIp: given.sourceIp,
      subject:
        given.subject === undefined
          ? undefined
          : aSubject({
              userId: given.subject.userId,
              email: given.subject.email,
              groups: given.subject.groups,
              sessionClaims: new Map(
                given.subject.department === undefined ? [] : [['department', given.subject.department]],
              ),
              acr: given.subject.acr,
              authTime:
                given.subject.signedInAgo === undefined ? undefined : epochSeconds(NOW - given.subject.signedInAgo),
            }),
      certificate: {
        presented: given.presented,
        valid: given.presented && given.valid,
        leaf: given.presented
          ? { fingerprint: '', spkiHash: '', sanEmail: given.sanEmail, sanDns: [], sanUri: [] }
          : undefined,
      },
      mcp: given.mcp,
      labels: new Map(given.label === undefined ? [] : [['environment', given.label]]),
      device:
        given.subject === undefined
          ? undefined
          : { byType: new Map(given.device === undefined ? [] : [[given.device.type, given.device]]) },
    }),
  );
