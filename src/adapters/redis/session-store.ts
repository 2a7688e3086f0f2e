/**
 * Sessions in Redis. What a Check needs is kept by this process and decided by under its lease (guarded-reads.ts); everything else asks Redis.
 * "Cannot be known" is thrown and never answered as "absent".
 */

import {
  DependencyError,
  isDependencyError,
  type Clock,
  type Entropy,
  type Eventually,
  type Logger,
  type Replacement,
  type Revocation,
  type RevocationTarget,
  type SessionClaim,
  type SessionQuery,
  type SessionStore,
  type SessionSummary,
} from '../../core/ports.ts';
import { coverOf } from '../../core/revocation/invalidation.ts';
import type { FillReply, Replica } from '../../core/revocation/replica.ts';
import { coversOf, idpKeyOf, idpSessionKeyOf, userKeyOf } from '../../core/session/revocation.ts';
import type { LoginMark, Session } from '../../core/session/session.ts';
import { summaryOf } from '../../core/session/summary.ts';
import { sessionHandle, type EpochSeconds, type SessionHandle } from '../../core/units.ts';
import type { Announcer } from './announcer.ts';
import type { RedisConnection } from './connection.ts';
import type { Corruption } from './corruption.ts';
import { ControlSlot, type Change } from './control-slot.ts';
import type { GuardedReads } from './guarded-reads.ts';
import {
  ALL_SESSIONS_KEY,
  claimKey,
  idpSessionIndexKey,
  indexKeysOf,
  nameIndexKey,
  sessionKey,
  tombstoneKey,
  type RevocationKind,
} from './keys.ts';
import {
  createRotatingRecordSealer,
  READABLE_FORMATS,
  RECORD_BYTES_MIN,
  recordBody,
  recordHead,
  SEEN_LAST,
  SEEN_OFFSET,
  type OpenedRecord,
  type RecordSealer,
} from './record.ts';
import { bytesAt, countAt, flagAt, textsAt, unexpected } from './replies.ts';
import {
  announceScript,
  claimScript,
  createScript,
  handlesScript,
  indexScript,
  readScript,
  releaseScript,
  replaceScript,
  revokeScript,
  touchScript,
  unindexScript,
  unlinkScript,
} from './scripts.ts';

/** A record stays so long beyond its end: this process's clock decides when it is over, not that of Redis. */
const RECORD_MARGIN_SECONDS = 60;
/** Sessions that are read at once when many are listed or cleaned up. */
const READS_AT_ONCE = 50;
/** Bytes that an answer weighs beyond its record. */
const ANSWER_WEIGHT = 256;

/** What a process keeps: a session, or that there is none. */
export type KnownSession = Session | undefined;

export type RedisSessionStoreOptions = {
  readonly redis: RedisConnection;
  readonly reads: Pick<GuardedReads<KnownSession>, 'get'>;
  readonly replica: Pick<Replica<KnownSession>, 'amend' | 'forget' | 'forgetAll'>;
  readonly announcer: Pick<Announcer, 'announce'>;
  /** As they are now: the first seals what is stored, all open. */
  readonly secrets: () => readonly string[];
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** Told of each stored session that is none of ours. */
  readonly onCorrupt?: (fault: Corruption) => void;
  /** Gives the lease up, and every connection. */
  readonly close: () => Promise<void>;
};

export class RedisSessionStore implements SessionStore {
  readonly #options: RedisSessionStoreOptions;
  readonly #redis: RedisConnection;
  readonly #control: ControlSlot;
  readonly #records: RecordSealer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #touching = new Set<SessionHandle>();
  /** Under which secrets everything at hand was opened. */
  #openedBy: readonly string[];

  /** @throws RangeError without a secret */
  constructor(options: RedisSessionStoreOptions) {
    this.#options = options;
    this.#redis = options.redis;
    this.#control = new ControlSlot(options.redis);
    this.#records = createRotatingRecordSealer(options.secrets, options.entropy);
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#openedBy = options.secrets();
  }

