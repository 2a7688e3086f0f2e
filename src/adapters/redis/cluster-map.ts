/** Who has which slot of a Cluster, as its nodes say; asked anew when something was not where it was thought to be, within bounds. */

import { isDependencyError } from '../../core/ports.ts';
import type { AskOnce } from './ask-once.ts';
import { nameOf, parseSlots, type SlotOwners } from './cluster-slots.ts';
import type { Address } from './connection.ts';
import { sleep, type Timers } from '../../core/timers.ts';

/** From one look to the next, however often something is not where it was thought to be. */
const LOOK_EACH_MS = 200;

export class ClusterMap {
  readonly #seeds: readonly Address[];
  readonly #ask: AskOnce;
  readonly #timers: Timers;
  readonly #listeners = new Set<() => void>();
  #owners: SlotOwners = [];
  #masters: readonly Address[] = [];
  #trouble = 'none was asked yet';
  #next = 0;
  #isLooking = false;
  #isAskedAgain = false;

  constructor(options: { readonly seeds: readonly Address[]; readonly ask: AskOnce; readonly timers: Timers }) {
    this.#seeds = options.seeds;
    this.#ask = options.ask;
    this.#timers = options.timers;
  }

  /** undefined = nobody is known to have it. */
  ownerOf(slot: number): Address | undefined {
    return this.#owners[slot];
  }

  /** All that have slots. */
  masters(): readonly Address[] {
    return this.#masters;
  }

  /** Why the last look found nobody, for the log; of no meaning after one that did. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Begins to look, if nobody has; gives how to end that. `changed` is called after each look that found something. */
  follow(changed: () => void): () => void {
    this.#listeners.add(changed);
    this.look();
    return () => this.#listeners.delete(changed);
  }

  /** Looks anew, soon, and until somebody answers. */
  look(): void {
    this.#isAskedAgain = true;
    if (!this.#isLooking) void this.#lookWhileAsked();
  }

  async #lookWhileAsked(): Promise<void> {
    this.#isLooking = true;
    while (this.#isAskedAgain && this.#listeners.size > 0) {
      this.#isAskedAgain = false;
      if (!(await this.#lookOnce())) this.#isAskedAgain = true;
      await sleep(this.#timers, LOOK_EACH_MS);
    }
    this.#isLooking = false;
  }

  /** One node is asked, the next time the next: what one says may be of the past. */
  async #lookOnce(): Promise<boolean> {
    const candidates = [...this.#masters, ...this.#seeds];
    const asked = candidates[this.#next % candidates.length];
    this.#next += 1;
    if (asked === undefined) return false;
    let owners: SlotOwners | undefined;
    let trouble = 'one does not know the Cluster';
    try {
      owners = parseSlots(await this.#ask(asked, 'CLUSTER', ['SLOTS']), asked);
    } catch (error) {
      if (!isDependencyError(error)) throw error;
      trouble = error.message;
    }
    if (owners === undefined) {
      this.#trouble = trouble;
      return false;
    }
    this.#owners = owners;
    const masters = new Map<string, Address>();
    for (const owner of owners) if (owner !== undefined) masters.set(nameOf(owner), owner);
    this.#masters = [...masters.values()];
    for (const changed of this.#listeners) changed();
    return masters.size > 0;
  }
}
