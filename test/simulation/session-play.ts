/**
 * Sessions in the world: users log in, requests are judged, revokers revoke. What must never be: a Check that started after a revocation was
 * confirmed, and was allowed by what that ended.
 */

import type { RevocationTarget } from '../../src/core/ports.ts';
import { handleOf } from '../../src/core/session/cookie.ts';
import type { Session } from '../../src/core/session/session.ts';
import { epochSeconds, idpName } from '../../src/core/units.ts';
import type { RedisStores } from '../../src/adapters/redis/stores.ts';
import { aSession } from '../core/session/a-session.ts';
import type { Machine } from './machine.ts';
import type { Parts } from './parts.ts';
import { pass, rethrowUnlessDependency, type Process } from './process.ts';
import { answerOf, refreshByItself, refreshWithShortClaim } from './refresh-play.ts';
import type { Random } from './random.ts';
import type { Tally } from './tally.ts';
import type { VirtualTime } from './virtual-time.ts';

const LIVE_MAX = 24;
const DEAD_KEPT = 24;
const USERS = 8;
/** How often a provider that is asked says that the session is over. */
const ENDS_CHANCE = 0.05;

export type SessionRecord = {
  readonly session: Session;
  /** When the provider spoke of the user: what a later revocation ends. */
  readonly redeemedAt: number;
  isStored: boolean;
  isDead: boolean;
  /** The newest answer of the provider that is known to every process. */
  answer: number;
};

/** The processes that there are now. */
export type Processes = {
  readonly all: () => readonly Process[];
  /** One that takes requests. */
  readonly some: () => Process;
};

export type PlayOptions = {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly parts: Parts;
  readonly tally: Tally;
  readonly processes: Processes;
  /** Whether no write is ever lost: a promotion may lose what a session has become, but nothing that ends it. */
  readonly isLossless: boolean;
};

export class SessionPlay {
  readonly #options: PlayOptions;
  #records: SessionRecord[] = [];
  #sessions = 0;
  #answers = 0;
  /** Who has a revocation under way. */
  readonly #revokers = new Set<{ readonly stores: RedisStores }>();

  constructor(options: PlayOptions) {
    this.#options = options;
  }

