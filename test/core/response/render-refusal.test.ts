import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Findings } from '../../../src/core/decision.ts';
import type { ExplainedCriterion } from '../../../src/core/policy/compiled-policy.ts';
import type { StepUp } from '../../../src/core/policy/step-up.ts';
import type { Verdict } from '../../../src/core/policy/verdict.ts';
import type { RequestBody } from '../../../src/core/request/access-request.ts';
import { canonicalise } from '../../../src/core/request/canonicalise.ts';
import type { OwnResponse } from '../../../src/core/response/decision.ts';
import type { RefusalCode } from '../../../src/core/response/refusal-codes.ts';
import { refusalCodes } from '../../../src/core/response/refusal-codes.ts';
import type { Refusal } from '../../../src/core/response/refusal.ts';
import { HOME_PATH, SIGN_IN_PATH } from '../../../src/core/response/refusal.ts';
import { renderRefusal } from '../../../src/core/response/render-refusal.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { noClaims } from '../../../src/core/session/session.ts';
import { epochSeconds, idpName, sessionHandle } from '../../../src/core/units.ts';
import { PATHS } from '../../../src/endpoints/own-paths.ts';
import { anAccessRequest } from '../request/a-request.ts';
import { aRoute } from '../route/a-route.ts';

const REQUEST_ID = '7f3b0c52-9d1e-4f0a-b6a7-2f3c51a0c9e4';
const NOW = epochSeconds(Date.UTC(2026, 10, 22, 2, 41, 7) / 1000);

const codes = Object.keys(refusalCodes) as RefusalCode[];

const clients = {
  browser: { 'sec-fetch-mode': 'navigate' },
  curl: { accept: '*/*' },
  text: { accept: 'text/plain' },
  grpc: { 'content-type': 'application/grpc' },
  grpcWeb: { 'content-type': 'application/grpc-web+proto' },
  kubectl: { 'user-agent': 'kubectl/v1.32.4 kubernetes/59526cd' },
  mcp: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
} as const;

type Client = keyof typeof clients;

const requestOf = (client: Client, change: { method?: string; body?: RequestBody } = {}) =>
  anAccessRequest({
    method: client === 'mcp' || client === 'grpc' || client === 'grpcWeb' ? 'POST' : 'GET',
    headers: Object.entries(clients[client]),
    ...change,
  });

function aSession(change: Partial<Session> = {}): Session {
  return {
    handle: sessionHandle('h'),
    idp: idpName('default'),
    issuer: 'https://idp.example.com',
    subject: 'u1',
    email: 'bob@example.com',
    emailVerified: true,
    name: 'Bob',
    claims: noClaims,
    userClaims: noClaims,
    idpSessionId: undefined,
    acr: undefined,
    amr: [],
    authTime: NOW,
    createdAt: NOW,
    expiresAt: epochSeconds(NOW + 3600),
    lastSeenAt: NOW,
    tokens: { idToken: undefined, accessToken: undefined, refreshToken: undefined, accessTokenExpiresAt: undefined },
    tokensAt: NOW,
    confirmedAt: NOW,
    mark: { history: 'h', seq: 1 },
    version: 1,
    ...change,
  };
}

const notInGroup: Verdict = {
  kind: 'deny',
  allow: { value: false, reasons: ['groups-unauthorized'] },
  deny: { value: false, reasons: [] },
  rule: undefined,
};

function findingsOf(change: Partial<Findings> & { showsDetails?: boolean; path?: string } = {}): Findings {
  const { showsDetails = true, path = '/d/prod', ...rest } = change;
  const target = canonicalise({ method: 'GET', authority: 'grafana.example.com', path });
  return {
    target: target.ok ? target.value : undefined,
    client: { address: '192.0.2.1', from: 'peer', via: [], isProxy: false },
    route: aRoute('grafana', 'grafana.example.com', undefined, { showErrorDetails: showsDetails }),
    session: aSession(),
    pinned: undefined,
    presented: undefined,
    found: { kind: 'none' },
    facts: undefined,
    verdict: notInGroup,
    ...rest,
  };
}

