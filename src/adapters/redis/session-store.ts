/**
 * Sessions in Redis. Every read asks Redis, and asks what covers the session after it was read; nothing is remembered here. "Cannot be
 * known" is thrown and never answered as "absent".
 */

import {
  DependencyError,
  isDependencyError,
  type Clock,
  type Entropy,
  type Logger,
  type Revoked,
  type SessionStore,
  type SessionSummary,
} from '../../core/ports.ts';
import { userKeyOf } from '../../core/session/revocation.ts';
import type { LoginMark, Session } from '../../core/session/session.ts';
import { summaryOf } from '../../core/session/summary.ts';
import { sessionHandle, type EpochSeconds, type SessionHandle } from '../../core/units.ts';
import type { RedisConnection } from './connection.ts';
import { ControlSlot } from './control-slot.ts';
import { ALL_SESSIONS_KEY, indexKeysOf, nameIndexKey, sessionKey } from './keys.ts';
import {
  createRotatingRecordSealer,
  RECORD_BYTES_MIN,
  RECORD_FORMAT,
  SEEN_OFFSET,
  type RecordSealer,
} from './record.ts';
import { bytesAt, flagAt, textsAt } from './replies.ts';
import {
  createScript,
  handlesScript,
  indexScript,
  readScript,
  touchScript,
  unindexScript,
  unlinkScript,
} from './scripts.ts';

/** A record stays so long beyond its end: this process's clock decides when it is over, not that of Redis. */
const RECORD_MARGIN_SECONDS = 60;
/** Sessions that are read at once when many are listed or cleaned up. */
const READS_AT_ONCE = 50;
const FORMAT_BYTE = Buffer.of(RECORD_FORMAT);

class RedisSessionStore implements SessionStore {
  readonly #redis: RedisConnection;
  readonly #control: ControlSlot;
  readonly #records: RecordSealer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #touching = new Set<SessionHandle>();

  constructor(redis: RedisConnection, records: RecordSealer, clock: Clock, logger: Logger) {
    this.#redis = redis;
    this.#control = new ControlSlot(redis);
    this.#records = records;
    this.#clock = clock;
    this.#logger = logger;
  }

  async get(handle: SessionHandle): Promise<Session | undefined> {
    const session = await this.#read(handle);
    return session !== undefined && (await this.#isLive(session)) ? session : undefined;
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
    if (await this.#control.admits(session)) return true;
    await this.#cleanUp(() => this.#forget(session));
    return false;
  }

  async touch(handle: SessionHandle, lastSeenAt: EpochSeconds): Promise<void> {
    // Many Checks of one session find at once that a touch is due.
    if (this.#touching.has(handle)) return;
    this.#touching.add(handle);
    try {
      const seen = this.#records.sealSeen(handle, lastSeenAt);
      const args = [seen, SEEN_OFFSET, FORMAT_BYTE, RECORD_BYTES_MIN];
      flagAt(await this.#redis.run(touchScript, [sessionKey(handle)], args), 0);
    } finally {
      this.#touching.delete(handle);
    }
  }

  async revoke(handle: SessionHandle): Promise<Revoked> {
    const startedMs = this.#clock.monotonicMs();
    const session = await this.#readable(handle);
    const wasLive = session !== undefined && (await this.#isLive(session));
    await this.#control.revoke('s', handle, this.#clock.now());
    await this.#cleanUp(() => (session === undefined ? this.#unlink(handle) : this.#forget(session)));
    return { sessions: wasLive ? 1 : 0, acknowledged: 1, tookMs: this.#clock.monotonicMs() - startedMs };
  }

  async revokeUser(user: { readonly issuer: string; readonly subject: string }): Promise<Revoked> {
    const startedMs = this.#clock.monotonicMs();
    const seq = await this.#control.revoke('u', userKeyOf(user), this.#clock.now());
    let sessions: number | undefined;
    await this.#cleanUp(async () => {
      sessions = await this.#forgetUser(user, seq);
    });
    return { sessions, acknowledged: 1, tookMs: this.#clock.monotonicMs() - startedMs };
  }

  async list(query: { readonly user?: string; readonly limit: number }): Promise<readonly SessionSummary[]> {
    const index = query.user === undefined ? ALL_SESSIONS_KEY : nameIndexKey(query.user);
    const found: Session[] = [];
    for await (const session of this.#sessionsOf(index)) {
      if (await this.#isLive(session)) found.push(session);
      if (found.length >= query.limit) break;
    }
    return found
      .filter(({ subject, email }) => query.user === undefined || [subject, email].includes(query.user))
      .sort((one, other) => other.createdAt - one.createdAt)
      .map(summaryOf);
  }

  async ping(): Promise<void> {
    await this.#control.mark();
  }

  close(): Promise<void> {
    return this.#redis.close();
  }

  /** @throws DependencyError store-unavailable, or store-corrupt for a record that is none of ours */
  async #read(handle: SessionHandle): Promise<Session | undefined> {
    const record = bytesAt(await this.#redis.run(readScript, [sessionKey(handle)], []), 0);
    if (record === undefined) return undefined;
    const opened = this.#records.open(handle, record);
    if (!opened.ok) throw new DependencyError('store-corrupt', opened.error.reason);
    return opened.value;
  }

  async #isLive(session: Session): Promise<boolean> {
    return this.#clock.now() < session.expiresAt && (await this.#control.stands(session));
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
      const handles = textsAt(reply, 0).map((handle) => sessionHandle(handle));
      const sessions = await Promise.all(handles.map((handle) => this.#readable(handle)));
      yield* sessions.filter((session) => session !== undefined);
      if (handles.length < READS_AT_ONCE) return;
    }
  }

  /** Deletes the user's sessions that revocation `seq` has ended; gives their number. */
  async #forgetUser(user: { readonly issuer: string; readonly subject: string }, seq: number): Promise<number> {
    const ended: Session[] = [];
    for await (const session of this.#sessionsOf(nameIndexKey(user.subject))) {
      const isTheirs = session.issuer === user.issuer && session.subject === user.subject;
      if (isTheirs && session.mark.seq < seq) ended.push(session);
    }
    for (let place = 0; place < ended.length; place += READS_AT_ONCE) {
      await Promise.all(ended.slice(place, place + READS_AT_ONCE).map((session) => this.#forget(session)));
    }
    return ended.length;
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

/** `secrets` as they are now: the first seals what is stored, all open. @throws RangeError without a secret */
export const createRedisSessionStore = (options: {
  readonly connection: RedisConnection;
  readonly secrets: () => readonly string[];
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
}): SessionStore =>
  new RedisSessionStore(
    options.connection,
    createRotatingRecordSealer(options.secrets, options.entropy),
    options.clock,
    options.logger,
  );
