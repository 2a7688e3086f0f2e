/**
 * Keeps sessions fresh: which of those that Checks meet are refreshed, when, and how long a Check waits for it. Ahead of time it happens beside the
 * Check; a Check waits, and not for long, only where what its session rests on is over. What cannot be refreshed goes on as it is until its end.
 */

import type { AccessConfig } from './core/config.ts';
import { Pauses } from './core/pauses.ts';
import { isDependencyError, type IdentityProvider, type Logger, type SessionStore } from './core/ports.ts';
import { refreshKind, refreshState } from './core/session/refresh.ts';
import type { RefreshKind } from './core/session/refreshed.ts';
import type { Session } from './core/session/session.ts';
import { sleep } from './core/timers.ts';
import type { EpochSeconds, IdpName, SessionHandle } from './core/units.ts';
import { refreshSession, type RefreshPorts, type RefreshResult } from './refresh-session.ts';

/** Requests to providers at once; what is due beyond that waits for its turn. */
const IN_FLIGHT_MAX = 10;
/** Sessions that are being refreshed or wait for their turn. What comes beyond is looked at again at its next Check. */
const JOBS_MAX = 1_000;
/** Sessions whose last refresh failed and that are left alone for a while. */
const PAUSES_MAX = 10_000;
/** A Check waits so long at most, and never longer than half of what it has. */
const WAIT_MS_MAX = 1_000;
/** Where another process has the session: looked at again after so long, from and to. */
const LOOK_AGAIN_MS = [20, 250] as const;
/** Longer than the claim of a process that died. */
const LOOK_UNTIL_MS = 15_000;
/** A provider has answered by then or never. */
const CLOSE_WITHIN_MS = 5_000;

/** Of what is in force, what a refresh goes by. */
export type InForce = {
  readonly generation: { readonly config: Pick<AccessConfig, 'session_recheck_interval'> };
  readonly ports: { readonly idps: readonly IdentityProvider[] };
};

/** `elsewhere`: another process did it. `partial`: there are new tokens, and the user could not be read. */
export type RefreshOutcome = 'refreshed' | 'partial' | 'ended' | 'gone' | 'elsewhere' | 'failed';

export type KeepFreshPorts = RefreshPorts & {
  readonly sessions: Pick<SessionStore, 'get' | 'forget'>;
  readonly logger: Logger;
  /** Told of each refresh, for metrics. */
  readonly observe: (refresh: { readonly kind: RefreshKind; readonly result: RefreshOutcome }) => void;
};

export interface KeepFresh {
  /**
   * Asked at each Check, of its session. undefined: go on with it. A promise, which never rejects: what was decided no longer holds when it
   * resolves; judge again, once, by what is stored then. `withinMs`: what the Check has.
   */
  tend(session: Session, by: InForce, now: EpochSeconds, withinMs: number): Promise<void> | undefined;
  /** Nothing new is begun; resolves when nothing is under way any more, or is not worth waiting for. */
  close(): Promise<void>;
}

type Job = {
  readonly handle: SessionHandle;
  readonly provider: IdentityProvider;
  readonly recheckSeconds: number;
  /** What was due when it began. */
  readonly due: RefreshKind;
  /** The last attempt with this session, or with its provider, failed: no Check waits for this one. */
  readonly isProbe: boolean;
};

type Running = { readonly done: Promise<void>; readonly isProbe: boolean };

