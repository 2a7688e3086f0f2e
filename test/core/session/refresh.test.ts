import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  jitterOf,
  refreshedSession,
  refreshKind,
  refreshState,
  type RefreshState,
} from '../../../src/core/session/refresh.ts';
import type { IdpTokens, Session } from '../../../src/core/session/session.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { sessionHandle } from '../../../src/core/units.ts';
import { aSession, NOW, secondsAfter } from './a-session.ts';

/** No jitter at all. */
const first = sessionHandle(`@${String.fromCharCode(0)}${String.fromCharCode(0)}`.padEnd(43, '-'));
const RECHECK_SECONDS = 600;

const tokens = (changes: Partial<IdpTokens> = {}): IdpTokens => ({
  idToken: 'id',
  accessToken: 'access',
  refreshToken: 'refresh',
  accessTokenExpiresAt: secondsAfter(300),
  ...changes,
});
const stateAt = (seconds: number, changes: Partial<Session>, recheckSeconds = RECHECK_SECONDS): RefreshState =>
  refreshState(aSession({ handle: first, ...changes }), secondsAfter(seconds), recheckSeconds);

describe('jitterOf', () => {
  test('is the same whenever it is asked, from 0 to 1, and spreads', () => {
    const all = Array.from({ length: 1000 }, (_, count) => handleOf(`session ${count}`));
    const jitters = all.map(jitterOf);
    expect(all.map(jitterOf)).toEqual(jitters);
    expect(Math.min(...jitters)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...jitters)).toBeLessThan(1);
    for (const quarter of [0, 1, 2, 3]) {
      const within = jitters.filter((jitter) => Math.floor(jitter * 4) === quarter);
      expect(within.length).toBeGreaterThan(150);
    }
  });
});

describe('refreshState', () => {
  test.each<{ what: string; tokens: Partial<IdpTokens>; at: number; state: RefreshState }>([
    { what: 'long before their end', tokens: {}, at: 200, state: 'fresh' },
    { what: 'a minute before their end', tokens: {}, at: 240, state: 'due' },
    { what: 'just before their end', tokens: {}, at: 299.9, state: 'due' },
    { what: 'at their end', tokens: {}, at: 300, state: 'overdue' },
    { what: 'that live ten seconds, early', tokens: { accessTokenExpiresAt: secondsAfter(10) }, at: 7, state: 'fresh' },
    { what: 'that live ten seconds, late', tokens: { accessTokenExpiresAt: secondsAfter(10) }, at: 7.5, state: 'due' },
    { what: 'without a refresh token', tokens: { refreshToken: undefined }, at: 500, state: 'fresh' },
    { what: 'without a known end', tokens: { accessTokenExpiresAt: undefined }, at: 500, state: 'fresh' },
  ])('tokens $what are $state', ({ tokens: changes, at, state }) => {
    expect(stateAt(at, { tokens: tokens(changes) })).toBe(state);
  });

  test.each<{ what: string; tokens: Partial<IdpTokens>; at: number; state: RefreshState }>([
    { what: 'read lately', tokens: {}, at: 500, state: 'fresh' },
    { what: 'read nearly an interval ago', tokens: {}, at: 540, state: 'due' },
    { what: 'read an interval ago', tokens: {}, at: 600, state: 'overdue' },
    {
      what: 'without a refresh token, while the access token lives',
      tokens: { refreshToken: undefined },
      at: 600,
      state: 'overdue',
    },
    {
      what: 'without a refresh token, after the access token',
      tokens: { refreshToken: undefined, accessTokenExpiresAt: secondsAfter(600) },
      at: 600,
      state: 'fresh',
    },
    {
      what: 'with an access token of unknown end',
      tokens: { refreshToken: undefined, accessTokenExpiresAt: undefined },
      at: 600,
      state: 'overdue',
    },
    { what: 'without any token', tokens: { refreshToken: undefined, accessToken: undefined }, at: 600, state: 'fresh' },
  ])('a user $what is $state', ({ tokens: changes, at, state }) => {
    const long = { accessTokenExpiresAt: secondsAfter(10_000), ...changes };
    expect(stateAt(at, { tokens: tokens(long) })).toBe(state);
  });

  test('what is overdue wins over what is due', () => {
    expect(stateAt(250, { tokens: tokens() }, 100)).toBe('overdue');
    expect(stateAt(300, { tokens: tokens() }, 310)).toBe('overdue');
  });

  test('a clock that went back makes nothing due', () => {
    expect(stateAt(-86_400, { tokens: tokens() })).toBe('fresh');
  });

  test('is due ahead of every end, never before half of the time has passed, whatever the handle', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 100_000 }), (id, seconds) => {
        const session = aSession({
          handle: handleOf(id),
          tokens: tokens({ accessTokenExpiresAt: secondsAfter(seconds) }),
        });
        const at = (share: number): RefreshState => refreshState(session, secondsAfter(seconds * share), 1e9);
        expect([at(0.49), at(0.99999), at(1)]).toEqual([
          'fresh',
          seconds > 100 ? expect.any(String) : 'due',
          'overdue',
        ]);
        expect(refreshState(session, secondsAfter(seconds - Math.min(60, seconds / 4)), 1e9)).toBe('due');
      }),
    );
  });
});

