import { createHmac } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createIdentityProvider } from '../../../src/adapters/oidc/create-identity-provider.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { IdpConfig } from '../../../src/core/config.ts';
import type { StepUp } from '../../../src/core/policy/step-up.ts';
import {
  isDependencyError,
  type DependencyError,
  type Identity,
  type IdentityProvider,
  type Logger,
} from '../../../src/core/ports.ts';
import { aClock } from '../../core/session/a-session.ts';
import { waitFor } from '../../support/wait.ts';
import {
  answerWith,
  CLIENT,
  NONCE,
  rsaSignature,
  startFakeProvider,
  SUBJECT,
  type FakeProvider,
} from './fake-provider.ts';

/** Only where an answer that never comes is waited for; else the adapter's own, so that a busy machine fails no test. */
const SHORT_DEADLINE_MS = 600;
const SECRET = 'the-client-secret';
const CODE = 'the-code-of-this-login';
const STATE = 'the-state-of-this-login';
const REDIRECT_URI = 'https://app.example.com/.doorward/callback';

let fake: FakeProvider;
let logged: string[] = [];
const log = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
const logger: Logger = { debug: log, info: log, warn: log, error: log };

beforeAll(async () => {
  fake = await startFakeProvider();
});
afterAll(() => fake.close());
beforeEach(() => {
  fake.lie({});
  logged = [];
});

const configOf = (changes: Partial<IdpConfig> = {}): IdpConfig => ({
  name: 'default',
  url: fake.issuer,
  client_id: CLIENT,
  client_secret: SECRET,
  scopes: ['openid', 'email'],
  request_params: {},
  insecure_http: true,
  ...changes,
});

const provider = (changes: Partial<IdpConfig> = {}): IdentityProvider =>
  createIdentityProvider(configOf(changes), { clock: systemClock, logger });

const impatient = (): IdentityProvider =>
  createIdentityProvider(configOf(), { clock: systemClock, logger, deadlineMs: SHORT_DEADLINE_MS });

const callbackUrl = (query: Record<string, string> = {}): string =>
  `${REDIRECT_URI}?${new URLSearchParams({ code: CODE, state: STATE, iss: fake.issuer, ...query }).toString()}`;

const redeem = (
  at = provider(),
  url = callbackUrl(),
  more: { nonce?: string; state?: string } = {},
): Promise<Identity> =>
  at.redeem({ callbackUrl: url, state: STATE, nonce: NONCE, codeVerifier: 'v'.repeat(43), ...more });

/** The DependencyError that it ends in; it holds no secret, whatever went wrong. */
async function failureOf(promise: Promise<unknown>): Promise<DependencyError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isDependencyError(error)) throw new Error('not a DependencyError', { cause: error });
  const told = `${error.message} ${JSON.stringify(error)} ${logged.join('\n')}`;
  for (const secret of [SECRET, CODE, STATE, NONCE, 'the-access-token', 'the-refresh-token', 'eyJ']) {
    expect(told).not.toContain(secret);
  }
  expect(error.cause).toBeUndefined();
  return error;
}

