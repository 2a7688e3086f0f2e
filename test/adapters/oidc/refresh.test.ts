import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createIdentityProvider } from '../../../src/adapters/oidc/create-identity-provider.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { isDependencyError, type IdpAnswer, type Logger, type RefreshOf } from '../../../src/core/ports.ts';
import type { RefreshKind } from '../../../src/core/session/refreshed.ts';
import {
  answerWith,
  CLIENT,
  rsaSignature,
  startFakeProvider,
  SUBJECT,
  type FakeProvider,
  type Lies,
} from './fake-provider.ts';

/** Only where an answer that never comes is waited for. */
const SHORT_DEADLINE_MS = 600;

let fake: FakeProvider;
const silent = (): void => undefined;
const logger: Logger = { debug: silent, info: silent, warn: silent, error: silent };

beforeAll(async () => {
  fake = await startFakeProvider();
});
afterAll(() => fake.close());
beforeEach(() => fake.lie({}));

const asked = (
  kind: RefreshKind,
  tokens: Partial<RefreshOf['tokens']> = {},
  deadlineMs?: number,
  issuer = fake.issuer,
): Promise<IdpAnswer> =>
  createIdentityProvider(
    {
      name: 'default',
      url: fake.issuer,
      client_id: CLIENT,
      client_secret: 's',
      scopes: [],
      request_params: {},
      insecure_http: true,
    },
    { clock: systemClock, logger, ...(deadlineMs === undefined ? {} : { deadlineMs }) },
  ).refresh(
    {
      issuer,
      subject: SUBJECT,
      tokens: {
        idToken: 'i',
        accessToken: 'old-access',
        refreshToken: 'old-refresh',
        accessTokenExpiresAt: undefined,
        ...tokens,
      },
    },
    kind,
  );

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (isDependencyError(error) ? error.code : 'another error'),
  );

const forbidden = answerWith(403, '{"error":"insufficient_scope"}');
const challenged = answerWith(401, '', 'text/plain', { 'www-authenticate': 'Bearer error="invalid_token"' });
const html = answerWith(200, '<h1>Down</h1>', 'text/html');
const refusal = (error: string, status = 400): Lies => ({
  answers: { token: answerWith(status, JSON.stringify({ error })) },
});

describe('tokens that are refreshed', () => {
  test('redeem the refresh token, and read the user with what it gives', async () => {
    const answer = await asked('tokens');
    expect(answer).toMatchObject({
      kind: 'refreshed',
      refreshed: {
        tokens: { accessToken: 'the-access-token', refreshToken: 'the-refresh-token' },
        idTokenClaims: { sub: SUBJECT },
        userinfoClaims: { groups: ['sre'] },
        isUserConfirmed: true,
      },
    });
    const [sent] = fake.requests('token').slice(-1);
    expect(Object.fromEntries(new URLSearchParams(sent?.body))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'old-refresh',
    });
    expect(fake.requests('userinfo').at(-1)?.headers.authorization).toBe('Bearer the-access-token');
  });

  test('may come without an ID token, a new refresh token and an end', async () => {
    fake.lie({ token: { id_token: undefined, refresh_token: undefined, expires_in: undefined } });
    expect(await asked('tokens')).toEqual({
      kind: 'refreshed',
      refreshed: {
        tokens: {
          idToken: undefined,
          accessToken: 'the-access-token',
          refreshToken: undefined,
          accessTokenExpiresAt: undefined,
        },
        idTokenClaims: undefined,
        userinfoClaims: expect.objectContaining({ sub: SUBJECT }) as unknown,
        isUserConfirmed: true,
      },
    });
  });

  test('are all that there is where the provider has no userinfo endpoint', async () => {
    fake.lie({ metadata: { userinfo_endpoint: undefined } });
    expect(await asked('user')).toMatchObject({
      kind: 'refreshed',
      refreshed: { tokens: { accessToken: 'the-access-token' }, userinfoClaims: undefined, isUserConfirmed: true },
    });
  });

  test('confirm the user by themselves where there is nobody to ask', async () => {
    fake.lie({ metadata: { userinfo_endpoint: undefined } });
    const before = fake.requests('token').length;
    expect(await asked('user', { refreshToken: undefined })).toEqual({
      kind: 'refreshed',
      refreshed: { isUserConfirmed: true },
    });
    expect(fake.requests('token')).toHaveLength(before);
  });
});

describe('a session ends where the provider', () => {
  test.each<[string, Lies]>([
    ['says invalid_grant', refusal('invalid_grant')],
    ['signs in another user', { idToken: { sub: 'mallory' } }],
    ['is another issuer', { idToken: { iss: 'https://evil.example' } }],
    ['tells of another user', { userinfo: { sub: 'mallory' } }],
    ['refuses to tell of the user by a new token', { answers: { userinfo: challenged } }],
  ])('%s', async (_what, lies) => {
    fake.lie(lies);
    expect(await asked('tokens')).toEqual({ kind: 'ended', why: expect.any(String) as unknown });
  });

  test.each<[string, Lies]>([
    ['challenges', { answers: { userinfo: challenged } }],
    ['forbids', { answers: { userinfo: forbidden } }],
    ['tells of another user', { userinfo: { sub: 'mallory' } }],
  ])('%s at the userinfo endpoint, and there is no refresh token', async (_what, lies) => {
    fake.lie(lies);
    expect((await asked('user', { refreshToken: undefined })).kind).toBe('ended');
  });
});

