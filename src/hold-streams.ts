/**
 * Holds streams: each was let through by a Check, and is judged again by the same `check` when its hold begins and whenever something that it rests on
 * has changed. What is no longer allowed is cut. The shell of core/streams: it fetches through the ports of a Check, and acts on lines of the transport.
 */

import { decideNow, type Live } from './answer-check.ts';
import type { CheckDecision } from './check.ts';
import type { StreamRecord } from './core/audit/stream-record.ts';
import type { RecordSnapshots } from './core/policy/record-snapshot.ts';
import {
  isDependencyError,
  type AuditSink,
  type Clock,
  type DependencyCode,
  type Eventually,
  type HeldLine,
  type HoldAnswer,
  type HoldHandler,
  type Logger,
  type StoreNewsListener,
  type StreamEnd,
} from './core/ports.ts';
import type { AccessRequest } from './core/request/access-request.ts';
import { canonicalHost } from './core/request/host.ts';
import { coverOf, type Invalidation } from './core/revocation/invalidation.ts';
import type { Steps } from './core/steps.ts';
import {
  foundationOf,
  isAskedFor,
  newStream,
  streamRecordOf,
  streamSummaryOf,
  type HeldStream,
  type HeldStreams,
  type StreamQuery,
  type StreamSummary,
  type Why,
} from './core/streams/held-stream.ts';
import { StreamIndex, type StreamBounds } from './core/streams/stream-index.ts';
import { openTicket } from './core/streams/ticket.ts';
import { cutDetails, cutStatus, whyNotAllowed, type Before, type CutReason } from './core/streams/why-cut.ts';
import type { Timers } from './core/timers.ts';
import type { EpochSeconds } from './core/units.ts';

/** Streams of one process, and the bytes of their requests. What comes on top is refused. */
const BOUNDS: StreamBounds = { streamsMax: 100_000, weightMax: 1024 * 1024 * 1024 };
/** How often it is looked whether something has changed that nobody tells: time, the configuration, records. */
const LOOK_MS = 1_000;
const LOOK_MS_MIN = 20;
/** Streams that are judged before those whose session has to be fetched are waited for. */
const JUDGED_AT_ONCE = 256;
/** A session that changes so often while it is fetched is not known. */
const ROUNDS_MAX = 10;
/** How much earlier than the end that it was told Envoy may end a stream. */
const BOUND_SLACK_SECONDS = 0.25;

export type HoldPorts = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly audit: Pick<AuditSink<StreamRecord>, 'write'>;
  readonly live: () => Live;
  /** Of `AccessRequest.encoded`; undefined where it is none. */
  readonly decodeRequest: (encoded: string) => AccessRequest | undefined;
  /** Drives steps without keeping the process from its other work. */
  readonly inSlices: <T>(steps: Steps<T>) => Promise<T>;
  /** How long sessions at hand may still be decided by; undefined where the store is this process. */
  readonly leaseLeftMs: (() => number) | undefined;
  readonly observeFailure: (code: DependencyCode) => void;
  /** `seconds`: since this process learned why. */
  readonly observeEnd: (end: Pick<StreamRecord, 'action' | 'reason'> & { readonly seconds: number }) => void;
  readonly bounds?: StreamBounds;
};

export interface StreamHolds extends HoldHandler, HeldStreams {
  readonly news: StoreNewsListener;
  /** No more are taken, and those that are held are cut, or released. */
  close(how: 'cut' | 'release'): void;
}

const endOf = (reason: CutReason): StreamEnd => ({
  status: cutStatus(reason),
  body: `this stream may not be: ${reason}\n`,
  details: cutDetails(reason),
});

export function createStreamHolds(ports: HoldPorts): StreamHolds {
  const holds = new Holds(ports);
  holds.start();
  return holds;
}

/** What `check` says, or that what it needs cannot be known. */
type Decided = CheckDecision | { readonly kind: 'unknown' };

type InForce = { readonly generation: number; readonly records: RecordSnapshots };

class Holds implements StreamHolds {
  readonly news: StoreNewsListener;
  readonly #ports: HoldPorts;
  readonly #index: StreamIndex<HeldStream>;
  #numbered = 0;
  #isClosed = false;
  #callOff: () => void = () => undefined;
  /** What the last look saw. */
  #seen: InForce;
  /** Those that wait for their turn to be judged again, and whether somebody is at it. */
  readonly #waiting = new Set<HeldStream>();
  #isJudging = false;

  constructor(ports: HoldPorts) {
    this.#ports = ports;
    this.#index = new StreamIndex(ports.bounds ?? BOUNDS);
    this.#seen = this.#inForce();
    this.news = {
      onInvalidated: (entries) => {
        for (const entry of entries) this.#invalidated(entry);
      },
      onAnew: () => {
        this.#judgeAgain(this.#index.all().filter(({ who }) => who !== undefined));
      },
    };
  }