const refusal = (client: Client, code: RefusalCode, change: Partial<Refusal> = {}): Refusal => ({
  request: requestOf(client),
  requestId: REQUEST_ID,
  code,
  findings: undefined,
  detail: undefined,
  now: NOW,
  ...change,
});

const header = (response: OwnResponse, name: string): string | undefined =>
  response.headers.find(([key]) => key === name)?.[1];

const jsonOf = (response: OwnResponse): unknown => JSON.parse(response.body);

const denied = (client: Client, change: Partial<Refusal> = {}) =>
  renderRefusal(refusal(client, 'forbidden', { findings: findingsOf(), ...change }));

describe('the table of refusals', () => {
  test.each(codes)('gives %s a gRPC status that is not OK and an HTTP status that exists', (code) => {
    const { grpcStatus, httpStatus, title, meaning } = refusalCodes[code];
    expect(grpcStatus).toBeGreaterThan(0);
    expect(grpcStatus).toBeLessThanOrEqual(16);
    expect(code === 'own-response' || (httpStatus >= 400 && httpStatus < 600)).toBe(true);
    expect([title, meaning]).not.toContain('');
  });

  test('names the paths that the endpoints have', () => {
    expect([SIGN_IN_PATH, HOME_PATH]).toEqual([PATHS.signIn, PATHS.home]);
  });
});

describe('every refusal to every client', () => {
  const everyone = (Object.keys(clients) as Client[]).flatMap((client) =>
    codes.filter((code) => code !== 'own-response').map((code) => [client, code] as const),
  );

  test.each(everyone)('%s, %s: names the request, is never stored, and is no success', (client, code) => {
    const response = renderRefusal(refusal(client, code, { findings: findingsOf() }));
    expect(response.status).toBe(refusalCodes[code].httpStatus);
    expect(header(response, 'x-request-id')).toBe(REQUEST_ID);
    expect(header(response, 'cache-control')).toBe('no-store');
    expect(header(response, 'x-content-type-options')).toBe('nosniff');
    expect(header(response, 'x-doorward-response')).toBe('true');
    expect(response.headers.some(([name]) => name.startsWith('access-control-'))).toBe(false);
    expect(new Set(response.headers.map(([name]) => name)).size).toBe(response.headers.length);
    expect(`${response.body}${header(response, 'grpc-message') ?? ''}`).toContain(REQUEST_ID);
    expect(header(response, 'retry-after') !== undefined).toBe(response.status === 503);
    expect(header(response, 'www-authenticate') !== undefined).toBe(response.status === 401);
    for (const [, value] of response.headers) expect(value).toMatch(/^[ -~]*$/);
  });

  test('has no body where only the head was asked for', () => {
    for (const client of ['browser', 'curl', 'text', 'kubectl'] as const) {
      const response = denied(client, { request: requestOf(client, { method: 'HEAD' }) });
      expect(response.body).toBe('');
      expect(response.status).toBe(403);
      expect(header(response, 'content-type')).toBe(header(denied(client), 'content-type'));
    }
  });

  test('is one line of text where no HTTP request was decoded', () => {
    const nothing = renderRefusal(
      refusal('curl', 'bad-request', { request: undefined, detail: 'the message is cut off' }),
    );
    expect(nothing.body).toBe(`Bad request: the message is cut off (request ${REQUEST_ID})\n`);
    const tcp = renderRefusal(refusal('curl', 'not-http', { request: anAccessRequest({ isHttp: false }) }));
    expect(header(tcp, 'content-type')).toBe('text/plain; charset=utf-8');
    expect(tcp.status).toBe(400);
  });
});