describe('the user who is read again', () => {
  test('costs no refresh', async () => {
    const before = fake.requests('token').length;
    expect(await asked('user')).toMatchObject({
      kind: 'refreshed',
      refreshed: { userinfoClaims: { groups: ['sre'] }, isUserConfirmed: true },
    });
    expect(fake.requests('token')).toHaveLength(before);
    expect(fake.requests('userinfo').at(-1)?.headers.authorization).toBe('Bearer old-access');
  });

  test('is asked for with a new access token where the old one is refused', async () => {
    fake.lie({
      answers: {
        userinfo: (response) => {
          const isNew = response.req.headers.authorization === 'Bearer the-access-token';
          (isNew ? answerWith(200, JSON.stringify({ sub: SUBJECT, groups: ['now'] })) : challenged)(response);
        },
      },
    });
    expect(await asked('user')).toMatchObject({
      kind: 'refreshed',
      refreshed: {
        tokens: { refreshToken: 'the-refresh-token' },
        userinfoClaims: { groups: ['now'] },
        isUserConfirmed: true,
      },
    });
  });
});

test('a provider of another issuer gets no token', async () => {
  const before = fake.requests('token').length + fake.requests('userinfo').length;
  for (const kind of ['tokens', 'user'] as const)
    expect(await codeOf(asked(kind, {}, undefined, 'https://before.example'))).toBe('idp-refused');
  expect(fake.requests('token').length + fake.requests('userinfo').length).toBe(before);
});

describe('what says nothing of the user ends no session', () => {
  test.each<[string, Lies, string]>([
    ['invalid_client', refusal('invalid_client', 401), 'idp-refused'],
    ['unauthorized_client', refusal('unauthorized_client'), 'idp-refused'],
    ['a server error', refusal('server_error', 500), 'idp-unavailable'],
    ['invalid_grant of a server in trouble', refusal('invalid_grant', 503), 'idp-unavailable'],
    ['too many requests', refusal('slow_down', 429), 'idp-unavailable'],
    ['a page', { answers: { token: html } }, 'idp-unavailable'],
    ['an answer without an access token', { token: { access_token: undefined } }, 'idp-refused'],
    ['no answer', { answers: { token: () => undefined } }, 'idp-unavailable'],
  ])('%s from the token endpoint', async (_what, lies, code) => {
    fake.lie(lies);
    expect(await codeOf(asked('tokens', {}, SHORT_DEADLINE_MS))).toBe(code);
  });

  test.each<[string, Lies['answers'], string]>([
    ['a server error', { userinfo: answerWith(500, 'x', 'text/plain') }, 'idp-unavailable'],
    ['a page', { userinfo: html }, 'idp-unavailable'],
    ['a page that forbids', { userinfo: answerWith(403, '<h1>No</h1>', 'text/html') }, 'idp-unavailable'],
    ['no answer', { userinfo: () => undefined }, 'idp-unavailable'],
  ])('%s from the userinfo endpoint', async (_what, answers, code) => {
    fake.lie({ answers: answers ?? {} });
    expect(await codeOf(asked('user', {}, SHORT_DEADLINE_MS))).toBe(code);
  });
});

describe('new tokens are kept whatever fails after them, and the user is not confirmed', () => {
  test.each<[string, Lies]>([
    ['no key set', { answers: { jwks: answerWith(404, '') } }],
    ['a slow key set', { answers: { jwks: () => undefined } }],
    ['a userinfo endpoint that is down', { answers: { userinfo: answerWith(502, 'x', 'text/plain') } }],
    ['a slow userinfo endpoint', { answers: { userinfo: () => undefined } }],
    ['a page in place of userinfo', { answers: { userinfo: html } }],
    ['an ID token under another key', { signature: (input) => rsaSignature(fake.otherKey)(input) }],
    ['an ID token for another client', { idToken: { aud: 'another-client' } }],
    [
      'an ID token from the future',
      { idToken: { iat: Math.floor(Date.now() / 1000) + 120, exp: Math.floor(Date.now() / 1000) + 500 } },
    ],
    ['an ID token that is none', { token: { id_token: 'x.y.z' } }],
  ])('%s', async (_what, lies) => {
    fake.lie(lies);
    const answer = await asked('tokens', {}, SHORT_DEADLINE_MS);
    expect(answer).toEqual({
      kind: 'refreshed',
      refreshed: {
        tokens: {
          idToken: undefined,
          accessToken: 'the-access-token',
          refreshToken: 'the-refresh-token',
          accessTokenExpiresAt: expect.any(Number) as unknown,
        },
        isUserConfirmed: false,
      },
      failure: expect.any(String) as unknown,
    });
  });

  test('also where the provider gives neither an end nor a new refresh token', async () => {
    fake.lie({ token: { expires_in: undefined, refresh_token: undefined }, answers: { userinfo: html } });
    expect(await asked('tokens')).toMatchObject({
      refreshed: { tokens: { refreshToken: undefined, accessTokenExpiresAt: undefined }, isUserConfirmed: false },
    });
  });
});
