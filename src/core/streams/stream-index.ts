/** StreamIndex: the streams that are held, found by what covers them without a search. Bounded by count and by weight. No I/O, no clock. */

import type { Cover } from '../revocation/invalidation.ts';

export type Indexed = {
  /** The invalidations that concern it; may change while it is held. */
  covers: readonly Cover[];
  /** Bytes that it takes, about. */
  readonly weight: number;
};

export type StreamBounds = { readonly streamsMax: number; readonly weightMax: number };

export class StreamIndex<Stream extends Indexed> {
  readonly #bounds: StreamBounds;
  readonly #streams = new Set<Stream>();
  readonly #covered = new Map<Cover, Set<Stream>>();
  #weight = 0;

  constructor(bounds: StreamBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** False where there is no room; nothing is dropped for it. */
  add(stream: Stream): boolean {
    const { streamsMax, weightMax } = this.#bounds;
    if (this.#streams.size >= streamsMax || this.#weight + stream.weight > weightMax) return false;
    this.#streams.add(stream);
    this.#weight += stream.weight;
    this.#cover(stream);
    return true;
  }

  has(stream: Stream): boolean {
    return this.#streams.has(stream);
  }

  /** False where it was not there any more. */
  delete(stream: Stream): boolean {
    if (!this.#streams.delete(stream)) return false;
    this.#weight -= stream.weight;
    this.#uncover(stream);
    return true;
  }

  /** It rests on something else from now on. */
  recover(stream: Stream, covers: readonly Cover[]): void {
    if (!this.#streams.has(stream) || isSame(stream.covers, covers)) return;
    this.#uncover(stream);
    stream.covers = covers;
    this.#cover(stream);
  }

  /** Those that name this cover, as they are now. */
  covered(cover: Cover): readonly Stream[] {
    return [...(this.#covered.get(cover) ?? [])];
  }

  /** As they are now. */
  all(): readonly Stream[] {
    return [...this.#streams];
  }

  #cover(stream: Stream): void {
    for (const cover of stream.covers) {
      const covered = this.#covered.get(cover);
      if (covered === undefined) this.#covered.set(cover, new Set([stream]));
      else covered.add(stream);
    }
  }

  #uncover(stream: Stream): void {
    for (const cover of stream.covers) {
      const covered = this.#covered.get(cover);
      covered?.delete(stream);
      if (covered?.size === 0) this.#covered.delete(cover);
    }
  }
}

const isSame = (one: readonly Cover[], other: readonly Cover[]): boolean =>
  one.length === other.length && one.every((cover, place) => cover === other[place]);
