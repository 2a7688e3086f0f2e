/** Nodes of one Redis: a master with replicas that lag, promotions that lose what they lack, an old master that lives on for a while. */

import type { Climate } from './climate.ts';
import type { Random } from './random.ts';
import type { Reply, ScriptedRedis } from './scripted-redis.ts';
import type { FaultCounts } from './tally.ts';
import type { Cancel, VirtualTime } from './virtual-time.ts';

/** Somebody waits until as many replicas have the first `offset` writes. */
type Waiting = {
  readonly offset: number;
  readonly replicas: number;
  readonly has: Set<RedisNode>;
  readonly done: (isReached: boolean) => void;
};

export class RedisNode {
  readonly redis: ScriptedRedis;
  readonly name: number;
  source: RedisNode | undefined;
  /** Of the source's log. */
  applied = 0;
  waiting = new Set<Waiting>();
  /** Called after every script: who waits for news. */
  readonly news = new Set<() => void>();
  /** Connections that a restart ends. */
  readonly onRestart = new Set<() => void>();

  readonly #onAppended: (seq: number) => void;

  constructor(name: number, redis: ScriptedRedis, onAppended: (seq: number) => void) {
    this.name = name;
    this.redis = redis;
    this.#onAppended = onAppended;
  }

  run(script: string, keys: readonly string[], args: readonly (string | number | Buffer)[]): Reply {
    const before = this.redis.stream.at(-1)?.seq;
    const reply = this.redis.run(script, keys, args);
    const newest = this.redis.stream.at(-1)?.seq;
    if (newest !== undefined && newest !== before) this.#onAppended(newest);
    for (const tell of [...this.news]) tell();
    return reply;
  }

  wait(replicas: number, done: (isReached: boolean) => void): Cancel {
    const waiting: Waiting = { offset: this.redis.log.length, replicas, has: new Set(), done };
    this.waiting.add(waiting);
    return () => this.waiting.delete(waiting);
  }

  has(replica: RedisNode, offset: number): void {
    for (const waiting of [...this.waiting]) {
      if (offset < waiting.offset) continue;
      waiting.has.add(replica);
      if (waiting.has.size < waiting.replicas) continue;
      this.waiting.delete(waiting);
      waiting.done(true);
    }
  }
}

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
    for (const node of this.nodes) if (node !== first) this.#attach(node, first);
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
    this.#detach(next);
    next.redis.role = 'master';
    if (!this.#options.keepsReplid) next.redis.replid = this.#newReplid();
    next.redis.log = [];
    this.elected = next;
    const rest = this.nodes.filter((node) => node !== next);
    let left = rest.length;
    for (const node of rest) {
      time.after(random.between(...climate.splitMs), () => {
        if (node === old) this.#demote(node);
        this.#detach(node);
        this.#attach(node, next);
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

  #demote(node: RedisNode): void {
    node.redis.role = 'replica';
    for (const { done } of [...node.waiting]) done(false);
    node.waiting.clear();
  }

  #attach(node: RedisNode, source: RedisNode): void {
    node.source = source;
    node.redis.role = 'replica';
    node.redis.copyFrom(source.redis);
    node.applied = source.redis.log.length;
    source.redis.connectedReplicas = this.nodes.filter((each) => each.source === source).length;
    source.has(node, node.applied);
  }

  #detach(node: RedisNode): void {
    const { source } = node;
    node.source = undefined;
    if (source !== undefined) {
      source.redis.connectedReplicas = this.nodes.filter((each) => each.source === source).length;
    }
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
      const { source } = node;
      if (source !== undefined) {
        for (; node.applied < source.redis.log.length; node.applied += 1) {
          const write = source.redis.log[node.applied];
          if (write !== undefined) node.redis.apply(write);
        }
        node.redis.replid = source.redis.replid;
        source.has(node, node.applied);
      }
      this.#replicate(node);
    });
  }

  #newReplid(): string {
    this.#histories += 1;
    return `history-${this.#histories}`;
  }
}
