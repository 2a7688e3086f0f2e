/** Sessions of one process, in memory: the embedded default. Everything but the port's promises is synchronous. No timer, no I/O. */

import {
  DependencyError,
  type Clock,
  type Replacement,
  type Revocation,
  type RevocationTarget,
  type SessionClaim,
  type SessionQuery,
  type SessionStore,
  type SessionSummary,
  type StoreNewsListener,
} from '../../core/ports.ts';
import type { Invalidation } from '../../core/revocation/invalidation.ts';
import { idpKeyOf, idpSessionKeyOf, userKeyOf } from '../../core/session/revocation.ts';
import type { LoginMark, Session } from '../../core/session/session.ts';
import { summaryOf } from '../../core/session/summary.ts';
import { sessionHandle, type EpochSeconds, type SessionHandle } from '../../core/units.ts';
import { HandleIndex } from './handle-index.ts';
import { sweepStep } from './sweep.ts';

/** Sessions come from logins only, so this is far more than one process sees; beyond it logins fail, and nobody's session is dropped. */
const SESSIONS_MAX = 500_000;
/** Ended users and providers that are remembered one by one. A login does not take an hour; see `#forgetOldest`. */
const ENDED_MAX = 10_000;
const ENDED_SECONDS = 3600;

/** There is one history: it ends with the process, and every session and every login in flight with it. */
const HISTORY = 'memory';

type Ended = { readonly seq: number; readonly at: EpochSeconds };

class MemorySessionStore implements SessionStore {
  readonly #clock: Clock;
  readonly #sessionsMax: number;
  readonly #sessions = new Map<SessionHandle, Session>();
  readonly #byUser = new HandleIndex();
  /** By subject and by e-mail address. */
  readonly #byName = new HandleIndex();
  readonly #byIdpSession = new HandleIndex();
  /** Of sessions that there are. */
  readonly #claims = new Map<SessionHandle, { readonly owner: string; readonly untilMs: number }>();
  readonly #sweep = sweepStep(this.#sessions, (session) => session.expiresAt);
  #seq = 0;
  readonly #ended = new Map<string, Ended>();
  /** Logins whose mark is older are refused, whoever they are of: what ended them is not remembered one by one. */
  #oldestMark = 0;

  readonly #onInvalidated: StoreNewsListener['onInvalidated'];

  constructor({ clock, sessionsMax, onInvalidated }: Required<MemorySessionStoreOptions>) {
    this.#clock = clock;
    this.#sessionsMax = sessionsMax;
    this.#onInvalidated = onInvalidated;
  }

  get(handle: SessionHandle): Session | undefined {
    const session = this.#sessions.get(handle);
    return session !== undefined && this.#clock.now() < session.expiresAt ? session : undefined;
  }

