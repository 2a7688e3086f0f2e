import { describe, expect, test } from '@jest/globals';

import { createMemorySessionStore } from '../../src/adapters/memory/session-store.ts';
import { DependencyError, type Logger } from '../../src/core/ports.ts';
import { handleOf } from '../../src/core/session/cookie.ts';
import type { Session } from '../../src/core/session/session.ts';
import { limitSessions } from '../../src/endpoints/login/limit-sessions.ts';
import { aClock, aSession, aSessionId, secondsAfter } from '../core/session/a-session.ts';
import { APP, Browser, startDoorward } from './a-doorward.ts';

const stored = async (
  sessions: readonly Session[],
): Promise<{ store: ReturnType<typeof createMemorySessionStore>; left: () => readonly string[] }> => {
  const store = createMemorySessionStore({ clock: aClock(secondsAfter(60)) });
  for (const session of sessions) expect(await store.create(session)).toBe(true);
  return {
    store,
    left: () => sessions.filter(({ handle }) => store.get(handle) !== undefined).map(({ name }) => name),
  };
};

/** `name` says which it is. */
const one = (name: string, createdAfter: number, changes: Partial<Session> = {}): Session =>
  aSession({ name, handle: handleOf(aSessionId(name)), createdAt: secondsAfter(createdAfter), ...changes });

type Line = Readonly<Record<string, unknown>>;
const aLogger = (): { readonly logger: Logger; readonly lines: readonly Line[] } => {
  const lines: Line[] = [];
  const log = (fields: object): void => void lines.push({ ...fields });
  return { logger: { debug: log, info: log, warn: log, error: log }, lines };
};

describe('sessions beyond the limit', () => {
  const three = [one('b', 2), one('a', 1), one('c', 3)];

  test.each<[number | undefined, readonly string[]]>([
    [1, ['c']],
    [2, ['b', 'c']],
    [3, ['b', 'a', 'c']],
    [undefined, ['b', 'a', 'c']],
  ])('of three, with a limit of %p, the newest stay', async (max, names) => {
    const { store, left } = await stored(three);
    await limitSessions(aSession(), max, { sessions: store, logger: aLogger().logger });
    expect(left()).toEqual(names);
  });

  test('of the same moment, the same stay whichever process looks', async () => {
    const same = ['a', 'b', 'c', 'd'].map((name) => one(name, 1));
    const [here, there] = [await stored(same), await stored(same.toReversed())];
    for (const { store } of [here, there])
      await limitSessions(aSession(), 1, { sessions: store, logger: aLogger().logger });
    expect(here.left()).toHaveLength(1);
    expect(there.left()).toEqual(here.left());
  });

  test('those of others stay: another issuer, or an address that is the subject', async () => {
    const subject = 'alice@example.com';
    const others = [
      one('issuer', 0, { subject, issuer: 'https://other.example' }),
      one('address', 0, { subject: 'other', email: subject }),
    ];
    const { store, left } = await stored([one('older', 1, { subject }), one('newer', 2, { subject }), ...others]);
    await limitSessions(aSession({ subject }), 1, { sessions: store, logger: aLogger().logger });
    expect(left()).toEqual(['newer', 'issuer', 'address']);
  });

  test('an end that is not confirmed is logged', async () => {
    const { store } = await stored(three);
    store.revoke = () => Promise.resolve({ kind: 'not-confirmed', why: 'unreachable', tookMs: 1, sessions: undefined });
    const { logger, lines } = aLogger();
    await limitSessions(aSession(), 1, { sessions: store, logger });
    expect(lines.map(({ code, why }) => [code, why])).toEqual([
      ['store-unavailable', 'over-limit'],
      ['store-unavailable', 'over-limit'],
    ]);
  });

  test('sessions that cannot be listed are logged', async () => {
    const { store, left } = await stored(three);
    store.list = () => {
      throw new DependencyError('store-unavailable', 'no answer');
    };
    const { logger, lines } = aLogger();
    await limitSessions(aSession(), 1, { sessions: store, logger });
    expect(lines).toEqual([{ code: 'store-unavailable', reason: 'no answer' }]);
    expect(left()).toHaveLength(3);
  });
});

test('a login ends the oldest session of the user; what the same browser had before does not count', async () => {
  const doorward = startDoorward({ config: { sessions_per_user: 2 } });
  const browsers = [new Browser(doorward), new Browser(doorward), new Browser(doorward)];
  for (const browser of browsers) {
    await browser.login(`${APP}/`);
    doorward.clock.advance(1);
  }
  const isSignedIn = (): Promise<readonly boolean[]> =>
    Promise.all(browsers.map(async (browser) => (await browser.ask(`${APP}/`)) === 'allow'));
  expect(await isSignedIn()).toEqual([false, true, true]);
  await browsers[2]?.follow(`${APP}/.doorward/sign_in?prompt=login`).then(async (begun) => {
    if (begun === 'allow') throw new Error('no sign-in was begun');
    const { searchParams } = new URL(begun.location);
    await browsers[2]?.follow(
      `${searchParams.get('redirectUri') ?? ''}?code=c&state=${searchParams.get('state') ?? ''}`,
    );
  });
  expect(await isSignedIn()).toEqual([false, true, true]);
});
