/** One node of a Redis: its data, who waits for its replicas, and which connections a restart ends. */

import type { Reply, ScriptedRedis } from './scripted-redis.ts';
import type { Cancel } from './virtual-time.ts';

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
  readonly #waiting = new Set<Waiting>();
  /** Called after every script: who waits for news. */
  readonly news = new Set<() => void>();
  /** Connections that a restart ends. */
  readonly onRestart = new Set<() => void>();

  readonly #onAppended: (seq: number) => void;

  constructor(name: number, redis: ScriptedRedis, onAppended: (seq: number) => void = () => undefined) {
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
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  /** Nobody follows it any more, until it is told whom. */
  promote(replid: string): void {
    this.#leave();
    this.redis.role = 'master';
    this.redis.replid = replid;
    this.redis.log = [];
  }

  /** As REPLICAOF: with a full copy. Who waited for its replicas waits in vain. */
  follow(source: RedisNode): void {
    for (const { done } of [...this.#waiting]) done(false);
    this.#waiting.clear();
    this.#leave();
    this.source = source;
    this.redis.role = 'replica';
    this.redis.copyFrom(source.redis);
    this.applied = source.redis.log.length;
    source.redis.connectedReplicas += 1;
    source.#has(this, this.applied);
  }

  /** Applies what it lacks of its source's writes. */
  catchUp(): void {
    const { source } = this;
    if (source === undefined) return;
    for (; this.applied < source.redis.log.length; this.applied += 1) {
      const write = source.redis.log[this.applied];
      if (write !== undefined) this.redis.apply(write);
    }
    this.redis.replid = source.redis.replid;
    source.#has(this, this.applied);
  }

  #leave(): void {
    if (this.source !== undefined) this.source.redis.connectedReplicas -= 1;
    this.source = undefined;
  }

  #has(replica: RedisNode, offset: number): void {
    for (const waiting of [...this.#waiting]) {
      if (offset < waiting.offset) continue;
      waiting.has.add(replica);
      if (waiting.has.size < waiting.replicas) continue;
      this.#waiting.delete(waiting);
      waiting.done(true);
    }
  }
}
