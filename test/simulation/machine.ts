/**
 * A machine that one process runs on: clocks of its own, which drift and step, and a loop that can be paused. What comes in while it is paused
 * is handed over when it goes on, in order per source, the sources in any order, timers among them.
 */

import type { Clock } from '../../src/core/ports.ts';
import type { Timers } from '../../src/core/timers.ts';
import { epochSeconds } from '../../src/core/units.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

const WALL_START = 1_768_478_400;

export class Machine {
  readonly #time: VirtualTime;
  readonly #random: Random;
  /** Of its monotonic clock. */
  readonly rate: number;
  readonly #offsetMs: number;
  #wallSkewSeconds = 0;
  #isPaused = false;
  #isHandingOver = false;
  #draining = '';
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(time: VirtualTime, random: Random, rate: number) {
    this.#time = time;
    this.#random = random;
    this.rate = rate;
    this.#offsetMs = random.between(0, 1e6);
  }

  readonly clock: Clock = {
    now: () => epochSeconds(WALL_START + (this.#time.nowMs * this.rate) / 1000 + this.#wallSkewSeconds),
    monotonicMs: () => this.#offsetMs + this.#time.nowMs * this.rate,
  };

  readonly timers: Timers = {
    after: (ms, run) => this.#time.after(ms / this.rate, () => this.receive('timers', run)),
  };

  get isPaused(): boolean {
    return this.#isPaused;
  }

  stepWallClock(seconds: number): void {
    this.#wallSkewSeconds += seconds;
  }

  pause(ms: number): void {
    this.#isPaused = true;
    this.#time.after(ms, () => {
      this.#isPaused = false;
      this.#handOver();
    });
  }

  /** Something happens in the process, now or when it goes on. */
  receive(source: string, run: () => void): void {
    if (!this.#isPaused && this.#waiting.size === 0) {
      run();
      return;
    }
    const queue = this.#waiting.get(source);
    if (queue === undefined) this.#waiting.set(source, [run]);
    else queue.push(run);
    this.#handOver();
  }

  /** One by one, each a step of its own. */
  #handOver(): void {
    if (this.#isHandingOver || this.#isPaused || this.#waiting.size === 0) return;
    this.#isHandingOver = true;
    this.#time.after(0, () => {
      this.#isHandingOver = false;
      if (this.#isPaused) return;
      // A loop that goes on reads one socket empty, and then the next.
      if (!this.#waiting.has(this.#draining) || this.#random.chance(0.03)) {
        this.#draining = this.#random.pick([...this.#waiting.keys()]);
      }
      const source = this.#draining;
      const queue = this.#waiting.get(source) ?? [];
      const run = queue.shift();
      if (queue.length === 0) this.#waiting.delete(source);
      run?.();
      this.#handOver();
    });
  }
}