export function createKeepFresh(ports: KeepFreshPorts): KeepFresh {
  const { clock, timers, entropy, logger, sessions } = ports;
  const jobs = new Map<SessionHandle, Running>();
  const slots = createSlots(IN_FLIGHT_MAX);
  const ofSessions = new Pauses<SessionHandle>(PAUSES_MAX);
  const ofProviders = new Pauses<IdpName>(PAUSES_MAX);
  let isClosed = false;

  const random = (): number => (entropy.bytes(1)[0] ?? 0) / 255;

  const begin = (session: Session, by: InForce, now: EpochSeconds): Running | undefined => {
    const { handle, idp } = session;
    const nowMs = clock.monotonicMs();
    if (jobs.size >= JOBS_MAX || ofSessions.isPausing(handle, nowMs) || ofProviders.isPausing(idp, nowMs))
      return undefined;
    // It is configured no more: there is nobody to ask. Who wants its sessions ended ends them (`session revoke-idp`).
    const provider = by.ports.idps.find(({ name }) => name === idp);
    if (provider === undefined) return undefined;
    const isProbe = ofSessions.has(handle) || ofProviders.has(idp);
    ofProviders.probe(idp, nowMs);
    const recheckSeconds = by.generation.config.session_recheck_interval;
    const job: Job = { handle, provider, recheckSeconds, due: refreshKind(session, now), isProbe };
    const done = run(job)
      .catch((error: unknown) => {
        logger.error({ error, session: handle }, 'a fault in Doorward: a session was not refreshed');
        fail(job, job.due);
      })
      .finally(() => jobs.delete(handle));
    const running = { done, isProbe };
    jobs.set(handle, running);
    return running;
  };

  const run = async (job: Job): Promise<void> => {
    const untilMs = clock.monotonicMs() + LOOK_UNTIL_MS;
    while (clock.monotonicMs() < untilMs) {
      if ((await attempt(job)) !== 'taken') return;
      const [least, most] = LOOK_AGAIN_MS;
      await sleep(timers, least + (most - least) * random());
      if (isClosed || (await isSettled(job))) return;
    }
    logFailure(job, job.due, 'another process has the session and does not come to an end');
    fail(job, job.due);
  };

  /** What it comes to is settled before the next has its turn. */
  const attempt = async (job: Job): Promise<'taken' | 'settled'> => {
    await slots.take();
    try {
      // What waited for its turn meets what has happened meanwhile.
      if (isClosed || (!job.isProbe && ofProviders.has(job.provider.name))) return 'settled';
      const result = await refreshSession(job, ports);
      if (result.kind === 'taken') return 'taken';
      settle(job, result);
      return 'settled';
    } finally {
      slots.giveBack();
    }
  };

  /** Whether the other process has done it. */
  const isSettled = async (job: Job): Promise<boolean> => {
    let session: Session | undefined;
    try {
      session = await sessions.get(job.handle);
    } catch (error) {
      if (!isDependencyError(error)) throw error;
      return false;
    }
    const isDone = session === undefined || refreshState(session, clock.now(), job.recheckSeconds) === 'fresh';
    if (isDone) ports.observe({ kind: job.due, result: session === undefined ? 'gone' : 'elsewhere' });
    return isDone;
  };

  const settle = (job: Job, result: Exclude<RefreshResult, { kind: 'taken' }>): void => {
    const { handle, provider } = job;
    if (result.kind !== 'failed') sessions.forget(handle);
    switch (result.kind) {
      case 'elsewhere':
      case 'gone':
        ports.observe({ kind: job.due, result: result.kind });
        return;
      case 'ended':
        ports.observe({ kind: result.asked, result: 'ended' });
        ofProviders.succeed(provider.name);
        logger.info({ idp: provider.name, session: handle, reason: result.why }, 'a provider has ended a session');
        return;
      case 'refreshed':
        settleRefreshed(job, result);
        return;
      case 'failed':
        logFailure(job, result.asked, result.why);
        if (result.code === 'idp-unavailable') ofProviders.fail(provider.name, clock.monotonicMs(), random());
        if (result.code === 'idp-refused') ofProviders.succeed(provider.name);
        fail(job, result.asked ?? job.due);
    }
  };

  const settleRefreshed = (job: Job, result: Extract<RefreshResult, { kind: 'refreshed' }>): void => {
    const { asked, session, failure, unannounced } = result;
    ports.observe({ kind: asked, result: failure === undefined ? 'refreshed' : 'partial' });
    ofProviders.succeed(job.provider.name);
    if (failure !== undefined) logFailure(job, asked, failure);
    if (unannounced !== undefined)
      logFailure(job, asked, `stored, and it is not confirmed that all know: ${unannounced}`);
    // SECURITY: a provider whose tokens are over when they come would be asked at each Check.
    const isFresh = refreshState(session, clock.now(), job.recheckSeconds) === 'fresh';
    if (isFresh) ofSessions.succeed(job.handle);
    else ofSessions.fail(job.handle, clock.monotonicMs(), random());
  };

  const fail = ({ handle }: Job, kind: RefreshKind): void => {
    ports.observe({ kind, result: 'failed' });
    ofSessions.fail(handle, clock.monotonicMs(), random());
  };

  const logFailure = ({ handle, provider }: Job, kind: RefreshKind | undefined, reason: string): void => {
    logger.warn({ idp: provider.name, session: handle, kind, reason }, 'a session could not be refreshed');
  };

  const until = (done: Promise<void>, ms: number): Promise<void> =>
    new Promise((resolve) => {
      const callOff = timers.after(ms, resolve);
      void done.then(() => {
        callOff();
        resolve();
      });
    });

  return {
    tend(session, by, now, withinMs) {
      const state = refreshState(session, now, by.generation.config.session_recheck_interval);
      if (state === 'fresh' || isClosed) return undefined;
      const running = jobs.get(session.handle) ?? begin(session, by, now);
      if (state === 'due' || running === undefined || running.isProbe) return undefined;
      return until(running.done, Math.min(WAIT_MS_MAX, withinMs / 2));
    },
    async close() {
      isClosed = true;
      await until(
        Promise.all([...jobs.values()].map(({ done }) => done)).then(() => undefined),
        CLOSE_WITHIN_MS,
      );
    },
  };
}

type Slots = { take(): Promise<void>; giveBack(): void };

/** First come, first served. */
function createSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    take() {
      if (free > 0) {
        free -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => void waiting.push(resolve));
    },
    giveBack() {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}