describe('JSON', () => {
  test('says what, why and which request', () => {
    const response = denied('curl');
    expect(response.status).toBe(403);
    expect(header(response, 'content-type')).toBe('application/json');
    expect(jsonOf(response)).toEqual({ error: 'forbidden', reason: 'groups-unauthorized', request_id: REQUEST_ID });
  });

  test('does not say why the policy refused where the route shows no details', () => {
    const response = denied('curl', { findings: findingsOf({ showsDetails: false }), detail: 'groups-unauthorized' });
    expect(jsonOf(response)).toEqual({ error: 'forbidden', request_id: REQUEST_ID });
  });

  test('says what is wrong with the request itself', () => {
    const response = renderRefusal(refusal('curl', 'bad-request', { detail: 'the path has an encoded slash' }));
    expect(jsonOf(response)).toEqual({
      error: 'bad-request',
      reason: 'the path has an encoded slash',
      request_id: REQUEST_ID,
    });
  });

  test('never tells what failed inside', () => {
    for (const code of ['unavailable', 'internal-error', 'overloaded', 'timeout', 'login-required'] as const) {
      expect(renderRefusal(refusal('curl', code, { detail: 'redis at 10.0.0.7' })).body).not.toContain('10.0.0.7');
    }
  });

  test('of a missing login says where to sign in, for the page that was asked for', () => {
    const signIn = (path: string, change: Partial<Refusal> = {}) => {
      const findings = findingsOf({ session: undefined, verdict: undefined, path });
      return (jsonOf(renderRefusal(refusal('curl', 'login-required', { findings, ...change }))) as { sign_in?: string })
        .sign_in;
    };
    expect(signIn('/d?x=1&y=a%20b')).toBe('/.doorward/sign_in?return=%2Fd%3Fx%3D1%26y%3Da%2520b');
    expect(signIn('/d//x')).toBe('/.doorward/sign_in');
    expect(signIn(`/${'x'.repeat(3000)}`)).toBe('/.doorward/sign_in');
    expect(signIn('/d', { request: requestOf('curl', { method: 'POST' }) })).toBe('/.doorward/sign_in');
    expect(signIn('/d', { findings: findingsOf({ route: undefined }) })).toBeUndefined();
    expect(signIn('/d', { findings: undefined })).toBeUndefined();
  });

  test('asks for a bearer token, and for a stronger login where that is missing', () => {
    const challenge = (code: RefusalCode) => header(renderRefusal(refusal('curl', code)), 'www-authenticate');
    expect(challenge('login-required')).toBe('Bearer realm="doorward"');
    expect(challenge('step-up-required')).toBe(
      'Bearer realm="doorward", error="insufficient_user_authentication", error_description="A more recent or stronger sign-in is required"',
    );
  });

  test.each<[StepUp, string]>([
    [{ acrValues: ['urn:a', 'b'], maxAge: 600 }, 'acr_values="urn:a b", max_age="600"'],
    [{ acrValues: undefined, maxAge: 0 }, 'max_age="0"'],
    [{ acrValues: ['a"b\\c', '",x="'], maxAge: undefined }, String.raw`acr_values="a\"b\\c \",x=\""`],
  ])('names what a sign-in must show: %j', (stepUp, expected) => {
    const verdict = { ...notInGroup, kind: 'step-up', stepUp } as const;
    const response = renderRefusal(refusal('curl', 'step-up-required', { findings: findingsOf({ verdict }) }));
    expect(header(response, 'www-authenticate')?.split('is required", ')[1]).toBe(expected);
    const login = renderRefusal(refusal('curl', 'login-required', { findings: findingsOf({ verdict }) }));
    expect(header(login, 'www-authenticate')).toBe('Bearer realm="doorward"');
  });

  test('gives the reasons of the part that decided', () => {
    const reason = (verdict: Partial<Verdict>) =>
      (
        jsonOf(denied('curl', { findings: findingsOf({ verdict: { ...notInGroup, ...verdict } }) })) as {
          reason?: string;
        }
      ).reason;
    const allow = { value: true, reasons: ['email-ok'] };
    expect(reason({ allow, deny: { value: true, reasons: ['source-ip-ok'] } })).toBe('source-ip-ok');
    expect(reason({ allow, deny: { value: undefined, reasons: ['criterion-error', 'x'] } })).toBe('criterion-error, x');
    expect(reason({ allow: { value: false, reasons: [] } })).toBeUndefined();
  });
});

