import { describe, expect, test } from '@jest/globals';
import { idpKeyOf, isRevoked, nameKeyOf, userKeyOf } from '../../../src/core/session/revocation.ts';

const none = { session: undefined, user: undefined, idp: undefined, idpSession: undefined, all: undefined };
const mark = { history: 'h', seq: 5 };

describe('isRevoked', () => {
  test('without tombstones a session stands', () => {
    expect(isRevoked(mark, none)).toBe(false);
  });

  test('a tombstone of the session ends it, however old it is', () => {
    expect(isRevoked(mark, { ...none, session: 1 })).toBe(true);
  });

  test.each(['user', 'idp', 'idpSession', 'all'] as const)(
    'a tombstone for %s ends what logged in before it, not after',
    (kind) => {
      expect(isRevoked(mark, { ...none, [kind]: 6 })).toBe(true);
      expect(isRevoked(mark, { ...none, [kind]: 5 })).toBe(false);
    },
  );
});

describe('keys of the control slot', () => {
  test('issuer and subject are never run together', () => {
    expect(userKeyOf({ issuer: 'ab', subject: 'c' })).not.toBe(userKeyOf({ issuer: 'a', subject: 'bc' }));
    expect(userKeyOf({ issuer: 'a","b', subject: 'c' })).not.toBe(userKeyOf({ issuer: 'a', subject: 'b","c' }));
  });

  test('keys of different kinds differ, and show nothing', () => {
    const keys = [userKeyOf({ issuer: 'a', subject: 'b' }), nameKeyOf('a'), idpKeyOf('a')];
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});