describe('a login at a provider that tells the truth', () => {
  test('gives the claims of ID token and userinfo, and the tokens', async () => {
    const identity = await redeem();
    expect(identity).toMatchObject({
      issuer: fake.issuer,
      subject: SUBJECT,
      idTokenClaims: { sub: SUBJECT, nonce: NONCE },
      userinfoClaims: { sub: SUBJECT, email: 'alice@example.com', groups: ['sre'] },
      tokens: { accessToken: 'the-access-token', refreshToken: 'the-refresh-token' },
    });
    expect(identity.tokens.idToken).toMatch(/^eyJ/);
    const end = identity.tokens.accessTokenExpiresAt ?? 0;
    expect(Math.abs(end - Date.now() / 1000 - 600)).toBeLessThan(5);
  });

  test('sends code, verifier and the redirect URI that began it, and the secret by Basic', async () => {
    await redeem();
    const [sent] = fake.requests('token').slice(-1);
    expect(Object.fromEntries(new URLSearchParams(sent?.body))).toMatchObject({
      grant_type: 'authorization_code',
      code: CODE,
      redirect_uri: REDIRECT_URI,
      code_verifier: 'v'.repeat(43),
    });
    expect(sent?.headers.authorization).toMatch(/^Basic /);
  });

  test('puts the secret into the body where the provider takes nothing else, and nowhere for a public client', async () => {
    fake.lie({ metadata: { token_endpoint_auth_methods_supported: ['client_secret_post'] } });
    await redeem();
    const [posted] = fake.requests('token').slice(-1);
    expect(new URLSearchParams(posted?.body).get('client_secret')).toBe(SECRET);
    const publicClient: IdpConfig = {
      name: 'default',
      url: fake.issuer,
      client_id: CLIENT,
      scopes: [],
      request_params: {},
      insecure_http: true,
    };
    await redeem(createIdentityProvider(publicClient, { clock: systemClock, logger }));
    const [open] = fake.requests('token').slice(-1);
    expect(open?.headers.authorization).toBeUndefined();
    expect(new URLSearchParams(open?.body).get('client_secret')).toBeNull();
    expect(new URLSearchParams(open?.body).get('client_id')).toBe(CLIENT);
  });

  test('does without userinfo where there is none', async () => {
    fake.lie({ metadata: { userinfo_endpoint: undefined } });
    expect((await redeem()).userinfoClaims).toBeUndefined();
  });

  test('allows a minute of difference between the clocks', async () => {
    const now = Math.floor(Date.now() / 1000);
    fake.lie({ idToken: { iat: now + 50, nbf: now + 50 } });
    await redeem();
    fake.lie({ idToken: { iat: now - 300, exp: now - 50 } });
    await redeem();
  });
});

describe('an authorization request', () => {
  const parameters = { redirectUri: REDIRECT_URI, state: STATE, nonce: NONCE, codeVerifier: 'v'.repeat(43) };

  test('asks for a code with S256, state and nonce, and keeps what the endpoint has in its query', async () => {
    const url = new URL(await provider().authorizationUrl(parameters));
    expect(url.pathname).toBe('/authorize');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      tenant: '1',
      response_type: 'code',
      client_id: CLIENT,
      redirect_uri: REDIRECT_URI,
      scope: 'openid email',
      state: STATE,
      nonce: NONCE,
      code_challenge_method: 'S256',
    });
    expect(url.searchParams.get('code_challenge')).not.toContain('vvv');
    expect(url.searchParams.has('prompt')).toBe(false);
  });

  test('takes extra parameters from the configuration, but none that it sets itself', async () => {
    const extra = {
      login_hint: 'a',
      prompt: 'consent',
      state: 'evil',
      redirect_uri: 'https://evil.example',
      request: 'x',
    };
    const url = new URL(await provider({ request_params: extra, scopes: [] }).authorizationUrl(parameters));
    expect(url.searchParams.get('login_hint')).toBe('a');
    expect(url.searchParams.get('prompt')).toBe('consent');
    expect(url.searchParams.getAll('state')).toEqual([STATE]);
    expect(url.searchParams.getAll('redirect_uri')).toEqual([REDIRECT_URI]);
    expect(url.searchParams.has('request')).toBe(false);
    expect(url.searchParams.get('scope')).toBe('openid');
    const again = new URL(
      await provider({ request_params: extra }).authorizationUrl({ ...parameters, prompt: 'login' }),
    );
    expect(again.searchParams.get('prompt')).toBe('login');
  });

  test.each<[string, StepUp | undefined, Readonly<Record<string, string>>, readonly (string | null)[]]>([
    ['nothing', undefined, {}, [null, null]],
    ['strength', { acrValues: ['gold', 'a&b'], maxAge: undefined }, {}, ['gold a&b', null]],
    ['recency', { acrValues: undefined, maxAge: 0 }, {}, [null, '0']],
    ['both', { acrValues: ['gold'], maxAge: 600 }, {}, ['gold', '600']],
    ['nothing, but every sign-in both', undefined, { acr_values: 'silver', max_age: '900' }, ['silver', '900']],
    [
      'recency, and every sign-in strength',
      { acrValues: undefined, maxAge: 600 },
      { acr_values: 'silver' },
      ['silver', '600'],
    ],
    [
      'more than every sign-in',
      { acrValues: ['gold'], maxAge: 600 },
      { acr_values: 'silver', max_age: '900' },
      ['gold', '600'],
    ],
    ['less recency than every sign-in', { acrValues: undefined, maxAge: 600 }, { max_age: '0' }, [null, '0']],
    [
      'recency where the configured one is no number',
      { acrValues: undefined, maxAge: 600 },
      { max_age: '' },
      [null, '600'],
    ],
  ])('asks for %s', async (_what, stepUp, extra, expected) => {
    const asked = { ...parameters, ...(stepUp === undefined ? {} : { stepUp }) };
    const { searchParams } = new URL(await provider({ request_params: extra }).authorizationUrl(asked));
    expect([searchParams.get('acr_values'), searchParams.get('max_age')]).toEqual(expected);
    for (const name of ['acr_values', 'max_age']) expect(searchParams.getAll(name).length).toBeLessThan(2);
  });
});

