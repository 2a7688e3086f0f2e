/**
 * What is decided by, and how it comes about: at once from what this process has, while it holds a lease; else read from Redis, one read for all
 * who ask for the same, as often as it takes until nothing was revoked in between, within a bound of time.
 */

import { DependencyError, type Clock, type Eventually } from '../../core/ports.ts';
import type { FillReply, Moment, Replica } from '../../core/revocation/replica.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import type { Timers } from '../../core/timers.ts';

export type GuardedReadsOptions<Value> = {
  readonly replica: Replica<Value>;
  readonly keeper: Pick<LeaseKeeper, 'renew'>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** However often it has to be read again. */
  readonly withinMs: number;
};

export class GuardedReads<Value> {
  readonly #options: GuardedReadsOptions<Value>;
  readonly #underWay = new Map<string, Promise<Value>>();

  constructor(options: GuardedReadsOptions<Value>) {
    this.#options = options;
  }

  /** As SessionStore.get says: what comes at once holds now. @throws DependencyError */
  get(key: string, read: () => Promise<FillReply<Value>>): Eventually<Value> {
    const found = this.#options.replica.lookup(key, this.#moment());
    if (found.kind === 'hit') return found.value;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const begun = this.#within(this.#readUntilKept(read)).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, begun);
    return begun;
  }

  async #readUntilKept(read: () => Promise<FillReply<Value>>): Promise<Value> {
    const { replica, keeper, clock, withinMs } = this.#options;
    const untilMs = clock.monotonicMs() + withinMs;
    if (!replica.holds(this.#moment())) await keeper.renew();
    while (clock.monotonicMs() < untilMs) {
      const fill = replica.beginFill();
      let reply: FillReply<Value>;
      try {
        reply = await read();
      } catch (error) {
        replica.abandonFill(fill);
        throw error;
      }
      const filled = replica.endFill(fill, reply, this.#moment());
      if (filled === 'kept') return reply.value;
      if (filled !== 'poisoned') await keeper.renew();
    }
    throw late();
  }

  #within(reading: Promise<Value>): Promise<Value> {
    const { timers, withinMs } = this.#options;
    return new Promise((resolve, reject) => {
      const callOff = timers.after(withinMs, () => reject(late()));
      reading.then(resolve, reject).finally(callOff);
    });
  }

  #moment(): Moment {
    const { clock } = this.#options;
    return { monotonicMs: clock.monotonicMs(), now: clock.now() };
  }
}

const late = (): DependencyError =>
  new DependencyError('store-unavailable', 'what a decision rests on could not be read in time');