describe('gRPC', () => {
  test.each<[RefusalCode, number]>([
    ['login-required', 16],
    ['forbidden', 7],
    ['device-unauthorized', 7],
    ['client-certificate', 7],
    ['unavailable', 14],
    ['bad-request', 3],
    ['route-not-found', 5],
    ['internal-error', 13],
  ])('%s is status %i, whatever the HTTP status', (code, status) => {
    for (const client of ['grpc', 'grpcWeb'] as const) {
      const response = renderRefusal(refusal(client, code));
      expect(header(response, 'grpc-status')).toBe(String(status));
      expect(response.body).toBe('');
      expect(response.status).toBe(refusalCodes[code].httpStatus);
    }
  });

  test('has its own content types and a message in printable ASCII', () => {
    expect(header(denied('grpc'), 'content-type')).toBe('application/grpc');
    expect(header(denied('grpcWeb'), 'content-type')).toBe('application/grpc-web+proto');
    const message = header(renderRefusal(refusal('grpc', 'bad-request', { detail: 'a % é\n' })), 'grpc-message');
    expect(message).toBe(`Bad request: a %25 %C3%A9%0A (request ${REQUEST_ID})`);
  });
});

describe('a Kubernetes client', () => {
  test.each<[RefusalCode, string]>([
    ['forbidden', 'Forbidden'],
    ['client-certificate', 'Forbidden'],
    ['login-required', 'Unauthorized'],
    ['route-not-found', 'NotFound'],
    ['bad-request', 'BadRequest'],
    ['unavailable', 'ServiceUnavailable'],
    ['internal-error', 'InternalError'],
  ])('gets %s as a Status with the reason %s', (code, reason) => {
    const response = renderRefusal(refusal('kubectl', code));
    expect(jsonOf(response)).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `doorward: ${refusalCodes[code].title} (request ${REQUEST_ID})`,
      reason,
      code: response.status,
    });
  });
});

describe('an MCP client', () => {
  const call = (text: string, change: Partial<RequestBody> = {}) =>
    requestOf('mcp', { body: { bytes: new TextEncoder().encode(text), partial: false, asString: false, ...change } });
  const rpc = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"export"}}';

  test('gets a denial within JSON-RPC, with the id of its call', () => {
    const response = denied('mcp', { request: call(rpc) });
    expect(response.status).toBe(200);
    expect(jsonOf(response)).toEqual({
      jsonrpc: '2.0',
      id: 7,
      error: {
        code: -32001,
        message: `No access: groups-unauthorized (request ${REQUEST_ID})`,
        data: { error: 'forbidden', reason: 'groups-unauthorized', request_id: REQUEST_ID },
      },
    });
    expect(jsonOf(denied('mcp', { request: call(rpc.replace('7', '"a"')) }))).toMatchObject({ id: 'a' });
  });

  test.each<[RefusalCode, number, number]>([
    ['login-required', 401, -32001],
    ['bad-request', 400, -32600],
    ['unavailable', 503, -32603],
    ['internal-error', 500, -32603],
  ])('gets %s with its HTTP status %i and the code %i', (code, status, rpcCode) => {
    const response = renderRefusal(refusal('mcp', code, { request: call(rpc) }));
    expect(response.status).toBe(status);
    expect(jsonOf(response)).toMatchObject({ id: 7, error: { code: rpcCode } });
  });

  test.each<[string, string, Partial<RequestBody>]>([
    ['a notification', '{"jsonrpc":"2.0","method":"x"}', {}],
    ['no call', '{"id":7}', {}],
    ['a batch', `[${rpc}]`, {}],
    ['an id that is none', '{"id":{},"method":"x"}', {}],
    ['an endless id', `{"id":"${'x'.repeat(129)}","method":"x"}`, {}],
    ['no JSON', '{', {}],
    ['null', 'null', {}],
    ['part of a body', rpc, { partial: true }],
    ['a large body', `${rpc}${' '.repeat(65_536)}`, {}],
  ])('gets HTTP 403 for %s', (_, text, change) => {
    const response = denied('mcp', { request: call(text, change) });
    expect(response.status).toBe(403);
    expect(jsonOf(response)).toMatchObject({ id: null });
  });

  test('gets HTTP 403 where Envoy sent no body', () => {
    expect(denied('mcp').status).toBe(403);
  });
});

