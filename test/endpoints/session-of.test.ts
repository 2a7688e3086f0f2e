import { describe, expect, test } from '@jest/globals';

import type { ClaimValue, Session } from '../../src/core/session/session.ts';
import { epochSeconds, idpName, sessionHandle } from '../../src/core/units.ts';
import { sessionOf } from '../../src/endpoints/login/session-of.ts';

type Claims = Record<string, ClaimValue>;
const NOW = epochSeconds(1_768_478_400);

const session = (idTokenClaims: Claims, userinfoClaims?: Claims): Session =>
  sessionOf({
    identity: {
      issuer: 'https://idp.example',
      subject: 'alice-1',
      idTokenClaims: { sub: 'alice-1', ...idTokenClaims },
      userinfoClaims,
      tokens: { idToken: 'a.b.c', accessToken: undefined, refreshToken: undefined, accessTokenExpiresAt: undefined },
    },
    idp: idpName('default'),
    handle: sessionHandle('h'),
    mark: { history: 'x', seq: 7 },
    now: NOW,
    lifetimeSeconds: 600,
  });

describe('a session', () => {
  test('begins now, ends after its lifetime, and keeps the mark of its login', () => {
    expect(session({})).toMatchObject({
      createdAt: NOW,
      lastSeenAt: NOW,
      expiresAt: NOW + 600,
      mark: { history: 'x', seq: 7 },
      version: 1,
      tokens: { idToken: 'a.b.c' },
    });
  });

  test('takes what the provider says about the sign-in, if it has the right form', () => {
    expect(session({ sid: 's', acr: 'high', amr: ['pwd', 3, 'otp'], auth_time: NOW - 50 })).toMatchObject({
      idpSessionId: 's',
      acr: 'high',
      amr: ['pwd', 'otp'],
      authTime: NOW - 50,
    });
    expect(session({ sid: 5, acr: ['x'], amr: 'pwd', auth_time: 'yesterday' })).toMatchObject({
      idpSessionId: undefined,
      acr: undefined,
      amr: [],
      authTime: undefined,
    });
  });

  test('a sign-in in the future is one of now', () => {
    expect(session({ auth_time: NOW + 500 }).authTime).toBe(NOW);
  });

  test('takes the name of userinfo before that of the ID token, and not without end', () => {
    expect(session({ name: 'A' }, { name: 'B' }).name).toBe('B');
    expect(session({ name: 'A' }, {}).name).toBe('A');
    expect(session({ name: { first: 'A' } }).name).toBe('');
    expect(session({ name: 'x'.repeat(5000) }).name).toHaveLength(256);
  });

  test('reads own claims only', () => {
    const inherited = Object.create({ email: 'evil@example.com', name: 'Evil' }) as Claims;
    expect(session({}, inherited)).toMatchObject({ email: '', name: '' });
  });
});

describe('the e-mail address', () => {
  test.each<[string, Claims, Claims | undefined, string, boolean]>([
    ['of the ID token', { email: 'a@x.com', email_verified: true }, undefined, 'a@x.com', true],
    ['of userinfo before it', { email: 'a@x.com' }, { email: 'b@x.com', email_verified: true }, 'b@x.com', true],
    ['nobody says whether it is verified', { email: 'a@x.com' }, undefined, 'a@x.com', false],
    [
      'the word of the ID token where userinfo has none',
      { email_verified: true },
      { email: 'b@x.com' },
      'b@x.com',
      true,
    ],
    ['verified in words', { email: 'a@x.com', email_verified: 'true' }, undefined, 'a@x.com', true],
    ['with other letters', { email: 'ü.b+c@пример.example' }, undefined, 'ü.b+c@пример.example', false],
  ])('%s', (_what, idToken, userinfo, email, emailVerified) => {
    expect(session(idToken, userinfo)).toMatchObject({ email, emailVerified });
  });

  test.each<[string, Claims, Claims | undefined]>([
    ['unverified', { email: 'a@x.com', email_verified: false }, undefined],
    ['unverified in words', { email: 'a@x.com', email_verified: 'false' }, undefined],
    [
      'unverified for userinfo',
      { email: 'a@x.com', email_verified: true },
      { email: 'a@x.com', email_verified: false },
    ],
    ['unverified for the ID token', { email_verified: false }, { email: 'a@x.com', email_verified: true }],
    ['two @', { email: 'a@evil.com@x.com' }, undefined],
    ['nothing before @', { email: '@x.com' }, undefined],
    ['nothing after @', { email: 'a@' }, undefined],
    ['no @', { email: 'a' }, undefined],
    ['a line break', { email: 'a@x.com\r\nX-Evil: 1' }, undefined],
    ['a comma', { email: 'a@x.com,b@x.com' }, undefined],
    ['a blank', { email: 'a b@x.com' }, undefined],
    ['a NUL', { email: 'a@x.com\u0000' }, undefined],
    ['a character that turns the text around', { email: 'a\u202e@x.com' }, undefined],
    ['a list', { email: ['a@x.com'] }, undefined],
    ['too long', { email: `${'a'.repeat(260)}@x.com` }, undefined],
  ])('is nobody’s when it is %s: neither in the session nor in the claims', (_what, idToken, userinfo) => {
    const made = session(idToken, userinfo);
    expect(made.email).toBe('');
    expect(made.claims.has('email')).toBe(false);
    expect(made.userClaims.has('email')).toBe(false);
  });
});
