/** Processes that keep sessions fresh, on one memory store, with a provider that is played and time that is played. */

import { createHash } from 'node:crypto';

import { createMemorySessionStore } from '../../src/adapters/memory/session-store.ts';
import { handleOf } from '../../src/core/session/cookie.ts';
import type { IdpAnswer, Logger, RefreshOf, SessionStore } from '../../src/core/ports.ts';
import type { Session } from '../../src/core/session/session.ts';
import { createKeepFresh, type InForce, type KeepFresh } from '../../src/keep-fresh.ts';
import { aSession, aSessionId, NOW, secondsAfter } from '../core/session/a-session.ts';
import { playProvider, type PlayedProvider } from '../endpoints/a-doorward.ts';
import { VirtualTime } from '../simulation/virtual-time.ts';

export const RECHECK_SECONDS = 300;
/** Of access tokens. */
export const TOKEN_SECONDS = 600;
export const BUDGET_MS = 4_000;

/** Signed in a moment ago, with tokens to refresh. */
export const signedIn = (name = 'alice', changes: Partial<Session> = {}): Session =>
  aSession({
    handle: handleOf(aSessionId(name)),
    subject: name,
    email: `${name}@example.com`,
    expiresAt: secondsAfter(100_000),
    tokens: {
      idToken: 'id-0',
      accessToken: 'access-0',
      refreshToken: 'refresh-0',
      accessTokenExpiresAt: secondsAfter(TOKEN_SECONDS),
    },
    ...changes,
  });

export type Process = KeepFresh & {
  /** As a Check does; the moment at which it goes on, from its beginning. */
  check(session: Session, withinMs?: number): Promise<number>;
  readonly outcomes: string[];
};

export type Stage = {
  readonly time: VirtualTime;
  readonly provider: PlayedProvider;
  readonly store: ReturnType<typeof createMemorySessionStore>;
  readonly logged: string[];
  /** Whom claims were given to. */
  readonly owners: string[];
  /** Process on `sessions`, default the store as it is. */
  start(sessions?: Partial<SessionStore>, inForce?: Partial<InForce['ports']>): Process;
  seconds(count: number): Promise<void>;
  /** What is stored. */
  stored(session: Session): Session | undefined;
};

export function openStage(): Stage {
  const time = new VirtualTime();
  const clock = { now: () => secondsAfter(time.nowMs / 1000, NOW), monotonicMs: () => time.nowMs };
  const timers = { after: (ms: number, run: () => void) => time.after(ms, run) };
  const provider = playProvider('default');
  const store = createMemorySessionStore({ clock });
  const logged: string[] = [];
  const log =
    (level: string) =>
    (fields: object, message: string): void =>
      void logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const owners: string[] = [];
  let drawn = 0;
  let redeemed = 0;
  provider.refreshed = (of) => newTokens(of, (redeemed += 1));
  const claim = store.claim.bind(store);
  store.claim = (handle, owner, ttlMs) => {
    owners.push(owner);
    return claim(handle, owner, ttlMs);
  };

  const bound: SessionStore = {
    get: (handle) => store.get(handle),
    forget: () => undefined,
    loginMark: () => store.loginMark(),
    create: (session) => store.create(session),
    touch: (handle, at) => store.touch(handle, at),
    claim: (handle, owner, ttlMs) => store.claim(handle, owner, ttlMs),
    replace: (session, owner) => store.replace(session, owner),
    release: (handle, owner) => store.release(handle, owner),
    revoke: (target, why) => store.revoke(target, why),
    list: (query) => store.list(query),
    ping: () => store.ping(),
    close: () => store.close(),
  };

  return {
    time,
    provider,
    store,
    logged,
    owners,
    start(sessions = {}, inForce = {}) {
      const outcomes: string[] = [];
      const keepFresh = createKeepFresh({
        sessions: { ...bound, ...sessions },
        clock,
        timers,
        entropy: {
          bytes: (length) =>
            createHash('sha256')
              .update(String((drawn += 1)))
              .digest()
              .subarray(0, length),
        },
        logger,
        observe: ({ kind, result }) => void outcomes.push(`${kind} ${result}`),
      });
      const by: InForce = {
        generation: { config: { session_recheck_interval: RECHECK_SECONDS } },
        ports: { idps: [provider], ...inForce },
      };
      return {
        ...keepFresh,
        outcomes,
        async check(session, withinMs = BUDGET_MS) {
          const startedMs = time.nowMs;
          await keepFresh.tend(session, by, clock.now(), withinMs);
          return time.nowMs - startedMs;
        },
      };
    },
    async seconds(count) {
      // What was begun goes on until it waits for something.
      await new Promise(setImmediate);
      const untilMs = time.nowMs + count * 1000;
      const end = new Promise<void>((resolve) => void time.at(untilMs, resolve));
      let isOver = false;
      void end.then(() => (isOver = true));
      const isDone = (): boolean => isOver;
      while (!isDone()) await time.step();
    },
    stored: ({ handle }) => store.get(handle),
  };
}

/** The `count`th that the provider gives out, for as long as the first. */
export const newTokens = (_of: RefreshOf, count: number, endsAfter = TOKEN_SECONDS * 100): IdpAnswer => ({
  kind: 'refreshed',
  refreshed: {
    tokens: {
      idToken: undefined,
      accessToken: `access-${count}`,
      refreshToken: `refresh-${count}`,
      accessTokenExpiresAt: secondsAfter(endsAfter),
    },
    isUserConfirmed: true,
  },
});
