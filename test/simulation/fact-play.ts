/**
 * Facts of users in the world: each that is told is newer than the one before. What must never be: a Check that started after a fact was confirmed,
 * and was decided by what was known before it.
 */

import { isDependencyError } from '../../src/core/ports.ts';
import type { FactHolder, UserFact } from '../../src/core/signals/user-fact.ts';
import { epochSeconds } from '../../src/core/units.ts';
import type { Random } from './random.ts';
import type { Tally } from './tally.ts';
import type { Process } from './process.ts';

const HOLDERS: readonly FactHolder[] = [0, 1, 2, 3].map((number) => ({
  issuer: 'https://idp-0.example.com',
  subject: `user-${number}`,
  email: `user-${number}@example.com`,
}));
/** Machines begin later than this, by less than facts live. */
const BASE = 1_767_000_000;

export class FactPlay {
  readonly #tally: Tally;
  readonly #random: Random;
  #told = 0;
  /** The newest that was confirmed. A flush takes all of them away, which is no older answer. */
  #confirmed = new Map<FactHolder, number>();

  constructor(tally: Tally, random: Random) {
    this.#tally = tally;
    this.#random = random;
  }

  forget(): void {
    this.#confirmed = new Map();
  }

  /** Starts when it is sent; the process may take its time to look at it. */
  check(process: Process, holder = this.#random.pick(HOLDERS)): void {
    const confirmed = this.#confirmed.get(holder);
    process.machine.receive('requests', () => void this.#judge(process, holder, confirmed));
  }

  async tell(process: Process, all: readonly Process[]): Promise<void> {
    const holder = this.#random.pick(HOLDERS);
    this.#told += 1;
    const number = this.#told;
    const { issuer, subject, email } = holder;
    const owner = this.#random.chance(0.7)
      ? ({ kind: 'user', issuer, subject } as const)
      : ({ kind: 'email', email } as const);
    const fact: UserFact = { about: 'risk', scope: 'of the world', level: 'high', at: epochSeconds(BASE + number) };
    // What nobody has at hand can be wrong nowhere.
    for (const each of all) this.check(each, holder);
    const flushes = this.#tally.faults.flushes;
    const put = await new Promise<Awaited<ReturnType<typeof process.stores.facts.put>>>((resolve, reject) => {
      process.machine.receive('requests', () => void process.stores.facts.put(owner, fact).then(resolve, reject));
    });
    if (put.kind === 'not-confirmed') this.#tally.factsNotConfirmed += 1;
    else if (flushes === this.#tally.faults.flushes) {
      this.#tally.factsConfirmed += 1;
      this.#confirmed.set(holder, Math.max(number, this.#confirmed.get(holder) ?? 0));
    }
    for (const each of all) this.check(each, holder);
  }

  /** As src/answer-check.ts: what comes as a promise is asked for again. */
  async #judge({ stores }: Process, holder: FactHolder, confirmed: number | undefined): Promise<void> {
    for (let round = 0; round < 10; round += 1) {
      try {
        const known = stores.facts.of(holder);
        if (known instanceof Promise) await known;
        else {
          this.#look(known, holder, confirmed);
          return;
        }
      } catch (error) {
        if (!isDependencyError(error)) throw error;
        return;
      }
    }
  }

  #look(known: readonly UserFact[], holder: FactHolder, confirmed: number | undefined): void {
    this.#tally.factsRead += 1;
    // Taken away by a flush meanwhile.
    if (confirmed === undefined || !this.#confirmed.has(holder)) return;
    this.#tally.factsDue += 1;
    const newest = Math.max(0, ...known.map(({ at }) => at - BASE));
    if (newest < confirmed)
      this.#tally.violation ??= `${holder.subject} was judged by ${newest}, and ${confirmed} was confirmed`;
  }
}
