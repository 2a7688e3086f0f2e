import { describe, expect, test } from '@jest/globals';
import { sessionState, touchIsDue } from '../../../src/core/session/state.ts';
import { aSession, NOW, secondsAfter } from './a-session.ts';

const hour = { lifetimeSeconds: 3600, idleSeconds: undefined };

describe('sessionState', () => {
  test.each([
    { at: 0, state: 'live' },
    { at: 3599.999, state: 'live' },
    { at: 3600, state: 'expired' },
    { at: 100_000, state: 'expired' },
  ])('a session of an hour is $state after $at s', ({ at, state }) => {
    expect(sessionState(aSession(), secondsAfter(at), hour)).toBe(state);
  });

  test('a lifetime shorter than the session ends it earlier', () => {
    const limits = { lifetimeSeconds: 60, idleSeconds: undefined };
    expect(sessionState(aSession(), secondsAfter(59.9), limits)).toBe('live');
    expect(sessionState(aSession(), secondsAfter(60), limits)).toBe('expired');
  });

  test('a lifetime longer than the session does not prolong it', () => {
    expect(sessionState(aSession(), secondsAfter(3600), { ...hour, lifetimeSeconds: 86_400 })).toBe('expired');
  });

  test.each([
    { idleSeconds: 300, sinceUse: 299.9, state: 'live' },
    { idleSeconds: 300, sinceUse: 300, state: 'idle' },
    { idleSeconds: undefined, sinceUse: 3000, state: 'live' },
  ])('with an idle lifetime of $idleSeconds it is $state $sinceUse s after its last use', (row) => {
    const session = aSession({ lastSeenAt: secondsAfter(100), expiresAt: secondsAfter(86_400) });
    const limits = { lifetimeSeconds: 86_400, idleSeconds: row.idleSeconds };
    expect(sessionState(session, secondsAfter(100 + row.sinceUse), limits)).toBe(row.state);
  });

  test('a session that is past both ends is expired', () => {
    expect(sessionState(aSession(), secondsAfter(3600), { lifetimeSeconds: 3600, idleSeconds: 10 })).toBe('expired');
  });
});

describe('touchIsDue', () => {
  test.each([
    { since: 59.9, idleSeconds: undefined, due: false },
    { since: 60, idleSeconds: undefined, due: true },
    { since: 59.9, idleSeconds: 3600, due: false },
    { since: 60, idleSeconds: 120, due: true },
    { since: 9.9, idleSeconds: 20, due: false },
    { since: 10, idleSeconds: 20, due: true },
  ])('$since s after the last use, with an idle lifetime of $idleSeconds: $due', ({ since, idleSeconds, due }) => {
    expect(touchIsDue(aSession({ lastSeenAt: NOW }), secondsAfter(since), idleSeconds)).toBe(due);
  });
});