describe('refreshKind', () => {
  test('is that of the tokens where they are due, and of the user where only he is', () => {
    const session = aSession({ handle: first, tokens: tokens() });
    expect(refreshKind(session, secondsAfter(239))).toBe('user');
    expect(refreshKind(session, secondsAfter(240))).toBe('tokens');
    expect(refreshKind(session, secondsAfter(1000))).toBe('tokens');
  });
});

describe('refreshedSession', () => {
  const at = secondsAfter(290);
  const before = aSession({
    acr: 'urn:mfa',
    tokens: tokens(),
    claims: new Map<string, readonly string[]>([
      ['email', ['alice@example.com']],
      ['name', ['Alice']],
      ['groups', ['sre']],
    ]),
    userClaims: new Map([['groups', ['sre']]]),
    mark: { history: 'memory', seq: 7 },
    version: 3,
  });

  test('new tokens take the place of the old, and the end of the session does not move', () => {
    const after = tokens({
      accessToken: 'a2',
      refreshToken: 'r2',
      idToken: 'i2',
      accessTokenExpiresAt: secondsAfter(590),
    });
    expect(refreshedSession(before, { tokens: after, isUserConfirmed: false }, at)).toEqual({
      ...before,
      tokens: after,
      tokensAt: at,
      version: 4,
    });
  });

  test('a provider that does not rotate leaves the refresh token and the ID token', () => {
    const sent = {
      idToken: undefined,
      accessToken: undefined,
      refreshToken: undefined,
      accessTokenExpiresAt: undefined,
    };
    const { tokens: kept } = refreshedSession(before, { tokens: sent, isUserConfirmed: false }, at);
    expect(kept).toEqual({ ...before.tokens, accessTokenExpiresAt: undefined });
  });

  test('claims come anew, and how the user signed in stays', () => {
    const refreshed = {
      tokens: tokens(),
      idTokenClaims: {
        sub: 'alice-1',
        email: 'a2@example.com',
        name: 'Alice B.',
        acr: 'urn:other',
        auth_time: at,
        sid: 'x',
      },
      userinfoClaims: { sub: 'alice-1', groups: ['dev'] },
      isUserConfirmed: true,
    };
    const session = refreshedSession(before, refreshed, at);
    expect(session).toMatchObject({
      email: 'a2@example.com',
      name: 'Alice B.',
      confirmedAt: at,
      tokensAt: at,
      version: 4,
    });
    expect(session.userClaims.get('groups')).toEqual(['dev']);
    expect(session.claims.has('groups')).toBe(false);
    const { handle, subject, mark, createdAt, expiresAt, acr, amr, authTime, idpSessionId } = before;
    expect(session).toMatchObject({ handle, subject, mark, createdAt, expiresAt, acr, amr, authTime, idpSessionId });
  });

  test('userinfo alone leaves tokens and the claims of the ID token', () => {
    const session = refreshedSession(before, { userinfoClaims: { groups: ['dev'] }, isUserConfirmed: true }, at);
    expect(session).toMatchObject({
      tokens: before.tokens,
      tokensAt: NOW,
      confirmedAt: at,
      email: before.email,
      name: 'Alice',
    });
    expect(session.claims).toEqual(before.claims);
    expect(session.userClaims.get('groups')).toEqual(['dev']);
  });

  test('an ID token alone leaves what userinfo said', () => {
    const session = refreshedSession(before, { idTokenClaims: { name: 'A.' }, isUserConfirmed: false }, at);
    expect(session).toMatchObject({ name: 'A.', email: '', confirmedAt: NOW, tokensAt: NOW });
    expect(session.userClaims).toEqual(before.userClaims);
  });

  test('an address that is no longer verified is taken away, wherever it was said', () => {
    const userinfoClaims = { email_verified: false, email: { nested: 'alice@example.com' } };
    const session = refreshedSession(before, { userinfoClaims, isUserConfirmed: true }, at);
    expect(session).toMatchObject({ email: '', emailVerified: false });
    expect(
      [...session.claims.keys(), ...session.userClaims.keys()].filter((name) => /^email(?:\.|$)/.test(name)),
    ).toEqual([]);
  });

  test('a stored list of names is no name', () => {
    const session = refreshedSession(
      { ...before, claims: new Map([['name', ['Alice', 'Bob']]]) },
      { userinfoClaims: {}, isUserConfirmed: true },
      at,
    );
    expect(session.name).toBe('');
  });

  test('claims beyond their limits are refused', () => {
    const userinfoClaims = { groups: Array.from({ length: 10_001 }, (_, count) => `g${count}`) };
    expect(() => refreshedSession(before, { userinfoClaims, isUserConfirmed: true }, at)).toThrow(/more than/);
  });
});
