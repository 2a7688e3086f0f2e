/** Pauses: how long to leave alone what has failed. Bounded; every moment is an argument. */

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** An attempt has come to something by then. */
const ATTEMPT_MS = 5_000;

type Pause = {
  readonly lengthMs: number;
  readonly untilMs: number;
  /** An attempt is being made that decides how it goes on. */
  readonly isProbed: boolean;
};

export class Pauses<Key> {
  readonly #entriesMax: number;
  /** Oldest first. */
  readonly #pauses = new Map<Key, Pause>();

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  /** Whether its last attempt failed. */
  has(key: Key): boolean {
    return this.#pauses.has(key);
  }

  /** Whether it is to be left alone at this moment. */
  isPausing(key: Key, nowMs: number): boolean {
    const pause = this.#pauses.get(key);
    return pause !== undefined && nowMs < pause.untilMs;
  }

  /** One attempt is made: no other until it has come to something. Nothing to do for what has not failed. */
  probe(key: Key, nowMs: number): void {
    const pause = this.#pauses.get(key);
    if (pause !== undefined)
      this.#set(key, { ...pause, untilMs: nowMs + Math.max(pause.lengthMs, ATTEMPT_MS), isProbed: true });
  }

  /**
   * Each failure in a row doubles the pause; what was begun before it and fails during it is the same failure. `share`: from 0 to 1, so that not
   * all come back at the same moment.
   */
  fail(key: Key, nowMs: number, share: number): void {
    const before = this.#pauses.get(key);
    if (before !== undefined && !before.isProbed && nowMs < before.untilMs) return;
    const lengthMs = before === undefined ? FIRST_MS : Math.min(LONGEST_MS, before.lengthMs * 2);
    this.#set(key, { lengthMs, untilMs: nowMs + lengthMs * (0.75 + share / 2), isProbed: false });
  }

  succeed(key: Key): void {
    this.#pauses.delete(key);
  }

  #set(key: Key, pause: Pause): void {
    this.#pauses.delete(key);
    this.#pauses.set(key, pause);
    const [oldest] = this.#pauses.keys();
    if (this.#pauses.size > this.#entriesMax && oldest !== undefined) this.#pauses.delete(oldest);
  }
}