describe('an answer that does not verify is refused', () => {
  const now = Math.floor(Date.now() / 1000);
  const hmac = (input: string): string => createHmac('sha256', SECRET).update(input).digest('base64url');

  test.each<[string, Parameters<FakeProvider['lie']>[0]]>([
    ['another issuer', { idToken: { iss: 'https://evil.example' } }],
    ['another nonce', { idToken: { nonce: 'another' } }],
    ['no nonce', { idToken: { nonce: undefined } }],
    ['another audience', { idToken: { aud: 'another-client' } }],
    ['several audiences and another azp', { idToken: { aud: [CLIENT, 'another'], azp: 'another' } }],
    ['no subject', { idToken: { sub: undefined } }],
    ['no time of issue', { idToken: { iat: undefined } }],
    ['an end in the past', { idToken: { exp: now - 120 } }],
    ['a time of issue in the future', { idToken: { iat: now + 120, exp: now + 500 } }],
    ['a beginning in the future', { idToken: { nbf: now + 120 } }],
    ['alg none', { header: { alg: 'none' }, signature: () => '' }],
    ['alg HS256 under the client secret', { header: { alg: 'HS256' }, signature: hmac }],
    ['an algorithm that was not announced', { header: { alg: 'PS256' } }],
    ['a broken signature', { signature: () => Buffer.alloc(256, 1).toString('base64url') }],
    ['an unknown kid', { header: { kid: 'two' } }],
    ['no ID token', { token: { id_token: undefined } }],
    ['an ID token that is none', { token: { id_token: 'x.y.z' } }],
    ['userinfo of somebody else', { userinfo: { sub: 'mallory' } }],
    ['userinfo of nobody', { userinfo: { sub: undefined } }],
  ])('%s', async (_what, lies) => {
    fake.lie(lies);
    expect((await failureOf(redeem())).code).toBe('idp-refused');
  });

  test('a signature by another key under the same kid', async () => {
    fake.lie({ signature: rsaSignature(fake.otherKey) });
    expect((await failureOf(redeem())).code).toBe('idp-refused');
  });

  test.each<[string, Record<string, string>]>([
    ['the issuer of another provider (RFC 9207)', { iss: 'https://evil.example' }],
    ['another state', { state: 'another' }],
    ['an error', { error: 'invalid_scope' }],
  ])('a callback with %s, without redeeming the code', async (_what, query) => {
    const before = fake.requests('token').length;
    expect((await failureOf(redeem(provider(), callbackUrl(query)))).code).toBe('idp-refused');
    expect(fake.requests('token')).toHaveLength(before);
  });

  test('a callback without iss, from a provider that says it sends it', async () => {
    const url = `${REDIRECT_URI}?${new URLSearchParams({ code: CODE, state: STATE }).toString()}`;
    expect((await failureOf(redeem(provider(), url))).code).toBe('idp-refused');
    fake.lie({ metadata: { authorization_response_iss_parameter_supported: undefined } });
    await redeem(provider(), url);
  });

  test.each(['invalid_grant', 'invalid_client', 'evil\u001b[31m'])('the token endpoint says %j', async (error) => {
    const description = `no ${CODE}`;
    fake.lie({ answers: { token: answerWith(400, JSON.stringify({ error, error_description: description })) } });
    const failure = await failureOf(redeem());
    expect(failure.code).toBe('idp-refused');
    expect(failure.message).not.toContain('\u001b');
  });

  test('the userinfo endpoint does not take the token', async () => {
    fake.lie({ answers: { userinfo: answerWith(401, '', 'text/plain', { 'www-authenticate': 'Bearer error="x"' }) } });
    expect((await failureOf(redeem())).code).toBe('idp-refused');
  });
});

