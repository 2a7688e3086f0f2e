import { describe, expect, test } from '@jest/globals';
import { createMemorySessionStore } from '../../../src/adapters/memory/session-store.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { sessionStoreContract } from '../../contract/session-store.contract.ts';
import { aClock, aSession, secondsAfter } from '../../core/session/a-session.ts';

sessionStoreContract('memory', (clock) => {
  const store = createMemorySessionStore({ clock });
  return Promise.resolve({ store, elsewhere: store, processes: 1, close: () => store.close() });
});

describe('memory session store', () => {
  const numbered = (number: number, changes: Partial<Session> = {}): Session =>
    aSession({ handle: handleOf(`session ${number}`), subject: `user-${number}`, email: '', ...changes });

  test('everything that a Check asks is answered without a promise', async () => {
    const store = createMemorySessionStore({ clock: aClock() });
    await store.create(aSession());
    expect(store.get(aSession().handle)).toEqual(aSession());
    expect(store.loginMark()).toEqual({ history: 'memory', seq: 0 });
  });

  test('a touch that comes late does not move the last use back', async () => {
    const store = createMemorySessionStore({ clock: aClock() });
    await store.create(aSession());
    await store.touch(aSession().handle, secondsAfter(120));
    await store.touch(aSession().handle, secondsAfter(60));
    expect(store.get(aSession().handle)?.lastSeenAt).toBe(secondsAfter(120));
  });

  test('at its bound logins fail, and nobody’s session is dropped', async () => {
    const clock = aClock();
    const store = createMemorySessionStore({ clock, sessionsMax: 3 });
    for (let number = 0; number < 3; number += 1) await store.create(numbered(number));
    await expect(store.create(numbered(3))).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await store.list({ limit: 10 })).toHaveLength(3);
    await store.revoke({ kind: 'session', handle: numbered(1).handle }, 'sign-out');
    expect(await store.create(numbered(3))).toBe(true);
  });

  test('sessions that are over make room', async () => {
    const clock = aClock();
    const store = createMemorySessionStore({ clock, sessionsMax: 3 });
    await store.create(numbered(0, { expiresAt: secondsAfter(1000) }));
    await store.create(numbered(1, { expiresAt: secondsAfter(10) }));
    await store.create(numbered(2, { expiresAt: secondsAfter(1000) }));
    clock.advance(10);
    expect(await store.create(numbered(3))).toBe(true);
    expect(store.get(numbered(0).handle)).toBeDefined();
    expect(store.get(numbered(2).handle)).toBeDefined();
  });

  test('sessions that are over are dropped as new ones come, also behind one that lasts', async () => {
    const clock = aClock();
    const store = createMemorySessionStore({ clock, sessionsMax: 100 });
    await store.create(numbered(-1, { expiresAt: secondsAfter(1_000_000) }));
    for (let number = 0; number < 5_000; number += 1) {
      expect(await store.create(numbered(number, { expiresAt: secondsAfter(10, clock.now()) }))).toBe(true);
      clock.advance(1);
    }
    expect(await store.list({ limit: 100 })).toHaveLength(10);
    expect(await store.list({ user: 'user-1', limit: 100 })).toEqual([]);
  });

  test('ended users are not remembered without bound; a login older than what was forgotten is refused', async () => {
    const store = createMemorySessionStore({ clock: aClock() });
    const before = store.loginMark();
    await store.revoke({ kind: 'user', issuer: 'i', subject: 'first' }, 'admin');
    const between = store.loginMark();
    for (let number = 0; number < 10_000; number += 1) {
      await store.revoke({ kind: 'user', issuer: 'i', subject: `user-${number}` }, 'admin');
    }
    expect(await store.create(aSession({ issuer: 'i', subject: 'first', mark: before }))).toBe(false);
    expect(await store.create(aSession({ mark: before }))).toBe(false);
    expect(await store.create(aSession({ mark: between }))).toBe(true);
  });

  test('ended users are forgotten after an hour; a login that began before is refused', async () => {
    const clock = aClock();
    const store = createMemorySessionStore({ clock });
    const mark = store.loginMark();
    await store.revoke({ kind: 'user', issuer: 'i', subject: 'first' }, 'admin');
    clock.advance(3601);
    await store.revoke({ kind: 'user', issuer: 'i', subject: 'second' }, 'admin');
    const expiresAt = secondsAfter(10_000);
    expect(await store.create(aSession({ mark, expiresAt }))).toBe(false);
    expect(await store.create(aSession({ mark: store.loginMark(), expiresAt }))).toBe(true);
  });
});
