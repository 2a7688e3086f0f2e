/**
 * Keeps this process's lease: renews it often, at once when something was revoked, and whenever somebody needs one. All that a reply means is
 * decided in core/revocation/replica.ts, in the turn in which the reply is read.
 */

import { isDependencyError, type Clock, type Logger } from '../../core/ports.ts';
import type { Invalidation } from '../../core/revocation/invalidation.ts';
import type { Leased, Moment, RenewalReply } from '../../core/revocation/replica.ts';
import type { RedisConnection } from './connection.ts';
import { ControlSlot } from './control-slot.ts';
import { INVALIDATIONS_KEY } from './keys.ts';
import { sleep, type Timers } from '../../core/timers.ts';

/** How long one wait for news lasts; then another begins. */
export const NEWS_MS = 1_000;
/** After a failure of the connection for news. Without news it takes a renewal longer, that is all. */
const NEWS_RETRY_MS = 100;
/** How long a process that stops tries to say so; the others do not need it. */
const LEAVE_MS = 250;

export type LeaseKeeperOptions = {
  /** For renewals alone: nothing may stand before them. */
  readonly renewals: RedisConnection;
  /** For waiting alone. */
  readonly news: RedisConnection;
  readonly replica: Leased;
  /** Random, one per start of a process. */
  readonly incarnation: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Told of what was applied; and of a history that is not the one before (undefined at the start). */
  readonly onApplied: (entries: readonly Invalidation[]) => void;
  readonly onHistory: (history: string, before: string | undefined) => void;
  /** Told where what happened since is not to be had, so that everything at hand went. */
  readonly onAnew: () => void;
};

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #control: ControlSlot;
  #underWay: Promise<void> | undefined;
  /** Something has happened that the renewal under way may not bring. */
  #isAskedAgain = false;
  #isStopped = false;
  #isLossTold = false;
  #callOff: () => void = () => undefined;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#control = new ControlSlot(options.renewals);
  }

  start(): void {
    this.#tick();
    void this.#listen();
  }

  /** One renewal: the one under way, or a new one. @throws DependencyError */
  renew(): Promise<void> {
    this.#underWay ??= this.#renewOnce().finally(() => {
      this.#underWay = undefined;
      if (this.#isAskedAgain) this.wake();
    });
    return this.#underWay;
  }

  /** Asks for a renewal that begins from now on. */
  wake(): void {
    if (this.#isStopped) return;
    this.#isAskedAgain = this.#underWay !== undefined;
    if (!this.#isAskedAgain) this.#renewInBackground();
  }

  /** The lease goes first; only then does the process say that it is gone. */
  async stop(): Promise<void> {
    const { replica, incarnation, timers } = this.#options;
    this.#isStopped = true;
    this.#callOff();
    replica.stop();
    const left = Promise.resolve(this.#underWay)
      .catch(() => undefined)
      .then(() => this.#control.leave(incarnation))
      .catch(() => undefined);
    await Promise.race([left, sleep(timers, LEAVE_MS)]);
  }

  async #renewOnce(): Promise<void> {
    const { replica, incarnation, onApplied, onAnew, onHistory } = this.#options;
    const before = replica.history;
    // INVARIANT: the moment is read in the turn in which the renewal is written, and before it.
    const renewal = replica.beginRenewal(this.#moment());
    let reply: RenewalReply;
    try {
      reply = await this.#control.renew(incarnation, renewal);
    } catch (error) {
      this.#tellLoss(error);
      throw error;
    }
    // INVARIANT: what was brought is applied and the lease begins in one turn; no await between.
    if (replica.endRenewal(renewal, reply)) this.#isAskedAgain = !this.#isStopped;
    this.#tellBack();
    if (this.#isStopped) return;
    if (reply.entries === undefined) onAnew();
    else onApplied(reply.entries);
    if (reply.history !== before && reply.history === replica.history) onHistory(reply.history, before);
  }

  #tick(): void {
    if (this.#isStopped) return;
    this.#callOff = this.#options.timers.after(this.#options.replica.terms.renewEachMs, () => this.#tick());
    if (this.#underWay === undefined) this.#renewInBackground();
  }

  #renewInBackground(): void {
    this.renew().catch((error: unknown) => {
      // Whoever needs the lease hears of it when asking for one; the next tick tries again.
      if (!isDependencyError(error)) throw error;
    });
  }

  /** A hint: what it misses comes with the next renewal. */
  async #listen(): Promise<void> {
    const { news, replica, timers } = this.#options;
    while (!this.#isStopped) {
      try {
        const { applied } = replica;
        const hasNews =
          replica.history !== undefined && (await news.hasEntryAfter(INVALIDATIONS_KEY, applied, NEWS_MS));
        if (hasNews) this.wake();
        await this.#underWay;
        // Not until what was heard of is applied: it would be heard of again, and again.
        if (replica.history === undefined || (hasNews && replica.applied === applied))
          await sleep(timers, NEWS_RETRY_MS);
      } catch (error) {
        if (!isDependencyError(error)) throw error;
        await sleep(timers, NEWS_RETRY_MS);
      }
    }
  }

  #moment(): Moment {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), now: clock.now() };
  }

  #tellLoss(error: unknown): void {
    if (this.#isLossTold || this.#isStopped || this.#options.replica.holds(this.#moment())) return;
    this.#isLossTold = true;
    const reason = isDependencyError(error) ? error.message : 'a fault in Doorward';
    this.#options.logger.warn({ reason }, 'no lease on sessions: nothing that rests on one can be decided');
  }

  #tellBack(): void {
    if (!this.#isLossTold || this.#isStopped) return;
    this.#isLossTold = false;
    this.#options.logger.info({}, 'there is a lease on sessions again');
  }
}