  loginMark(): LoginMark {
    return { history: HISTORY, seq: this.#seq };
  }

  create(session: Session): Promise<boolean> {
    return settle(() => {
      for (const handle of this.#sweep(this.#clock.now(), this.#sessions.size >= this.#sessionsMax)) this.#drop(handle);
      if (this.#sessions.size >= this.#sessionsMax) {
        throw new DependencyError(
          'store-unavailable',
          `the memory store holds ${this.#sessionsMax} sessions, its bound`,
        );
      }
      const isOver = this.#clock.now() >= session.expiresAt;
      if (isOver || this.#sessions.has(session.handle) || this.#diedInFlight(session)) return false;
      this.#sessions.set(session.handle, session);
      this.#byUser.add(userKeyOf(session), session.handle);
      for (const name of namesOf(session)) this.#byName.add(name, session.handle);
      if (session.idpSessionId !== undefined) this.#byIdpSession.add(loginKeyOf(session), session.handle);
      return true;
    });
  }

  touch(handle: SessionHandle, lastSeenAt: EpochSeconds): Promise<void> {
    const session = this.#sessions.get(handle);
    if (session !== undefined && lastSeenAt > session.lastSeenAt) {
      this.#sessions.set(handle, { ...session, lastSeenAt });
    }
    return Promise.resolve();
  }

  claim(handle: SessionHandle, owner: string, ttlMs: number): Promise<SessionClaim> {
    const session = this.get(handle);
    if (session === undefined) return Promise.resolve({ kind: 'absent' });
    if ((this.#ownerOf(handle) ?? owner) !== owner) return Promise.resolve({ kind: 'taken' });
    this.#claims.set(handle, { owner, untilMs: this.#clock.monotonicMs() + ttlMs });
    return Promise.resolve({ kind: 'claimed', session });
  }

  replace(session: Session, owner: string): Promise<Replacement> {
    const before = this.get(session.handle);
    const isFit = before?.version === session.version - 1 && this.#ownerOf(session.handle) === owner;
    if (before === undefined || !isFit) return Promise.resolve({ kind: 'refused' });
    for (const name of namesOf(before)) this.#byName.remove(name, before.handle);
    this.#sessions.set(session.handle, { ...session, lastSeenAt: before.lastSeenAt });
    for (const name of namesOf(session)) this.#byName.add(name, session.handle);
    this.#onInvalidated([{ seq: this.#seq, kind: 'fact', key: session.handle }]);
    const announced = { kind: 'confirmed', members: 1, acknowledged: 1, tookMs: 0 } as const;
    return Promise.resolve({ kind: 'replaced', announced });
  }

  release(handle: SessionHandle, owner: string): Promise<void> {
    if (this.#ownerOf(handle) === owner) this.#claims.delete(handle);
    return Promise.resolve();
  }

  #ownerOf(handle: SessionHandle): string | undefined {
    const claim = this.#claims.get(handle);
    return claim !== undefined && this.#clock.monotonicMs() < claim.untilMs ? claim.owner : undefined;
  }

  /** Everything is read at once, and from here. */
  forget(): void {
    return undefined;
  }

  revoke(target: RevocationTarget): Promise<Revocation> {
    const startedMs = this.#clock.monotonicMs();
    this.#seq += 1;
    const sessions = this.#end(this.#endedBy(target));
    this.#onInvalidated([{ seq: this.#seq, ...invalidatedBy(target) }]);
    const tookMs = this.#clock.monotonicMs() - startedMs;
    return Promise.resolve({ kind: 'confirmed', sessions, members: 1, acknowledged: 1, tookMs });
  }

  list(query: SessionQuery): Promise<readonly SessionSummary[]> {
    const handles = this.#handlesOf(query);
    const live: Session[] = [];
    for (const handle of handles) {
      const session = this.get(sessionHandle(handle));
      if (session !== undefined) live.push(session);
    }
    live.sort((one, other) => other.createdAt - one.createdAt);
    return Promise.resolve(live.slice(0, query.limit).map(summaryOf));
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #handlesOf({ user, idpSession }: SessionQuery): Iterable<string> {
    if (idpSession !== undefined) return this.#byIdpSession.get(idpSessionKeyOf(idpSession));
    return user === undefined ? this.#sessions.keys() : this.#byName.get(user);
  }

  /** The sessions that a revocation ends now; what it ends later, as the logins in flight, is remembered. */
  #endedBy(target: RevocationTarget): readonly string[] {
    const ended = { seq: this.#seq, at: this.#clock.now() };
    switch (target.kind) {
      case 'session':
        return [target.handle];
      case 'user': {
        const key = userKeyOf(target);
        this.#remember(key, ended);
        return [...this.#byUser.get(key)];
      }
      case 'idp-session': {
        const key = idpSessionKeyOf(target);
        this.#remember(key, ended);
        return [...this.#byIdpSession.get(key)];
      }
      case 'idp':
        this.#remember(idpKeyOf(target.idp), ended);
        return [...this.#sessions.values()].filter(({ idp }) => idp === target.idp).map(({ handle }) => handle);
      case 'all':
        this.#oldestMark = this.#seq;
        return [...this.#sessions.keys()];
    }
  }

  /** Whether its user, its provider or everything was ended after its login began. */
  #diedInFlight(session: Session): boolean {
    const { mark } = session;
    if (mark.history !== HISTORY || mark.seq < this.#oldestMark) return true;
    return [userKeyOf(session), idpKeyOf(session.idp), loginKeyOf(session)].some(
      (key) => (this.#ended.get(key)?.seq ?? 0) > mark.seq,
    );
  }

  #remember(key: string, ended: Ended): void {
    this.#ended.delete(key);
    this.#ended.set(key, ended);
    this.#forgetOldest(ended.at);
  }

  /** Drops the oldest memories; a login that began before one of them can no longer be judged and is refused from then on. */
  #forgetOldest(now: EpochSeconds): void {
    for (const [key, { seq, at }] of this.#ended) {
      if (this.#ended.size <= ENDED_MAX && now - at <= ENDED_SECONDS) return;
      this.#ended.delete(key);
      this.#oldestMark = seq;
    }
  }

  /** How many of them were live. */
  #end(handles: readonly string[]): number {
    let count = 0;
    for (const handle of handles) {
      if (this.get(sessionHandle(handle)) !== undefined) count += 1;
      this.#drop(sessionHandle(handle));
    }
    return count;
  }

  #drop(handle: SessionHandle): void {
    const session = this.#sessions.get(handle);
    if (session === undefined) return;
    this.#sessions.delete(handle);
    this.#claims.delete(handle);
    this.#byUser.remove(userKeyOf(session), handle);
    for (const name of namesOf(session)) this.#byName.remove(name, handle);
    this.#byIdpSession.remove(loginKeyOf(session), handle);
  }
}

/** As Redis's control slot names it. */
function invalidatedBy(target: RevocationTarget): Pick<Invalidation, 'kind' | 'key'> {
  switch (target.kind) {
    case 'session':
      return { kind: 's', key: target.handle };
    case 'user':
      return { kind: 'u', key: userKeyOf(target) };
    case 'idp-session':
      return { kind: 'p', key: idpSessionKeyOf(target) };
    case 'idp':
      return { kind: 'i', key: idpKeyOf(target.idp) };
    case 'all':
      return { kind: 'all', key: '' };
  }
}

const loginKeyOf = ({ issuer, idpSessionId }: Session): string => idpSessionKeyOf({ issuer, sid: idpSessionId });

const namesOf = ({ subject, email }: Session): readonly string[] =>
  email === '' || email === subject ? [subject] : [subject, email];

/** What it throws is a rejection. */
const settle = <T>(run: () => T): Promise<T> =>
  new Promise((resolve) => {
    resolve(run());
  });

/** What a Check asks is at hand. */
export type SynchronousSessionStore = Omit<SessionStore, 'get' | 'loginMark'> & {
  get(handle: SessionHandle): Session | undefined;
  loginMark(): LoginMark;
};

export type MemorySessionStoreOptions = {
  readonly clock: Clock;
  /** Beyond it `create` throws `store-unavailable`. */
  readonly sessionsMax?: number;
  readonly onInvalidated?: StoreNewsListener['onInvalidated'];
};

export const createMemorySessionStore = (options: MemorySessionStoreOptions): SynchronousSessionStore =>
  new MemorySessionStore({ sessionsMax: SESSIONS_MAX, onInvalidated: () => undefined, ...options });
