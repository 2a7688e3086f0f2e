/** Time that is played: events in order of time, each followed by all that its promises set off, and nothing else. */

export type Cancel = () => void;

type Event = { readonly at: number; readonly order: number; run: (() => void) | undefined };

export class VirtualTime {
  nowMs = 0;
  steps = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  at(ms: number, run: () => void): Cancel {
    const event: Event = { at: Math.max(ms, this.nowMs), order: (this.#order += 1), run };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  after(ms: number, run: () => void): Cancel {
    return this.at(this.nowMs + ms, run);
  }

  /** One event; false where there is none left. */
  async step(): Promise<boolean> {
    for (;;) {
      const event = this.#pop();
      if (event === undefined) return false;
      if (event.run === undefined) continue;
      this.nowMs = event.at;
      this.steps += 1;
      event.run();
      // Not before every microtask has run.
      await new Promise(setImmediate);
      return true;
    }
  }

  #isBefore(one: Event, other: Event): boolean {
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let place = heap.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !this.#isBefore(event, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      let smaller = left;
      if (right !== undefined && this.#isBefore(right, left)) {
        smaller = right;
        child += 1;
      }
      if (!this.#isBefore(smaller, last)) break;
      heap[place] = smaller;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}
