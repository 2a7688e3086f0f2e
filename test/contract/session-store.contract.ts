/** What every session store promises. Each implementation runs it; `open` gives a fresh, empty store, seen by two processes. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { handleOf } from '../../src/core/session/cookie.ts';
import type { RevocationTarget, SessionStore } from '../../src/core/ports.ts';
import type { Session } from '../../src/core/session/session.ts';
import { idpName, sessionHandle } from '../../src/core/units.ts';
import { aClock, aSession, aSessionId, NOW, secondsAfter, type ManualClock } from '../core/session/a-session.ts';

export type OpenedStore = {
  readonly store: SessionStore;
  /** The same store as another process has it; the same object where there is only one process. */
  readonly elsewhere: SessionStore;
  /** How many processes there are. */
  readonly processes: 1 | 2;
  close(): Promise<void>;
};

export function sessionStoreContract(name: string, open: (clock: ManualClock) => Promise<OpenedStore>): void {
  describe(`session store: ${name}`, () => {
    let clock: ManualClock;
    let opened: OpenedStore;
    beforeEach(async () => {
      clock = aClock();
      opened = await open(clock);
    });
    afterEach(() => opened.close());

    /** Logs in as `who`, in one go. */
    const login = async (who: string, changes: Partial<Session> = {}): Promise<Session> => {
      const mark = await opened.store.loginMark();
      const session = aSession({
        handle: handleOf(aSessionId(who)),
        subject: `subject-of-${who}`,
        email: `${who}@example.com`,
        mark,
        ...changes,
      });
      expect(await opened.store.create(session)).toBe(true);
      return session;
    };
    const handles = (sessions: readonly { readonly handle: string }[]): readonly string[] =>
      sessions.map(({ handle }) => handle);

    describe('get', () => {
      test('gives back every field of what was created, to every process', async () => {
        const session = await login('alice', {
          claims: new Map([
            ['groups', ['ä', { nested: [1, null, true] }]],
            ['__proto__', ['x']],
          ]),
          userClaims: new Map([['title', ['CTO\r\n\0']]]),
          idp: idpName('corp'),
          idpSessionId: undefined,
          acr: 'urn:mfa',
          expiresAt: secondsAfter(3600.25),
        });
        expect(await opened.store.get(session.handle)).toEqual(session);
        expect(await opened.elsewhere.get(session.handle)).toEqual(session);
      });

      test('knows nothing of a handle that was never given out', async () => {
        expect(await opened.store.get(handleOf('nobody'))).toBeUndefined();
        expect(await opened.store.get(sessionHandle('__proto__'))).toBeUndefined();
      });

      test('keeps sessions apart', async () => {
        const [alice, bob] = [await login('alice'), await login('bob')];
        expect((await opened.store.get(alice.handle))?.subject).toBe('subject-of-alice');
        expect((await opened.store.get(bob.handle))?.subject).toBe('subject-of-bob');
      });

      test('gives a session until its absolute end, and not at it', async () => {
        const session = await login('alice');
        clock.advance(3599.9);
        expect(await opened.store.get(session.handle)).toBeDefined();
        clock.advance(0.1);
        expect(await opened.store.get(session.handle)).toBeUndefined();
      });
    });

    describe('create', () => {
      test('never overwrites a session', async () => {
        const session = await login('alice');
        expect(await opened.store.create({ ...session, subject: 'mallory' })).toBe(false);
        expect((await opened.store.get(session.handle))?.subject).toBe(session.subject);
      });

      test('refuses a session that is over already', async () => {
        const mark = await opened.store.loginMark();
        expect(await opened.store.create(aSession({ mark, expiresAt: NOW }))).toBe(false);
        expect(await opened.store.list({ limit: 10 })).toEqual([]);
      });

      test('refuses a mark of another history', async () => {
        const session = aSession({ mark: { history: 'another', seq: 0 } });
        expect(await opened.store.create(session)).toBe(false);
        expect(await opened.store.get(session.handle)).toBeUndefined();
      });
    });

    describe('touch', () => {
      test('moves the last use, for every process, and nothing else', async () => {
        const session = await login('alice');
        await opened.store.touch(session.handle, secondsAfter(61.5));
        expect(await opened.store.get(session.handle)).toEqual({ ...session, lastSeenAt: secondsAfter(61.5) });
        expect((await opened.elsewhere.get(session.handle))?.lastSeenAt).toBe(secondsAfter(61.5));
      });

      test('makes no session, neither of nothing nor of one that was ended', async () => {
        const session = await login('alice');
        await opened.store.revoke({ kind: 'session', handle: session.handle }, 'sign-out');
        await opened.store.touch(session.handle, secondsAfter(61));
        await opened.store.touch(handleOf('nobody'), secondsAfter(61));
        expect(await opened.store.get(session.handle)).toBeUndefined();
        expect(await opened.store.get(handleOf('nobody'))).toBeUndefined();
        expect(await opened.store.list({ limit: 10 })).toEqual([]);
      });

      test('does not move the absolute end', async () => {
        const session = await login('alice');
        await opened.store.touch(session.handle, secondsAfter(3590));
        clock.advance(3600);
        expect(await opened.store.get(session.handle)).toBeUndefined();
      });
    });

    describe('revoke', () => {
      test('ends the session for every process before it returns, and no other', async () => {
        const [alice, bob] = [await login('alice'), await login('bob')];
        expect(await opened.store.get(alice.handle)).toBeDefined();
        expect(await opened.elsewhere.get(alice.handle)).toBeDefined();
        const revoked = await opened.store.revoke({ kind: 'session', handle: alice.handle }, 'sign-out');
        const { processes } = opened;
        expect(revoked).toMatchObject({ kind: 'confirmed', sessions: 1, members: processes, acknowledged: processes });
        expect(revoked.tookMs).toBeGreaterThanOrEqual(0);
        expect(await opened.elsewhere.get(alice.handle)).toBeUndefined();
        expect(await opened.store.get(alice.handle)).toBeUndefined();
        expect(await opened.store.get(bob.handle)).toBeDefined();
        expect(handles(await opened.store.list({ limit: 10 }))).toEqual([bob.handle]);
      });

      test('may be repeated, and may be asked for what does not exist', async () => {
        const session = await login('alice');
        await opened.store.revoke({ kind: 'session', handle: session.handle }, 'admin');
        expect((await opened.elsewhere.revoke({ kind: 'session', handle: session.handle }, 'admin')).sessions).toBe(0);
        expect((await opened.store.revoke({ kind: 'session', handle: handleOf('nobody') }, 'admin')).sessions).toBe(0);
      });

      test('a session that is over does not count', async () => {
        const session = await login('alice');
        clock.advance(3600);
        expect((await opened.store.revoke({ kind: 'session', handle: session.handle }, 'admin')).sessions).toBe(0);
      });
    });

    describe('revokeUser', () => {
      test('ends all sessions of issuer and subject, and nobody else’s', async () => {
        const desktop = await login('desktop', { subject: 'alice', email: 'alice@example.com' });
        const phone = await login('phone', { subject: 'alice', email: 'alice@example.org' });
        const sameSubject = await login('other', { subject: 'alice', issuer: 'https://other.example.com' });
        const sameEmail = await login('twin', { subject: 'alice-2', email: 'alice@example.com' });
        const revoked = await opened.store.revoke({ kind: 'user', issuer: desktop.issuer, subject: 'alice' }, 'admin');
        expect(revoked.sessions).toBe(2);
        for (const ended of [desktop, phone]) {
          expect(await opened.store.get(ended.handle)).toBeUndefined();
          expect(await opened.elsewhere.get(ended.handle)).toBeUndefined();
        }
        for (const other of [sameSubject, sameEmail]) expect(await opened.elsewhere.get(other.handle)).toBeDefined();
      });

      test('a login in flight dies with it', async () => {
        const mark = await opened.store.loginMark();
        const session = aSession({ mark });
        await opened.elsewhere.revoke({ ...session, kind: 'user' }, 'admin');
        expect(await opened.store.create(session)).toBe(false);
        expect(await opened.store.get(session.handle)).toBeUndefined();
        expect(await opened.store.list({ limit: 10 })).toEqual([]);
      });

      test('a login in flight of another user does not', async () => {
        const mark = await opened.store.loginMark();
        await opened.store.revoke({ kind: 'user', issuer: 'https://idp.example.com', subject: 'mallory' }, 'admin');
        expect(await opened.store.create(aSession({ mark }))).toBe(true);
      });

      test('the user can log in again', async () => {
        const first = await login('alice');
        await opened.store.revoke({ ...first, kind: 'user' }, 'admin');
        const second = await login('alice', { handle: handleOf('second'), subject: first.subject });
        expect(await opened.elsewhere.get(second.handle)).toEqual(second);
      });

      test('of a user without sessions ends none', async () => {
        expect((await opened.store.revoke({ kind: 'user', issuer: 'i', subject: 's' }, 'admin')).sessions).toBe(0);
      });

      test('whenever it comes during a login: once it has returned, nothing of that login is alive', async () => {
        for (let round = 0; round < 60; round += 1) {
          const session = aSession({ handle: handleOf(`raced ${round}`), mark: await opened.store.loginMark() });
          const created = opened.store.create(session);
          for (let turn = 0; turn < round % 12; turn += 1) await new Promise(setImmediate);
          await opened.elsewhere.revoke({ ...session, kind: 'user' }, 'admin');
          expect(await opened.store.get(session.handle)).toBeUndefined();
          await created;
          expect(await opened.elsewhere.get(session.handle)).toBeUndefined();
        }
      });

      test('ends many', async () => {
        for (let count = 0; count < 120; count += 1) await login(`device-${count}`, { subject: 'alice', email: '' });
        const bob = await login('bob');
        expect(
          (await opened.store.revoke({ kind: 'user', issuer: bob.issuer, subject: 'alice' }, 'admin')).sessions,
        ).toBe(120);
        expect(handles(await opened.elsewhere.list({ limit: 1000 }))).toEqual([bob.handle]);
      });
    });

    describe('revoking a provider, a login there, or everything', () => {
      const targets: readonly (readonly [string, RevocationTarget])[] = [
        ['provider', { kind: 'idp', idp: idpName('corp') }],
        ['login at the provider', { kind: 'idp-session', issuer: 'https://idp.example.com', sid: 'sid-1' }],
        ['everything', { kind: 'all' }],
      ];
      test.each(targets)('%s: ends what it covers, for every process', async (_, target) => {
        const covered = await login('alice', { idp: idpName('corp'), idpSessionId: 'sid-1' });
        const other = await login('bob');
        expect(await opened.elsewhere.get(covered.handle)).toBeDefined();
        expect(await opened.elsewhere.get(other.handle)).toBeDefined();
        expect(await opened.store.revoke(target, 'admin')).toMatchObject({ kind: 'confirmed' });
        expect(await opened.elsewhere.get(covered.handle)).toBeUndefined();
        expect(await opened.store.get(covered.handle)).toBeUndefined();
        expect((await opened.elsewhere.get(other.handle)) === undefined).toBe(target.kind === 'all');
      });

      test.each(targets)('%s: a login in flight dies with it, and the next one lives', async (_, target) => {
        const session = aSession({ idp: idpName('corp'), idpSessionId: 'sid-1', mark: await opened.store.loginMark() });
        await opened.elsewhere.revoke(target, 'admin');
        expect(await opened.store.create(session)).toBe(false);
        const next = await login('next', { idp: idpName('corp'), idpSessionId: 'sid-1' });
        expect(await opened.elsewhere.get(next.handle)).toEqual(next);
      });

      test('a login in flight of another provider goes on', async () => {
        const mark = await opened.store.loginMark();
        await opened.store.revoke({ kind: 'idp', idp: idpName('corp') }, 'admin');
        expect(await opened.store.create(aSession({ mark }))).toBe(true);
      });
    });

    test('what is read once is given at once from then on, and read again when it is to be forgotten', async () => {
      const session = await login('alice');
      await opened.store.get(session.handle);
      expect(opened.store.get(session.handle)).toEqual(session);
      await opened.elsewhere.touch(session.handle, secondsAfter(90));
      opened.store.forget(session.handle);
      expect((await opened.store.get(session.handle))?.lastSeenAt).toBe(secondsAfter(90));
    });

    describe('claim, replace, release', () => {
      const TTL_MS = 30_000;
      const next = (session: Session, changes: Partial<Session> = {}): Session => ({
        ...session,
        version: session.version + 1,
        userClaims: new Map([['groups', ['dev']]]),
        ...changes,
      });

      test('one owner has a session among all processes, until it gives it up', async () => {
        const session = await login('alice');
        expect(await opened.store.claim(session.handle, 'one', TTL_MS)).toEqual({ kind: 'claimed', session });
        expect(await opened.elsewhere.claim(session.handle, 'two', TTL_MS)).toEqual({ kind: 'taken' });
        expect(await opened.store.claim(session.handle, 'one', TTL_MS)).toEqual({ kind: 'claimed', session });
        await opened.elsewhere.release(session.handle, 'two');
        expect(await opened.elsewhere.claim(session.handle, 'two', TTL_MS)).toEqual({ kind: 'taken' });
        await opened.store.release(session.handle, 'one');
        expect(await opened.elsewhere.claim(session.handle, 'two', TTL_MS)).toEqual({ kind: 'claimed', session });
      });

      test('a claim whose time is over is nobody’s, and its owner replaces nothing', async () => {
        const session = await login('alice');
        await opened.store.claim(session.handle, 'one', 20);
        clock.advance(1);
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(await opened.store.replace(next(session), 'one')).toEqual({ kind: 'refused' });
        expect(await opened.elsewhere.claim(session.handle, 'two', TTL_MS)).toEqual({ kind: 'claimed', session });
        expect(await opened.store.replace(next(session), 'one')).toEqual({ kind: 'refused' });
        expect(await opened.store.get(session.handle)).toEqual(session);
      });

      test('of many who ask at once one gets it', async () => {
        const { handle } = await login('alice');
        const stores = [opened.store, opened.elsewhere];
        const claims = await Promise.all(
          Array.from({ length: 20 }, (_, count) =>
            (stores[count % 2] ?? opened.store).claim(handle, `o${count}`, TTL_MS),
          ),
        );
        expect(claims.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
      });

      test('what is not there, ended or over cannot be claimed', async () => {
        const [ended, over] = [await login('ended'), await login('over')];
        await opened.store.revoke({ kind: 'session', handle: ended.handle }, 'admin');
        clock.advance(3600);
        for (const handle of [ended.handle, over.handle, handleOf('nobody')]) {
          expect(await opened.store.claim(handle, 'one', TTL_MS)).toEqual({ kind: 'absent' });
        }
      });

      test('the owner replaces it for every process; the last use that is stored stays', async () => {
        const session = await login('alice');
        expect(await opened.elsewhere.get(session.handle)).toEqual(session);
        await opened.store.claim(session.handle, 'one', TTL_MS);
        await opened.elsewhere.touch(session.handle, secondsAfter(70));
        const changed = next(session, { email: 'a2@example.com' });
        expect(await opened.store.replace(changed, 'one')).toMatchObject({
          kind: 'replaced',
          announced: { kind: 'confirmed' },
        });
        const stored = { ...changed, lastSeenAt: secondsAfter(70) };
        expect(await opened.store.get(session.handle)).toEqual(stored);
        expect(await opened.elsewhere.get(session.handle)).toEqual(stored);
        expect(handles(await opened.store.list({ user: 'a2@example.com', limit: 10 }))).toEqual([session.handle]);
        expect(await opened.store.list({ user: session.email, limit: 10 })).toEqual([]);
      });

      test('nobody else replaces it, nor in another version, nor when it is gone', async () => {
        const session = await login('alice');
        expect(await opened.store.replace(next(session), 'one')).toEqual({ kind: 'refused' });
        await opened.store.claim(session.handle, 'one', TTL_MS);
        expect(await opened.elsewhere.replace(next(session), 'two')).toEqual({ kind: 'refused' });
        expect(await opened.store.replace(session, 'one')).toEqual({ kind: 'refused' });
        expect(await opened.store.get(session.handle)).toEqual(session);
        await opened.elsewhere.revoke({ kind: 'session', handle: session.handle }, 'admin');
        expect(await opened.store.replace(next(session), 'one')).toEqual({ kind: 'refused' });
        expect(await opened.store.get(session.handle)).toBeUndefined();
        expect(await opened.store.list({ limit: 10 })).toEqual([]);
      });

      test('what is replaced keeps the mark, and so dies with its user', async () => {
        const session = await login('alice');
        await opened.store.claim(session.handle, 'one', TTL_MS);
        const replaced = opened.store.replace(next(session), 'one');
        await opened.elsewhere.revoke({ ...session, kind: 'user' }, 'admin');
        await replaced;
        expect(await opened.store.get(session.handle)).toBeUndefined();
        expect(await opened.elsewhere.get(session.handle)).toBeUndefined();
      });
    });

    describe('list', () => {
      test('by login at a provider: of exactly that issuer and sid', async () => {
        const one = await login('alice', { idpSessionId: 'sid-1' });
        const two = await login('bob', { idpSessionId: 'sid-1' });
        await login('carol', { idpSessionId: 'sid-2' });
        await login('dave', { idpSessionId: 'sid-1', issuer: 'https://other.example.com' });
        await login('erin', { idpSessionId: undefined });
        const idpSession = { issuer: one.issuer, sid: 'sid-1' };
        const found = await opened.elsewhere.list({ idpSession, limit: 10 });
        expect([...handles(found)].sort()).toEqual([one.handle, two.handle].sort());
        expect((await opened.store.revoke({ kind: 'idp-session', ...idpSession }, 'idp-logout')).sessions).toBe(2);
        expect(await opened.elsewhere.list({ idpSession, limit: 10 })).toEqual([]);
        expect(await opened.elsewhere.list({ limit: 10 })).toHaveLength(3);
      });

      test('shows live sessions, newest first, up to the limit', async () => {
        const made: Session[] = [];
        for (const who of ['one', 'two', 'three']) {
          made.push(await login(who, { createdAt: clock.now(), expiresAt: secondsAfter(3600, clock.now()) }));
          clock.advance(10);
        }
        const newest = handles([...made].reverse());
        expect(handles(await opened.elsewhere.list({ limit: 10 }))).toEqual(newest);
        expect(handles(await opened.store.list({ limit: 2 }))).toEqual(newest.slice(0, 2));
        clock.advance(3575);
        expect(handles(await opened.store.list({ limit: 10 }))).toEqual(newest.slice(0, 2));
      });

      test('of one user by subject or by e-mail address, exactly', async () => {
        const alice = await login('alice');
        await login('bob');
        expect(handles(await opened.store.list({ user: 'alice@example.com', limit: 10 }))).toEqual([alice.handle]);
        expect(handles(await opened.elsewhere.list({ user: 'subject-of-alice', limit: 10 }))).toEqual([alice.handle]);
        for (const user of ['alice', 'ALICE@example.com', 'alice@example.com ', '', '*', '__proto__', 'toString']) {
          expect(await opened.store.list({ user, limit: 10 })).toEqual([]);
        }
      });

      test('a session whose subject is its e-mail address is listed once; one without address is found by subject', async () => {
        const same = await login('same', { subject: 'same@example.com' });
        const none = await login('none', { email: '' });
        expect(handles(await opened.store.list({ user: 'same@example.com', limit: 10 }))).toEqual([same.handle]);
        expect(handles(await opened.store.list({ user: none.subject, limit: 10 }))).toEqual([none.handle]);
      });

      test('shows neither tokens nor claims', async () => {
        await login('alice', { tokens: { ...aSession().tokens, idToken: 'the-id-token' } });
        const [summary] = await opened.store.list({ limit: 1 });
        expect(summary).toMatchObject({ email: 'alice@example.com', idp: 'default', createdAt: NOW, lastSeenAt: NOW });
        expect(Object.keys(summary ?? {})).not.toEqual(expect.arrayContaining(['tokens']));
        expect(JSON.stringify(summary)).not.toMatch(/the-id-token|groups|mark/);
      });
    });

    test('ping resolves while the store answers', async () => {
      await expect(opened.store.ping()).resolves.toBeUndefined();
    });
  });
}