  start(): void {
    const { timers, leaseLeftMs } = this.#ports;
    const left = leaseLeftMs === undefined ? LOOK_MS : Math.max(LOOK_MS_MIN, leaseLeftMs());
    this.#callOff = timers.after(Math.min(LOOK_MS, left), () => {
      this.start();
      this.#look();
    });
  }

  held(): number {
    return this.#index.size;
  }

  list(query: StreamQuery, limit: number): readonly StreamSummary[] {
    const found = this.#index.all().filter((stream) => isAskedFor(stream, query));
    return found.slice(0, limit).map(streamSummaryOf);
  }

  cut(query: StreamQuery, who: Parameters<HeldStreams['cut']>[1]): number {
    const found = this.#index.all().filter((stream) => isAskedFor(stream, query));
    this.#cutAll(found, { reason: 'administrator', ...who });
    return found.length;
  }

  close(how: 'cut' | 'release'): void {
    this.#isClosed = true;
    this.#callOff();
    for (const stream of this.#index.all()) {
      if (how === 'cut') this.#cut(stream, { reason: 'shutdown' }, this.#ports.clock.monotonicMs());
      else {
        this.#index.delete(stream);
        stream.line.release();
      }
    }
  }

  hold(
    asked: { readonly ticket: string | undefined; readonly host: string | undefined },
    line: HeldLine,
  ): Eventually<HoldAnswer> {
    const { clock, live, decodeRequest } = this.#ports;
    const host = asked.host === undefined ? undefined : canonicalHost(asked.host);
    if (asked.ticket === undefined || host === undefined) return this.#refuse({ reason: 'no-ticket' }, {});
    const ticket = openTicket(asked.ticket, host, live().ports.sealer);
    const request = ticket === undefined ? undefined : decodeRequest(ticket.request);
    if (ticket === undefined || request === undefined) return this.#refuse({ reason: 'no-ticket' }, { host });
    this.#numbered += 1;
    const stream = newStream({ id: String(this.#numbered), line, ticket, host, since: clock.now() }, request);
    return this.#decide(request, (decided) => this.#take(stream, decided));
  }

  /** INVARIANT: in the turn in which it was decided, so that whatever ends the stream from now on finds it. */
  #take(stream: HeldStream, decided: Decided): HoldAnswer {
    if (this.#isClosed) return this.#refuse({ reason: 'shutdown' }, stream);
    if (decided.kind === 'unknown') return this.#refuse({ reason: 'unavailable' }, stream);
    const { findings } = decided;
    const about = { ...stream, ...foundationOf(findings, stream.since) };
    const why = whyOf(decided, { hadSession: findings.presented !== undefined, endsAt: Infinity }, stream.since);
    if (why !== undefined) return this.#refuse(why, about);
    if (stream.line.isOver()) return { kind: 'held', gone: () => undefined };
    Object.assign(stream, foundationOf(findings, stream.since));
    if (!this.#index.add(stream)) return this.#refuse({ reason: 'too-many' }, stream);
    return {
      kind: 'held',
      gone: () => {
        this.#gone(stream);
      },
    };
  }

  /** The proxy says that it is over. Where it was the bound, the record says so: nothing else does. */
  #gone(stream: HeldStream): void {
    const { endsAt } = stream.ticket;
    if (!this.#index.delete(stream)) return;
    if (endsAt !== undefined && this.#ports.clock.now() >= endsAt - BOUND_SLACK_SECONDS)
      this.#tell('ended', { reason: 'session-over' }, stream, 0);
  }

  /** Envoy ends what is refused, so nothing more is heard of it. */
  #refuse(why: Why, about: Partial<HeldStream>): HoldAnswer {
    this.#tell('refused', why, about, 0);
    return { kind: 'refused', end: endOf(why.reason) };
  }

  #cut(stream: HeldStream, why: Why, learnedMs: number): void {
    if (!this.#index.delete(stream)) return;
    stream.line.cut(endOf(why.reason));
    this.#tell('cut', why, stream, (this.#ports.clock.monotonicMs() - learnedMs) / 1000);
  }

  /** The first of them in this turn. */
  #cutAll(streams: readonly HeldStream[], why: Why): void {
    if (streams.length === 0) return;
    const learnedMs = this.#ports.clock.monotonicMs();
    const cut = (stream: HeldStream): void => {
      this.#cut(stream, why, learnedMs);
    };
    void this.#ports.inSlices(eachOf(streams, cut));
  }

  #tell(action: StreamRecord['action'], why: Why, about: Partial<HeldStream>, seconds: number): void {
    const { clock, live, audit, observeEnd } = this.#ports;
    audit.write(streamRecordOf(action, why, about, { now: clock.now(), generation: live().generation.number }));
    observeEnd({ action, reason: why.reason, seconds });
  }

  #invalidated({ seq, kind, key }: Invalidation): void {
    const covered = this.#index.covered(coverOf(kind, key));
    if (kind === 'fact') this.#judgeAgain(covered);
    // A session that was made after a wide revocation is not meant by it (core/session/revocation.ts).
    else
      this.#cutAll(kind === 's' ? covered : covered.filter(({ who }) => (who?.mark.seq ?? 0) < seq), {
        reason: 'revoked',
      });
  }

  /** For what nobody tells. */
  #look(): void {
    const { clock, leaseLeftMs } = this.#ports;
    const before = this.#seen;
    this.#seen = this.#inForce();
    if (this.#index.size === 0) return;
    const streams = this.#index.all();
    // Without a lease a revocation may be over, and not be known here.
    if (leaseLeftMs !== undefined && leaseLeftMs() <= 0)
      this.#cutAll(
        streams.filter(({ who }) => who !== undefined),
        { reason: 'unavailable' },
      );
    const hasChanged = before.generation !== this.#seen.generation || before.records !== this.#seen.records;
    const now = clock.now();
    this.#judgeAgain(hasChanged ? streams : streams.filter(({ dueAt }) => now >= dueAt));
  }

  #inForce(): InForce {
    const { generation, records } = this.#ports.live();
    return { generation: generation.number, records: records() };
  }

  #judgeAgain(streams: readonly HeldStream[]): void {
    for (const stream of streams) this.#waiting.add(stream);
    if (this.#isJudging || this.#waiting.size === 0) return;
    this.#isJudging = true;
    this.#judgeWaiting()
      .catch((error: unknown) => {
        this.#ports.logger.error({ error }, 'held streams could not be judged because of a fault in Doorward');
      })
      .finally(() => {
        this.#isJudging = false;
      });
  }

  async #judgeWaiting(): Promise<void> {
    while (this.#waiting.size > 0) {
      const some = [...this.#waiting].slice(0, JUDGED_AT_ONCE);
      const late: Promise<void>[] = [];
      const judge = (stream: HeldStream): void => {
        this.#waiting.delete(stream);
        const judged = this.#judge(stream);
        if (judged !== undefined) late.push(judged);
      };
      await this.#ports.inSlices(eachOf(some, judge));
      await Promise.all(late);
    }
  }

  #judge(stream: HeldStream): Eventually<void> {
    if (!this.#index.has(stream)) return;
    const { clock, decodeRequest } = this.#ports;
    const learnedMs = clock.monotonicMs();
    const request = decodeRequest(stream.ticket.request);
    const use = (decided: Decided): void => {
      if (!this.#index.has(stream)) return;
      const why: Why | undefined =
        decided.kind === 'unknown'
          ? { reason: 'unavailable' }
          : whyOf(
              decided,
              { hadSession: stream.who !== undefined, endsAt: stream.who?.expiresAt ?? Infinity },
              clock.now(),
            );
      if (why !== undefined || decided.kind === 'unknown') {
        this.#cut(stream, why ?? { reason: 'unavailable' }, learnedMs);
        return;
      }
      const { covers, ...foundation } = foundationOf(decided.findings, clock.now());
      Object.assign(stream, foundation);
      this.#index.recover(stream, covers);
    };
    if (request !== undefined) return this.#decide(request, use);
    use({ kind: 'unknown' });
  }

  /** `use` runs in the turn in which it was decided, by what is known in that turn. */
  #decide<T>(request: AccessRequest, use: (decided: Decided) => T): Eventually<T> {
    const decided = this.#decideNow(request);
    return decided instanceof Promise ? this.#decideLater(decided, request, use) : use(decided);
  }

  async #decideLater<T>(first: Promise<Decided>, request: AccessRequest, use: (decided: Decided) => T): Promise<T> {
    let decided: Eventually<Decided> = first;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      // It holds no longer: whatever came meanwhile, in a turn of its own, is not in it.
      if ((await decided).kind === 'unknown') break;
      decided = this.#decideNow(request);
      if (!(decided instanceof Promise)) return use(decided);
    }
    return use({ kind: 'unknown' });
  }

  #decideNow(request: AccessRequest): Eventually<Decided> {
    const { logger, observeFailure, live } = this.#ports;
    const unknown = (error: unknown): Decided => {
      if (isDependencyError(error)) observeFailure(error.code);
      else logger.error({ error }, 'a stream could not be judged because of a fault in Doorward');
      return { kind: 'unknown' };
    };
    try {
      const decided = decideNow(request, live(), this.#ports);
      return decided instanceof Promise ? decided.catch(unknown) : decided;
    } catch (error) {
      return unknown(error);
    }
  }
}

function whyOf(decision: CheckDecision, before: Before, now: EpochSeconds): Why | undefined {
  const reason = whyNotAllowed(decision, before, now);
  if (reason === undefined) return undefined;
  return decision.kind === 'refuse' ? { reason, code: decision.code } : { reason };
}

function* eachOf<T>(items: readonly T[], run: (item: T) => void): Steps<void> {
  for (const item of items) {
    run(item);
    yield;
  }
}