  get(handle: SessionHandle): Eventually<Session | undefined> {
    this.#dropOpenedByOlder();
    const known = this.#options.reads.get(handle, () => this.#readKnown(handle));
    return known instanceof Promise ? known.then((read) => this.#unlessOver(read)) : this.#unlessOver(known);
  }

  forget(handle: SessionHandle): void {
    this.#options.replica.forget(handle);
  }

  loginMark(): Promise<LoginMark> {
    return this.#control.mark();
  }

  async create(session: Session): Promise<boolean> {
    const now = this.#clock.now();
    const ttlMs = Math.ceil((session.expiresAt - now + RECORD_MARGIN_SECONDS) * 1000);
    if (now >= session.expiresAt) return false;
    const record = this.#records.seal(session);
    // In this order: no session without its place in the indexes, and none judged before it is stored.
    const entry = [now, session.expiresAt, session.handle];
    await Promise.all(indexKeysOf(session).map((key) => this.#redis.run(indexScript, [key], entry)));
    if (!flagAt(await this.#redis.run(createScript, [sessionKey(session.handle)], [record, ttlMs]), 0)) return false;
    this.forget(session.handle);
    if (await this.#control.admits(session)) return true;
    await this.#cleanUp(() => this.#forget(session));
    return false;
  }

  async touch(handle: SessionHandle, lastSeenAt: EpochSeconds): Promise<void> {
    // Many Checks of one session find at once that a touch is due.
    if (this.#touching.has(handle)) return;
    this.#touching.add(handle);
    this.#options.replica.amend(handle, (known) => (known === undefined ? known : { ...known, lastSeenAt }));
    try {
      const seen = this.#records.sealSeen(handle, lastSeenAt);
      const args = [seen, SEEN_OFFSET, READABLE_FORMATS, RECORD_BYTES_MIN];
      flagAt(await this.#redis.run(touchScript, [sessionKey(handle)], args), 0);
    } finally {
      this.#touching.delete(handle);
    }
  }

  async claim(handle: SessionHandle, owner: string, ttlMs: number): Promise<SessionClaim> {
    const keys = [sessionKey(handle), claimKey(handle)];
    const reply = await this.#redis.run(claimScript, keys, [owner, ttlMs]);
    const [absent, taken] = [0, 1];
    const found = countAt(reply, 0);
    if (found === absent) return { kind: 'absent' };
    if (found === taken) return { kind: 'taken' };
    const record = bytesAt(reply, 1);
    if (record === undefined) throw unexpected(reply);
    const session = this.#unlessOver(this.#opened(handle, record).session);
    return session === undefined ? { kind: 'absent' } : { kind: 'claimed', session };
  }

  async replace(session: Session, owner: string): Promise<Replacement> {
    const { handle, version } = session;
    // Before: no session without its place in the indexes.
    const entry = [this.#clock.now(), session.expiresAt, handle];
    await Promise.all(indexKeysOf(session).map((key) => this.#redis.run(indexScript, [key], entry)));
    const body = recordBody(this.#records.seal(session));
    const args = [
      owner,
      recordHead(version - 1).subarray(1),
      recordHead(version),
      body,
      SEEN_OFFSET,
      SEEN_LAST,
      READABLE_FORMATS,
    ];
    const reply = await this.#redis.run(replaceScript, [sessionKey(handle), claimKey(handle)], args);
    if (!flagAt(reply, 0)) return { kind: 'refused' };
    // INVARIANT: written first, announced then; what was read before the one is dropped, or read anew, by the other.
    const announced = await this.#options.announcer.announce({ script: announceScript, args: ['fact', handle] });
    return { kind: 'replaced', announced };
  }

  async release(handle: SessionHandle, owner: string): Promise<void> {
    flagAt(await this.#redis.run(releaseScript, [claimKey(handle)], [owner]), 0);
  }

  async revoke(target: RevocationTarget): Promise<Revocation> {
    switch (target.kind) {
      case 'session':
        return this.#revokeSession(target.handle);
      case 'user':
        return this.#revokeUser(target);
      case 'idp-session':
        return this.#revokeIdpSession(target);
      case 'idp':
        return { ...(await this.#announce('i', idpKeyOf(target.idp))), sessions: undefined };
      case 'all':
        return { ...(await this.#announce('all', '')), sessions: undefined };
    }
  }

  async list(query: SessionQuery): Promise<readonly SessionSummary[]> {
    const found: Session[] = [];
    for await (const session of this.#sessionsOf(indexOf(query))) {
      // Whom an index names wrongly takes no place of those who are asked for.
      if (isAskedFor(session, query) && (await this.#isLive(session))) found.push(session);
      if (found.length >= query.limit) break;
    }
    return found.sort((one, other) => other.createdAt - one.createdAt).map(summaryOf);
  }

  async ping(): Promise<void> {
    await this.#control.mark();
  }

  close(): Promise<void> {
    return this.#options.close();
  }

  /** What a secret opened that is gone since (a reload) is nobody's, also where it is still at hand. */
  #dropOpenedByOlder(): void {
    const secrets = this.#options.secrets();
    if (secrets === this.#openedBy) return;
    if (this.#openedBy.some((secret) => !secrets.includes(secret))) this.#options.replica.forgetAll();
    this.#openedBy = secrets;
  }

  #unlessOver(known: KnownSession): Session | undefined {
    return known !== undefined && this.#clock.now() < known.expiresAt ? known : undefined;
  }

  /** The session, or that there is none, with what covers that answer. @throws DependencyError */
  async #readKnown(handle: SessionHandle): Promise<FillReply<KnownSession>> {
    const record = await this.#record(handle);
    if (record === undefined) {
      const { history } = await this.#control.poll([]);
      return { key: handle, value: undefined, history, covers: [coverOf('s', handle)], weight: ANSWER_WEIGHT };
    }
    const { session, bytes } = this.#opened(handle, record);
    const { history, stands } = await this.#control.standing(session);
    const value = stands ? session : undefined;
    return { key: handle, value, history, covers: coversOf(session), weight: record.length + bytes + ANSWER_WEIGHT };
  }

  #announce(kind: RevocationKind, key: string): ReturnType<Announcer['announce']> {
    const args = [kind, key, Math.floor(this.#clock.now())];
    const change: Change = { script: revokeScript, key: tombstoneKey(kind, key), args };
    return this.#options.announcer.announce(change);
  }

  async #revokeSession(handle: SessionHandle): Promise<Revocation> {
    const before = await this.#findLive(handle);
    const announced = await this.#announce('s', handle);
    const { session, isLive } = before;
    await this.#cleanUp(() => (session === undefined ? this.#unlink(handle) : this.#forget(session)));
    return { ...announced, sessions: isLive === undefined ? undefined : Number(isLive) };
  }

  async #revokeUser(user: { readonly issuer: string; readonly subject: string }): Promise<Revocation> {
    const announced = await this.#announce('u', userKeyOf(user));
    const isTheirs = (session: Session): boolean => session.issuer === user.issuer && session.subject === user.subject;
    return { ...announced, sessions: await this.#forgetAll(nameIndexKey(user.subject), isTheirs) };
  }

  async #revokeIdpSession(login: { readonly issuer: string; readonly sid: string }): Promise<Revocation> {
    const announced = await this.#announce('p', idpSessionKeyOf(login));
    const index = idpSessionIndexKey(login);
    return { ...announced, sessions: await this.#forgetAll(index, (session) => isOfLogin(session, login)) };
  }

  /** What is to be ended, for the count and the clean-up; whatever cannot be known of it does not hinder its end. */
  async #findLive(
    handle: SessionHandle,
  ): Promise<{ readonly session: Session | undefined; readonly isLive: boolean | undefined }> {
    try {
      const session = await this.#readable(handle);
      return { session, isLive: session !== undefined && (await this.#isLive(session)) };
    } catch (error) {
      if (!isDependencyError(error)) throw error;
      return { session: undefined, isLive: undefined };
    }
  }

  /** @throws DependencyError store-unavailable, or store-corrupt for a record that is none of ours */
  async #read(handle: SessionHandle): Promise<Session | undefined> {
    const record = await this.#record(handle);
    return record === undefined ? undefined : this.#opened(handle, record).session;
  }

  async #record(handle: SessionHandle): Promise<Buffer | undefined> {
    return bytesAt(await this.#redis.run(readScript, [sessionKey(handle)], []), 0);
  }

  /** @throws DependencyError store-corrupt */
  #opened(handle: SessionHandle, record: Buffer): OpenedRecord {
    const opened = this.#records.open(handle, record);
    if (opened.ok) return opened.value;
    this.#options.onCorrupt?.({ asked: 'read', fault: 'record' });
    throw new DependencyError('store-corrupt', opened.error.reason);
  }

  async #isLive(session: Session): Promise<boolean> {
    return this.#clock.now() < session.expiresAt && (await this.#control.standing(session)).stands;
  }

  /** For administration: what cannot be read is skipped, and told. */
  async #readable(handle: SessionHandle): Promise<Session | undefined> {
    try {
      return await this.#read(handle);
    } catch (error) {
      if (!isDependencyError(error) || error.code !== 'store-corrupt') throw error;
      this.#logger.warn({ session: handle, reason: error.message }, 'a stored session cannot be read');
      return undefined;
    }
  }

  /** The sessions that an index names, latest end first, a batch at a time. */
  async *#sessionsOf(index: string): AsyncGenerator<Session> {
    const now = this.#clock.now();
    for (let place = 0; ; place += READS_AT_ONCE) {
      const reply = await this.#redis.run(handlesScript, [index], [now, place, place + READS_AT_ONCE - 1]);
      const named = textsAt(reply, 0);
      const handles = named.filter((handle) => handle !== '').map((handle) => sessionHandle(handle));
      if (handles.length < named.length) this.#options.onCorrupt?.({ asked: handlesScript.name, fault: 'record' });
      const sessions = await Promise.all(handles.map((handle) => this.#readable(handle)));
      yield* sessions.filter((session) => session !== undefined);
      if (named.length < READS_AT_ONCE) return;
    }
  }

  /** Deletes those of an index that are ended; gives their number, or undefined where that could not be done. */
  async #forgetAll(index: string, isMeant: (session: Session) => boolean): Promise<number | undefined> {
    let sessions: number | undefined;
    await this.#cleanUp(async () => {
      const ended: Session[] = [];
      for await (const session of this.#sessionsOf(index)) {
        if (isMeant(session) && !(await this.#control.standing(session)).stands) ended.push(session);
      }
      for (let place = 0; place < ended.length; place += READS_AT_ONCE) {
        await Promise.all(ended.slice(place, place + READS_AT_ONCE).map((session) => this.#forget(session)));
      }
      sessions = ended.length;
    });
    return sessions;
  }

  async #forget(session: Session): Promise<void> {
    await Promise.all([
      this.#unlink(session.handle),
      ...indexKeysOf(session).map((key) => this.#redis.run(unindexScript, [key], [session.handle])),
    ]);
  }

  async #unlink(handle: SessionHandle): Promise<void> {
    await this.#redis.run(unlinkScript, [sessionKey(handle)], []);
  }

  /** The revocation holds without it: what is left over is covered by its tombstone and goes with its time. */
  async #cleanUp(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!isDependencyError(error)) throw error;
      this.#logger.warn(
        { reason: error.message },
        'revoked sessions could not be deleted yet; they are ended all the same',
      );
    }
  }
}

const indexOf = ({ user, idpSession }: SessionQuery): string => {
  if (idpSession !== undefined) return idpSessionIndexKey(idpSession);
  return user === undefined ? ALL_SESSIONS_KEY : nameIndexKey(user);
};

/** Indexes are found by a part of a hash. */
const isAskedFor = (session: Session, { user, idpSession }: SessionQuery): boolean =>
  (user === undefined || [session.subject, session.email].includes(user)) &&
  (idpSession === undefined || isOfLogin(session, idpSession));

const isOfLogin = (session: Session, login: { readonly issuer: string; readonly sid: string }): boolean =>
  session.issuer === login.issuer && session.idpSessionId === login.sid;