describe('a provider that cannot be asked', () => {
  const html = answerWith(200, '<h1>Down</h1>', 'text/html');
  const slow = (): void => undefined;
  const flood = answerWith(200, JSON.stringify({ keys: [], padding: 'x'.repeat(600_000) }));

  test.each<[string, Parameters<FakeProvider['lie']>[0]['answers']]>([
    ['HTML from the token endpoint', { token: html }],
    ['500 from the token endpoint', { token: answerWith(500, '{"error":"server_error"}') }],
    ['503 that says nothing', { token: answerWith(503, '', 'text/plain') }],
    ['429', { token: answerWith(429, '{"error":"slow_down"}') }],
    ['temporarily_unavailable', { token: answerWith(400, '{"error":"temporarily_unavailable"}') }],
    [
      'a redirect of the token endpoint',
      { token: answerWith(307, '', 'text/plain', { location: 'http://127.0.0.1:1/' }) },
    ],
    ['a token endpoint that never answers', { token: slow }],
    ['no key set', { jwks: answerWith(404, '') }],
    ['a key set of HTML', { jwks: html }],
    ['a key set without end', { jwks: flood }],
    ['a slow key set', { jwks: slow }],
    ['a userinfo endpoint that is down', { userinfo: answerWith(502, 'x', 'text/plain') }],
    ['a slow userinfo endpoint', { userinfo: slow }],
    ['discovery of HTML', { discovery: html }],
    ['no discovery', { discovery: answerWith(404, '') }],
    ['a redirected discovery', { discovery: answerWith(302, '', 'text/plain', { location: 'http://127.0.0.1:1/' }) }],
    ['a discovery that never answers', { discovery: slow }],
    ['a discovery without end', { discovery: flood }],
  ])('%s is an outage, told within the deadline', async (_what, answers) => {
    fake.lie({ answers: answers ?? {} });
    const at = impatient();
    const startedAt = performance.now();
    expect((await failureOf(redeem(at))).code).toBe('idp-unavailable');
    expect(performance.now() - startedAt).toBeLessThan(3000);
    expect(at.status()).toEqual({ failed: expect.any(String) as unknown });
  });

  test('no one listens: an outage, and it does not say so at once again before the backoff is over', async () => {
    const gone = await startFakeProvider();
    await gone.close();
    const clock = aClock();
    const at = createIdentityProvider(configOf({ url: gone.issuer }), { clock, logger });
    expect(at.status()).toBe('trying');
    expect((await failureOf(redeem(at))).code).toBe('idp-unavailable');
    const tries = logged.length;
    expect((await failureOf(redeem(at))).code).toBe('idp-unavailable');
    expect(logged).toHaveLength(tries);
    clock.advance(1.1);
    expect((await failureOf(redeem(at))).code).toBe('idp-unavailable');
    expect(logged).toHaveLength(tries + 1);
    clock.advance(1.1);
    await failureOf(redeem(at));
    expect(logged).toHaveLength(tries + 1);
  });

  test('it is found once it is back, by the background or by the next who asks', async () => {
    fake.lie({ answers: { discovery: answerWith(503, '') } });
    const at = createIdentityProvider(configOf(), { clock: systemClock, logger });
    at.start();
    await failureOf(redeem(at));
    expect(at.status()).toEqual({ failed: expect.any(String) as unknown });
    fake.lie({});
    await waitFor('the background to find it', () => (at.status() === 'ready' ? true : undefined));
    await redeem(at);
    at.close();
  });

  test('many who wait for the discovery make one request', async () => {
    const at = provider();
    const before = fake.requests('discovery').length;
    await Promise.all([redeem(at), redeem(at), redeem(at)]);
    expect(fake.requests('discovery')).toHaveLength(before + 1);
    expect(at.status()).toBe('ready');
  });

  test('one that was found is looked up anew after an hour, and stays in use if that fails', async () => {
    const clock = { ...systemClock, monotonicMs: () => offsetMs };
    let offsetMs = 0;
    const at = createIdentityProvider(configOf(), { clock, logger });
    await redeem(at);
    fake.lie({ answers: { discovery: answerWith(500, '') } });
    offsetMs = 3_700_000;
    const before = fake.requests('discovery').length;
    await redeem(at);
    await redeem(at);
    expect(fake.requests('discovery')).toHaveLength(before + 1);
  });
});