describe('the page of a denial', () => {
  const criterion = (change: Partial<ExplainedCriterion> = {}): ExplainedCriterion => ({
    at: 'allow[0].or[0]',
    name: 'groups',
    data: '{"has":"sre"}',
    value: false,
    reasons: ['groups-unauthorized'],
    ...change,
  });
  const headingOf = (criteria: readonly ExplainedCriterion[], findings = findingsOf()): string =>
    /<h1>(.*)<\/h1>/.exec(denied('browser', { criteria, findings }).body)?.[1] ?? '';

  test('says who is signed in, what is missing, what can be done and which request it was', () => {
    const { body, status } = denied('browser', { criteria: [criterion()] });
    expect(status).toBe(403);
    expect(body).toContain('<title>No access · grafana.example.com</title>');
    expect(body).toContain('<h1>Bob, this page is for the group <em>sre</em></h1>');
    expect(body).toContain('You are signed in as <strong>bob@example.com</strong>.');
    expect(body).toContain('Your account is in none of the groups that this page is for.');
    expect(body).toContain('href="/.doorward/sign_in?return=%2Fd%2Fprod&amp;prompt=login">Sign in as someone else</a>');
    expect(body).toContain('href="/.doorward/">My access</a>');
    expect(body).toContain('<dt>Page</dt><dd>grafana.example.com/d/prod</dd>');
    expect(body).toContain('<dt>Rule</dt><dd>grafana · nothing allows it</dd>');
    expect(body).toContain('<dt>Reason</dt><dd>groups-unauthorized</dd>');
    expect(body).toContain(`<dt>Request</dt><dd>${REQUEST_ID}</dd>`);
    expect(body).toContain('<dt>Time</dt><dd>2026-11-22 02:41:07 UTC</dd>');
  });

  test('names no rule, reason or group where the route shows no details', () => {
    const { body } = denied('browser', { criteria: [criterion()], findings: findingsOf({ showsDetails: false }) });
    expect(body).toContain('<h1>Bob, you have no access to this page</h1>');
    expect(body).not.toMatch(/sre|groups|Rule|Reason/);
  });

  test('names the rule that decided', () => {
    const verdict = { ...notInGroup, deny: { value: true, reasons: ['user-ok'] }, rule: 'deny[0].or' } as const;
    const { body } = denied('browser', { findings: findingsOf({ verdict }) });
    expect(body).toContain('<dt>Rule</dt><dd>grafana · deny[0].or</dd>');
    expect(body).toContain('<dt>Reason</dt><dd>user-ok</dd>');
  });

  test.each<[string, readonly ExplainedCriterion[], string]>([
    ['nothing is known of the criteria', [], 'Bob, you have no access to this page'],
    [
      'two groups would do',
      [criterion(), criterion({ data: '"ops"' })],
      'Bob, this page is for the groups <em>sre</em> or <em>ops</em>',
    ],
    [
      'three would do',
      [criterion({ data: '{"in":["a","b","c"]}' })],
      'Bob, this page is for the groups <em>a</em>, <em>b</em> or <em>c</em>',
    ],
    [
      'one is named twice',
      [criterion(), criterion({ data: '{"is":"sre"}' })],
      'Bob, this page is for the group <em>sre</em>',
    ],
    ['more would do', [criterion({ data: '{"in":["a","b","c","d"]}' })], 'Bob, you have no access to this page'],
    [
      'something else is missing too',
      [criterion(), criterion({ name: 'email' })],
      'Bob, you have no access to this page',
    ],
    ['the group must be missing', [criterion({ at: 'allow[0].not[0]' })], 'Bob, you have no access to this page'],
    ['what failed is of a deny rule', [criterion({ at: 'deny[0].or[0]' })], 'Bob, you have no access to this page'],
    [
      'the matcher names no group',
      [criterion({ data: '{"starts_with":"s"}' })],
      'Bob, you have no access to this page',
    ],
    ['the matcher is none', [criterion({ data: 'null' })], 'Bob, you have no access to this page'],
    [
      'what is met does not count',
      [criterion(), criterion({ name: 'email', value: true })],
      'Bob, this page is for the group <em>sre</em>',
    ],
  ])('has the right heading where %s', (_, criteria, heading) => {
    expect(headingOf(criteria)).toBe(heading);
  });

  test('calls people by the best name there is', () => {
    const named = (change: Partial<Session>) => headingOf([], findingsOf({ session: aSession(change) }));
    expect(named({ name: '' })).toBe('bob@example.com, you have no access to this page');
    expect(named({ name: '', email: '' })).toBe('u1, you have no access to this page');
    const { body } = denied('browser', { findings: findingsOf({ session: aSession({ email: '' }) }) });
    expect(body).toContain('You are signed in as <strong>u1</strong>.');
  });

  test('asks nobody who is not signed in to be somebody else', () => {
    const { body } = denied('browser', { findings: findingsOf({ session: undefined }) });
    expect(body).toContain('<h1>No access</h1>');
    expect(body).not.toContain('<a ');
  });

  test.each<[RefusalCode, string]>([
    ['login-required', '<a class="first" href="/.doorward/sign_in?return=%2Fd%2Fprod">Sign in</a>'],
    [
      'step-up-required',
      '<a class="first" href="/.doorward/sign_in?return=%2Fd%2Fprod&amp;prompt=login">Sign in again</a>',
    ],
  ])('of %s leads to the login', (code, link) => {
    expect(renderRefusal(refusal('browser', code, { findings: findingsOf({ verdict: undefined }) })).body).toContain(
      link,
    );
  });

  test('of a host that is not ours leads nowhere', () => {
    const { body } = renderRefusal(
      refusal('browser', 'login-required', { findings: findingsOf({ route: undefined }) }),
    );
    expect(body).not.toContain('<a ');
  });

  test('of a bad request says what is wrong with it, as a sentence', () => {
    const { body } = renderRefusal(refusal('browser', 'bad-request', { detail: 'the path has an encoded slash' }));
    expect(body).toContain('<title>Bad request</title>');
    expect(body).toContain('<p>The path has an encoded slash.</p>');
    expect(body).not.toContain('<dt>Page</dt>');
  });

  test('shows no person’s name where the refusal is not about a person', () => {
    const { body } = renderRefusal(refusal('browser', 'unavailable', { findings: findingsOf({ verdict: undefined }) }));
    expect(body).not.toContain('Bob');
    expect(body).toContain('<h1>Temporarily unavailable</h1>');
  });
});

describe('hostile text', () => {
  test('of paths, people, groups and details never becomes markup or a header', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('<script>alert(1)</script>', '"><img src=x>', '\r\nset-cookie: a=b'),
    );
    const anyClient = fc.constantFrom(...(Object.keys(clients) as Client[]));
    fc.assert(
      fc.property(anyClient, fc.constantFrom(...codes), text, text, text, (client, code, one, two, three) => {
        const session = aSession({ name: one, email: two, subject: three });
        const base = findingsOf({ session });
        const target = base.target && { ...base.target, path: `/${one}`, query: two };
        const response = renderRefusal(
          refusal(client, code, {
            findings: { ...base, target },
            detail: three,
            criteria: [
              { at: 'allow[0].or[0]', name: 'groups', data: JSON.stringify({ has: one }), value: false, reasons: [] },
            ],
          }),
        );
        expect(response.body).not.toMatch(/<(?:script|img)/);
        for (const [, value] of response.headers) expect(value).toMatch(/^[ -~]*$/);
      }),
      { numRuns: 500 },
    );
  });
});
