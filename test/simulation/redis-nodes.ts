/** Nodes of one Redis: a master with replicas that lag, promotions that lose what they lack, an old master that lives on for a while. */

import type { Climate } from './climate.ts';
import type { Random } from './random.ts';
import { RedisNode } from './redis-node.ts';
import type { ScriptedRedis } from './scripted-redis.ts';
import type { FaultCounts } from './tally.ts';
import type { VirtualTime } from './virtual-time.ts';

export type NodesOptions = {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly count: number;
  readonly create: (replid: string) => ScriptedRedis;
  /** A promotion does not change what the data set calls its history. */
  readonly keepsReplid: boolean;
  readonly climate: Pick<Climate, 'trimChance' | 'lagChance' | 'splitMs' | 'strayChance'>;
  readonly faults: Pick<FaultCounts, 'failOvers' | 'lossyFailOvers'>;
};

export class RedisNodes {
  readonly #options: NodesOptions;
  readonly nodes: readonly RedisNode[];
  /** What clients are told is the master. */
  elected: RedisNode;
  #histories = 0;
  #isChangingOver = false;

  constructor(options: NodesOptions) {
    this.#options = options;
    const { random, climate } = options;
    this.nodes = Array.from({ length: options.count }, (_, name) => {
      const redis = options.create(this.#newReplid());
      return new RedisNode(name, redis, (seq) => {
        if (random.chance(climate.trimChance)) redis.trim(seq);
      });
    });
    const [first] = this.nodes;
    if (first === undefined) throw new Error('no node');
    this.elected = first;
    for (const node of this.nodes) if (node !== first) node.follow(first);
    for (const node of this.nodes) this.#replicate(node);
  }

  /** Loses no data; every connection, and the name of the history. */
  restart(): void {
    const { redis, onRestart } = this.elected;
    redis.replid = this.#newReplid();
    for (const end of [...onRestart]) end();
  }

  /** Any replica is promoted, however far it is. The old master goes on until it hears of it. */
  failOver(): void {
    const { time, random, climate, faults } = this.#options;
    const replicas = this.nodes.filter(({ source }) => source !== undefined);
    if (this.#isChangingOver || replicas.length === 0) return;
    this.#isChangingOver = true;
    const old = this.elected;
    const next = random.pick(replicas);
    faults.failOvers += 1;
    if (next.applied < old.redis.log.length) faults.lossyFailOvers += 1;
    next.promote(this.#options.keepsReplid ? next.redis.replid : this.#newReplid());
    this.elected = next;
    const rest = this.nodes.filter((node) => node !== next);
    let left = rest.length;
    for (const node of rest) {
      time.after(random.between(...climate.splitMs), () => {
        node.follow(next);
        left -= 1;
        if (left === 0) this.#isChangingOver = false;
      });
    }
  }

  /** The master that a process would find now; it may be an old one. */
  find(): RedisNode {
    const { random, climate } = this.#options;
    return random.chance(climate.strayChance) ? random.pick(this.nodes) : this.elected;
  }

  /** Which node a connection reaches: mostly that which its process has found, as long as it is a master. */
  reach(found: RedisNode): RedisNode {
    const { random, climate } = this.#options;
    if (random.chance(climate.strayChance / 2)) return random.pick(this.nodes);
    return found.redis.role === 'master' ? found : this.elected;
  }

  #replicate(node: RedisNode): void {
    const { time, random, climate } = this.#options;
    if (this.nodes.length === 1) {
      // Nobody applies it.
      time.after(1000, () => {
        node.redis.log = [];
        this.#replicate(node);
      });
      return;
    }
    time.after(random.chance(climate.lagChance) ? random.between(50, 700) : random.between(0.2, 4), () => {
      node.catchUp();
      this.#replicate(node);
    });
  }

  #newReplid(): string {
    this.#histories += 1;
    return `history-${this.#histories}`;
  }
}
