/**
 * A Cluster as one connection: each script goes to the node that has the slot of its keys, and what must follow it (WAIT) on the very connection
 * that it went by. Nothing is followed or sent again: what is elsewhere by now is unavailable until the map says where.
 */

import { DependencyError } from '../../core/ports.ts';
import type { ClusterMap } from './cluster-map.ts';
import { nameOf, slotOf } from './cluster-slots.ts';
import type { Address, Argument, LinkState, RedisLink } from './connection.ts';
import { CONTROL_KEY } from './keys.ts';
import type { Script } from './scripts.ts';

const CONTROL_SLOT = slotOf(CONTROL_KEY);
/** How long the first look at a Cluster may hold up what waits for a judgement of its nodes. */
const NODES_WITHIN_MS = 1000;

export class ClusterConnection implements RedisLink {
  readonly #map: ClusterMap;
  readonly #connect: (node: Address, holdsControl: () => boolean) => RedisLink;
  readonly #isForControlOnly: boolean;
  readonly #nodes = new Map<string, RedisLink>();
  readonly #unfollow: () => void;
  readonly #newEra: () => string;
  readonly #isKnown: Promise<void>;
  #know: () => void = () => undefined;
  #openingsOfFormer = 0;
  #isClosed = false;

  constructor(options: {
    readonly map: ClusterMap;
    readonly connect: (node: Address, holdsControl: () => boolean) => RedisLink;
    /** Nothing but the control slot is asked for by it. */
    readonly isForControlOnly: boolean;
    readonly newEra: () => string;
  }) {
    this.#map = options.map;
    this.#connect = options.connect;
    this.#isForControlOnly = options.isForControlOnly;
    this.#newEra = options.newEra;
    this.#isKnown = new Promise((resolve) => {
      this.#know = resolve;
      setTimeout(resolve, NODES_WITHIN_MS).unref();
    });
    this.#unfollow = this.#map.follow(() => this.#adapt());
    this.#adapt();
  }

  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<readonly unknown[]> {
    return this.#within(keys[0], (node) => node.run(script, keys, args));
  }

  runOnAll(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    replicasOf: (reply: readonly unknown[]) => number,
  ): Promise<{ readonly reply: readonly unknown[]; readonly isOnAll: boolean }> {
    return this.#within(keys[0], (node) => node.runOnAll(script, keys, args, replicasOf));
  }

  hasEntryAfter(stream: string, seq: number, ms: number): Promise<boolean> {
    return this.#within(stream, (node) => node.hasEntryAfter(stream, seq, ms));
  }

  newEra(): string {
    return this.#newEra();
  }

  state(): LinkState {
    const states = [...this.#nodes.values()].map((node) => node.state());
    return {
      circuits: states.length === 0 ? ['open'] : states.flatMap(({ circuits }) => circuits),
      openings: states.reduce((sum, { openings }) => sum + openings, this.#openingsOfFormer),
      evicting: states.reduce((sum, { evicting }) => sum + evicting, 0),
    };
  }

  async refusal(): Promise<string | undefined> {
    await this.#isKnown;
    const refusals = await Promise.all([...this.#nodes.values()].map((node) => node.refusal()));
    return refusals.find((refusal) => refusal !== undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unfollow();
    await Promise.all([...this.#nodes.values()].map((node) => node.close()));
  }

  #within<T>(key: string | undefined, ask: (node: RedisLink) => Promise<T>): Promise<T> {
    const owner = key === undefined ? undefined : this.#map.ownerOf(slotOf(key));
    const node = owner === undefined ? undefined : this.#nodes.get(nameOf(owner));
    if (node !== undefined && !this.#isClosed) return ask(node);
    if (!this.#isClosed) this.#map.look();
    const reason = `no node of Redis is known to have the slot (${this.#map.trouble})`;
    return Promise.reject(new DependencyError('store-unavailable', reason));
  }

  /** Connections to those that have slots, and to nobody else. */
  #adapt(): void {
    if (this.#isClosed) return;
    const control = this.#map.ownerOf(CONTROL_SLOT);
    const wanted = this.#isForControlOnly ? [control].filter((node) => node !== undefined) : this.#map.masters();
    const names = new Set(wanted.map(nameOf));
    for (const [name, node] of this.#nodes) {
      if (names.has(name)) continue;
      this.#nodes.delete(name);
      this.#openingsOfFormer += node.state().openings;
      void node.close();
    }
    for (const node of wanted) {
      const name = nameOf(node);
      if (this.#nodes.has(name)) continue;
      this.#nodes.set(
        name,
        this.#connect(node, () => this.#holdsControl(name)),
      );
    }
    if (wanted.length > 0) this.#know();
  }

  #holdsControl(name: string): boolean {
    const control = this.#map.ownerOf(CONTROL_SLOT);
    return control !== undefined && nameOf(control) === name;
  }
}