  someLogin(): void {
    if (this.#records.filter(({ isDead }) => !isDead).length >= LIVE_MAX) return;
    const { machine, stores } = this.#options.processes.some();
    machine.receive('requests', () => void this.#login(machine, stores).catch(rethrowUnlessDependency));
  }

  async #login(machine: Machine, { sessions }: RedisStores): Promise<void> {
    const random = this.#options.random;
    this.#sessions += 1;
    const idp = idpName(`idp-${random.below(2)}`);
    const user = { subject: `user-${random.below(USERS)}`, issuer: `https://${idp}.example.com`, idp };
    const handle = handleOf(`session ${this.#sessions}`);
    let mark = this.#options.parts.marksLate ? undefined : await sessions.loginMark();
    await pass(machine, random.between(1, 120));
    const redeemedAt = this.#options.time.steps;
    if (mark === undefined) {
      await pass(machine, random.between(1, 120));
      mark = await sessions.loginMark();
    }
    const createdAt = machine.clock.now();
    const expiresAt = epochSeconds(createdAt + 86_400);
    const session = aSession({ ...user, handle, mark, createdAt, expiresAt, lastSeenAt: createdAt });
    const record = { session, redeemedAt, isStored: false, isDead: false, answer: 0 };
    this.#records.push(record);
    await pass(machine, random.between(1, 60));
    record.isStored = await sessions.create(session).catch(() => true);
    if (record.isStored) this.#options.tally.logins += 1;
    else this.#records = this.#records.filter((each) => each !== record);
  }

  someCheck(process: () => Process): void {
    const isDead = this.#options.random.chance(0.25);
    const records = this.#records.filter((record) => record.isDead === isDead);
    if (records.length > 0) this.#check(process(), this.#options.random.pick(records));
  }

  /** A Check starts when it is sent; the process may take its time to look at it. */
  #check(process: Process, record: SessionRecord): void {
    const { isDead, answer } = record;
    process.machine.receive('requests', () => void this.#judge(process, record, isDead, answer));
  }

  async #judge(
    { stores, machine }: Process,
    record: SessionRecord,
    wasDead: boolean,
    answerKnown: number,
  ): Promise<void> {
    const { tally, time } = this.#options;
    const session = await this.#decide(stores, record.session).catch((error: unknown) => {
      rethrowUnlessDependency(error);
      return 'unavailable' as const;
    });
    if (wasDead) tally.checkedDead += 1;
    if (session === 'unavailable') tally.unavailable += 1;
    else if (session === undefined) tally.denied += 1;
    else {
      tally.allowed += 1;
      if (wasDead) tally.violation ??= `${session.handle} was allowed at step ${time.steps}, ${time.nowMs} ms`;
      if (answerOf(session) < answerKnown)
        tally.violation ??= `${session.handle} was judged by answer ${answerOf(session)}, and ${answerKnown} was known`;
      if (answerOf(session) > 0) tally.refreshedRead += 1;
      if (this.#options.random.chance(0.05)) {
        stores.sessions.touch(session.handle, machine.clock.now()).catch(rethrowUnlessDependency);
      }
    }
  }

  /** As src/answer-check.ts: what comes as a promise is asked for again. */
  async #decide({ sessions }: RedisStores, { handle }: Session): Promise<Session | undefined> {
    for (let round = 0; round < 10; round += 1) {
      const found = sessions.get(handle);
      if (!(found instanceof Promise)) return found;
      const read = await found;
      if (this.#options.parts.decidesBlind) return read;
    }
    return undefined;
  }

  someRevocation(): void {
    const random = this.#options.random;
    const live = this.#records.filter(({ isDead }) => !isDead);
    if (live.length === 0) return;
    const record = random.pick(live);
    const { session } = record;
    const dice = random.next();
    const target: RevocationTarget =
      dice < 0.75
        ? { kind: 'session', handle: session.handle }
        : dice < 0.95
          ? { kind: 'user', issuer: session.issuer, subject: session.subject }
          : dice < 0.99
            ? { kind: 'idp', idp: session.idp }
            : { kind: 'all' };
    const { machine, stores } = this.#options.processes.some();
    // What nobody has at hand can be allowed by nobody.
    for (const process of this.#options.processes.all()) this.#check(process, record);
    this.#options.time.after(random.between(0, 60), () =>
      machine.receive('requests', () => void this.#revoke(stores, target)),
    );
  }

  async #revoke(stores: RedisStores, target: RevocationTarget): Promise<void> {
    const startedAt = this.#options.time.steps;
    const revoker = { stores };
    if ([...this.#revokers].some((other) => other.stores !== stores)) this.#options.tally.faults.secondRevokers += 1;
    this.#revokers.add(revoker);
    const revocation = await stores.sessions.revoke(target, 'admin');
    this.#revokers.delete(revoker);
    if (revocation.kind === 'not-confirmed') {
      this.#options.tally.notConfirmed += 1;
      return;
    }
    this.#options.tally.confirmed += 1;
    if (revocation.acknowledged === revocation.members) this.#options.tally.fast += 1;
    const ended = this.#records.filter(
      ({ session, redeemedAt }) => redeemedAt < startedAt && isCovered(session, target),
    );
    for (const record of ended) record.isDead = true;
    const dead = this.#records.filter(({ isDead }) => isDead);
    const forgotten = new Set(dead.slice(0, Math.max(0, dead.length - DEAD_KEPT)));
    this.#records = this.#records.filter((record) => !forgotten.has(record));
    this.#checkAll(ended);
  }

  /** Also of what was ended: whether that is over is for the store to say, when it is written back. */
  someRefresh(): void {
    const { random, processes } = this.#options;
    if (this.#records.length === 0) return;
    const record = random.pick(this.#records);
    const process = processes.some();
    process.machine.receive('requests', () => void this.#refresh(process, record).catch(rethrowUnlessDependency));
  }

  async #refresh(process: Process, record: SessionRecord): Promise<void> {
    const { random, parts, tally, isLossless } = this.#options;
    const asked = {
      ...{ process, handle: record.session.handle, through: parts.refreshesThrough, random },
      providerMs: random.between(5, 700),
      nextAnswer: () => (this.#answers += 1),
    };
    const end = await (random.chance(0.5)
      ? refreshByItself(asked, ENDS_CHANCE)
      : refreshWithShortClaim(asked, random.chance(0.6)));
    if (end.kind === 'nothing') return;
    if (end.kind === 'refused') tally.refreshesRefused += 1;
    if (end.kind === 'ended') record.isDead = true;
    if (end.kind === 'written') {
      tally.refreshesWritten += 1;
      if (isLossless && end.isKnown) record.answer = Math.max(record.answer, end.answer);
    }
    this.#checkAll([record]);
  }

  /** Everywhere, at once and a little later. */
  #checkAll(records: readonly SessionRecord[]): void {
    const random = this.#options.random;
    for (const process of this.#options.processes.all()) {
      for (const record of records.slice(0, 4)) {
        for (const ms of [0, random.between(0, 12), random.between(0, 1200)]) {
          this.#options.time.after(ms, () => this.#check(process, record));
        }
      }
    }
  }
}

const isCovered = (session: Session, target: RevocationTarget): boolean => {
  if (target.kind === 'session') return session.handle === target.handle;
  if (target.kind === 'user') return session.issuer === target.issuer && session.subject === target.subject;
  return target.kind === 'all' || (target.kind === 'idp' && session.idp === target.idp);
};
