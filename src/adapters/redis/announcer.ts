/**
 * Announces changes: carries one out in the control slot, and returns when no process decides by what was before. "Carried out, but not known
 * everywhere" is a result of its own. When that is, is decided in core/revocation/acknowledgements.ts.
 */

import { isDependencyError, type Announced, type Clock, type Logger, type NotConfirmed } from '../../core/ports.ts';
import type { Acknowledgements, Settlement } from '../../core/revocation/acknowledgements.ts';
import type { Invalidation } from '../../core/revocation/invalidation.ts';
import { RecentInvalidations } from '../../core/revocation/recent-invalidations.ts';
import type { RedisConnection } from './connection.ts';
import { ControlSlot, eraOf, type CarriedOut, type Change } from './control-slot.ts';
import { sleep, type Timers } from '../../core/timers.ts';

/** Between two looks at who has acknowledged; the last goes on. */
const POLL_MS = [1, 2, 5, 10];
/** Before what must be on all nodes, and could not be written, is tried again. */
const RETRY_MS = 100;

/** What decides when a change that was carried out is over; `readAtMs`: after all of its replies were read. */
export type Watch = (carriedOut: CarriedOut & { readonly readAtMs: number }) => Acknowledgements;

export type AnnouncerOptions = {
  /** For what is announced alone: a wait for replicas holds up whatever comes after it. */
  readonly redis: RedisConnection;
  /** Other nodes that hold the data, at least; each may be promoted. */
  readonly replicas: number;
  readonly incarnation: string;
  readonly watch: Watch;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** This process has to hear of it as well, and need not wait for news. */
  readonly onCarriedOut: () => void;
};

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #control: ControlSlot;
  readonly #recent = new RecentInvalidations();
  #settlement: Settlement | undefined;
  #isStopped = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#control = new ControlSlot(options.redis);
  }

  /** Never throws a DependencyError: what could not be done is not confirmed. */
  async announce(change: Change): Promise<Announced> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const outcome = await this.#announce(change).catch((error: unknown): NotConfirmed => {
      if (!isDependencyError(error)) throw error;
      this.#options.logger.warn({ reason: error.message }, 'a revocation could not be carried out for certain');
      return error.code === 'store-corrupt' ? 'store-corrupt' : 'unreachable';
    });
    const tookMs = clock.monotonicMs() - startedMs;
    return typeof outcome === 'string'
      ? { kind: 'not-confirmed', why: outcome, tookMs }
      : { kind: 'confirmed', ...outcome, tookMs };
  }

  /** To be carried out once more where a new history should lack it. */
  remember(entries: readonly Invalidation[]): void {
    this.#recent.add(entries, this.#options.clock.monotonicMs());
  }

  /** Learns that a write of this process is on all nodes in this history, and brings into it what it may lack. */
  async settle(history: string, before: string | undefined): Promise<void> {
    const { clock, incarnation, replicas, timers } = this.#options;
    let lacking = before !== undefined && eraOf(before) === eraOf(history) ? this.#recent.all(clock.monotonicMs()) : [];
    while (!this.#isStopped && this.#settlement?.history !== history) {
      try {
        for (const [place, entry] of lacking.entries()) {
          if (entry.kind !== 'fact') await this.#control.restore(entry.kind, entry, clock.now());
          if (place === lacking.length - 1) lacking = [];
        }
        const settled = await this.#control.probe(incarnation, replicas);
        // Read after both replies.
        if (settled === history) this.#settlement = { history, sinceMs: clock.monotonicMs() };
        else if (settled !== undefined) return;
      } catch (error) {
        if (!isDependencyError(error)) throw error;
      }
      if (this.#settlement?.history !== history) await sleep(timers, RETRY_MS);
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #announce(change: Change): Promise<NotConfirmed | { readonly members: number; readonly acknowledged: number }> {
    const { clock, replicas, onCarriedOut } = this.#options;
    const carriedOut = await this.#control.carryOut(change, replicas);
    // INVARIANT: the wait counts from after both replies were read, whatever they took.
    const watch = this.#options.watch({ ...carriedOut, readAtMs: clock.monotonicMs() });
    onCarriedOut();
    if (!carriedOut.isOnAllNodes) return 'not-on-all-nodes';
    return this.#confirm(watch, carriedOut.history);
  }

  async #confirm(
    watch: Acknowledgements,
    history: string,
  ): Promise<NotConfirmed | { readonly members: number; readonly acknowledged: number }> {
    const { clock, timers } = this.#options;
    for (let round = 0; ; round += 1) {
      await this.#look(watch);
      const progress = watch.progress(clock.monotonicMs(), this.#settlement);
      if (progress.kind === 'history-changed') return 'history-changed';
      if (progress.kind === 'over') {
        if (watch.silent.length > 0) await this.#dropSilent(watch, history);
        return { members: watch.members, acknowledged: progress.acknowledged };
      }
      await sleep(timers, POLL_MS[Math.min(round, POLL_MS.length - 1)] ?? 1);
    }
  }

  /** Who does not answer hinders nothing: what was carried out is over with time. */
  async #look(watch: Acknowledgements): Promise<void> {
    try {
      const { history, members } = await this.#control.poll(watch.missing);
      watch.see(history, members);
    } catch (error) {
      if (!isDependencyError(error)) throw error;
    }
  }

  async #dropSilent(watch: Acknowledgements, history: string): Promise<void> {
    try {
      await this.#control.dropMembers(history, watch.silent);
    } catch (error) {
      if (!isDependencyError(error)) throw error;
    }
  }
}