describe('metadata that will not do makes the provider unavailable', () => {
  test.each<[string, Record<string, unknown>]>([
    ['another issuer', { issuer: 'https://evil.example' }],
    ['an issuer with another path', { issuer: 'http://127.0.0.1/other' }],
    ['no authorization endpoint', { authorization_endpoint: undefined }],
    ['a javascript: authorization endpoint', { authorization_endpoint: 'javascript:alert(1)' }],
    ['an authorization endpoint on plain http elsewhere', { authorization_endpoint: 'http://idp.example/authorize' }],
    ['a token endpoint on plain http elsewhere', { token_endpoint: 'http://169.254.169.254/latest' }],
    ['a token endpoint with user info', { token_endpoint: 'https://user:pass@idp.example/token' }],
    ['a key set that is a file', { jwks_uri: 'file:///etc/passwd' }],
    ['no key set', { jwks_uri: undefined }],
    ['an end-session endpoint that is no URL', { end_session_endpoint: 'logout' }],
    ['an endpoint that is a list', { userinfo_endpoint: ['https://idp.example'] }],
    ['no signature but none and HS256', { id_token_signing_alg_values_supported: ['none', 'HS256'] }],
  ])('%s', async (_what, metadata) => {
    fake.lie({ metadata });
    expect((await failureOf(redeem())).code).toBe('idp-unavailable');
  });

  test('an issuer that is only equivalent: tokens are held against it letter by letter', async () => {
    fake.lie({ metadata: { issuer: fake.issuer.replace('http:', 'HTTP:') } });
    expect((await failureOf(redeem())).code).toBe('idp-unavailable');
  });

  test('plain http needs insecure_http, even on loopback', async () => {
    const before = fake.requests('discovery').length;
    expect((await failureOf(redeem(provider({ insecure_http: false })))).code).toBe('idp-unavailable');
    expect(fake.requests('discovery')).toHaveLength(before);
  });

  test('and is only for names of this machine', async () => {
    expect((await failureOf(redeem(provider({ url: 'http://idp.example.com' })))).code).toBe('idp-unavailable');
  });

  test('a trailing slash in the configuration is forgiven', async () => {
    await redeem(provider({ url: `${fake.issuer}/` }));
  });
});

describe('sign-out', () => {
  const returnTo = 'https://app.example.com/.doorward/signed_out';

  test('goes to the end-session endpoint with hint, client, return address and state', async () => {
    const url = new URL((await provider().endSessionUrl({ idToken: 'a.b.c', returnTo, state: STATE })) ?? '');
    expect(url.pathname).toBe('/logout');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      id_token_hint: 'a.b.c',
      client_id: CLIENT,
      post_logout_redirect_uri: returnTo,
      state: STATE,
    });
  });

  test('leaves out a hint that is missing or too long for a URL', async () => {
    for (const idToken of [undefined, 'x'.repeat(5000)]) {
      const url = new URL((await provider().endSessionUrl({ idToken, returnTo, state: STATE })) ?? '');
      expect(url.searchParams.has('id_token_hint')).toBe(false);
    }
  });

  test('knows no address where the provider has none', async () => {
    fake.lie({ metadata: { end_session_endpoint: undefined } });
    expect(await provider().endSessionUrl({ idToken: 'a.b.c', returnTo, state: STATE })).toBeUndefined();
  });

  const tokens = { idToken: 'i', accessToken: 'a-token', refreshToken: 'r-token', accessTokenExpiresAt: undefined };

  test('revokes both tokens', async () => {
    const before = fake.requests('revocation').length;
    await provider().revokeTokens(tokens);
    const sent = fake.requests('revocation').slice(before);
    expect(sent.map(({ body }) => new URLSearchParams(body).get('token')).sort()).toEqual(['a-token', 'r-token']);
  });

  test('revokes nothing where there is nothing, or no endpoint', async () => {
    const before = fake.requests('revocation').length;
    await provider().revokeTokens({ ...tokens, accessToken: undefined, refreshToken: undefined });
    fake.lie({ metadata: { revocation_endpoint: undefined } });
    await provider().revokeTokens(tokens);
    expect(fake.requests('revocation')).toHaveLength(before);
  });

  test('does not wait long for a provider that does not answer', async () => {
    fake.lie({ answers: { revocation: () => undefined } });
    const startedAt = performance.now();
    expect((await failureOf(provider().revokeTokens(tokens))).code).toBe('idp-unavailable');
    expect(performance.now() - startedAt).toBeLessThan(3500);
  });
});
