/**
 * The connection of src/adapters/redis/connection.ts, played: requests and replies in order within one connection and in any order between them,
 * each with its delay; deadlines by the process's own timers; a connection that is lost takes its replies with it, and perhaps not its requests.
 */

import type { Argument, RedisConnection } from '../../src/adapters/redis/connection.ts';
import type { Script } from '../../src/adapters/redis/scripts.ts';
import { DependencyError } from '../../src/core/ports.ts';
import type { Machine } from './machine.ts';
import type { Random } from './random.ts';
import type { Courier, Message, Weather } from './courier.ts';
import type { RedisNode } from './redis-node.ts';
import { RedisReplyError, type Reply } from './scripted-redis.ts';
import type { FaultCounts } from './tally.ts';
import type { VirtualTime } from './virtual-time.ts';

export type Network = {
  readonly time: VirtualTime;
  readonly random: Random;
  /** Which node a connection reaches. */
  readonly nodes: { reach(found: RedisNode): RedisNode };
  readonly courier: Courier;
  readonly onSend: (script: string, node: RedisNode, machine: Machine) => void;
  /** Whether the replies to WAIT are looked at. */
  readonly isWaited: (script: string) => boolean;
  /** Whether connections stay with a node that is no master. */
  readonly keepsReplicas: boolean;
  readonly faults: Pick<FaultCounts, 'reordered' | 'connectionsLost'>;
};

const unavailable = (message: string): DependencyError => new DependencyError('store-unavailable', message);

export class SimulatedConnection implements RedisConnection {
  readonly #network: Network;
  readonly #machine: Machine;
  readonly #weather: Weather;
  readonly #source: string;
  readonly #deadlineMs: number;
  #node: RedisNode | undefined;
  /** Counts connections: what belongs to an older one comes too late. */
  #epoch = 0;
  #isClosed = false;
  #lastRequestAt = 0;
  #lastReplyAt = 0;
  readonly #pending = new Set<(error: DependencyError) => void>();
  #forget: () => void = () => undefined;

  constructor(options: {
    readonly network: Network;
    readonly machine: Machine;
    readonly weather: Weather;
    readonly source: string;
    readonly deadlineMs: number;
  }) {
    this.#network = options.network;
    this.#machine = options.machine;
    this.#weather = options.weather;
    this.#source = options.source;
    this.#deadlineMs = options.deadlineMs;
    this.#connect();
  }

  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply> {
    return this.#ask(script.name, (node) => node.run(script.name, keys, args));
  }

  async runOnAll(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    replicasOf: (reply: Reply) => number,
  ): Promise<{ readonly reply: Reply; readonly isOnAll: boolean }> {
    const epoch = this.#epoch;
    const reply = await this.run(script, keys, args);
    const replicas = replicasOf(reply);
    if (replicas === 0 || !this.#network.isWaited(script.name)) return { reply, isOnAll: true };
    if (this.#epoch !== epoch) throw unavailable('lost');
    return { reply, isOnAll: await this.#wait(replicas) };
  }

  hasEntryAfter(_stream: string, seq: number, ms: number): Promise<boolean> {
    return this.#request<boolean>('news', ms + this.#deadlineMs, (node, done) => {
      if (node.redis.hasEntryAfter(seq)) {
        done(() => true);
        return;
      }
      const tell = (): void => {
        if (!node.redis.hasEntryAfter(seq)) return;
        node.news.delete(tell);
        done(() => true);
      };
      node.news.add(tell);
      this.#network.time.after(ms, () => {
        if (node.news.delete(tell)) done(() => false);
      });
    });
  }

  newEra(): string {
    return Buffer.from(this.#network.random.bytes(6)).toString('hex');
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.lose();
    return Promise.resolve();
  }

  /** The connection is gone, and a new one is sought. */
  lose(): void {
    this.#epoch += 1;
    if (this.#node !== undefined) this.#network.faults.connectionsLost += 1;
    this.#node = undefined;
    this.#forget();
    for (const fail of [...this.#pending]) fail(unavailable('lost'));
    if (!this.#isClosed) this.#network.time.after(this.#network.random.between(1, 60), () => this.#connect());
  }

  #connect(): void {
    const { nodes, keepsReplicas, time, random } = this.#network;
    if (this.#isClosed || this.#node !== undefined) return;
    const node = nodes.reach(this.#weather.found);
    const isUsable = node.redis.role === 'master' || keepsReplicas;
    const delayMs = isUsable ? this.#carry('connect', '') : undefined;
    if (delayMs === undefined) {
      time.after(random.between(20, 100), () => this.#connect());
      return;
    }
    const epoch = this.#epoch;
    const lose = (): void => this.lose();
    node.onRestart.add(lose);
    this.#forget = () => node.onRestart.delete(lose);
    time.after(delayMs, () =>
      this.#machine.receive(this.#source, () => {
        if (this.#epoch === epoch && !this.#isClosed) this.#node = node;
      }),
    );
  }

  #ask(name: string, run: (node: RedisNode) => Reply): Promise<Reply> {
    return this.#request<Reply>(name, this.#deadlineMs, (node, done) => {
      let outcome: () => Reply;
      try {
        const reply = run(node);
        outcome = () => reply;
      } catch (error) {
        if (!(error instanceof RedisReplyError)) throw error;
        outcome = () => {
          throw error;
        };
      }
      done(outcome);
    });
  }

  #wait(replicas: number): Promise<boolean> {
    return this.#request<boolean>('wait', this.#deadlineMs + 400, (node, done) => {
      const end = this.#network.time.after(400, () => {
        giveUp();
        done(() => false);
      });
      const giveUp = node.wait(replicas, (isReached) => {
        end();
        done(() => {
          if (!isReached) throw new RedisReplyError('UNBLOCKED');
          return true;
        });
      });
    });
  }

  /** `execute` runs at the node; `done` sends its outcome back. */
  #request<T>(
    name: string,
    deadlineMs: number,
    execute: (node: RedisNode, done: (outcome: () => T) => void) => void,
  ): Promise<T> {
    const { time, random, onSend, faults } = this.#network;
    const { traffic } = this.#weather;
    const node = this.#node;
    if (node === undefined || this.#isClosed) return Promise.reject(unavailable('down'));
    const epoch = this.#epoch;
    onSend(name, node, this.#machine);
    traffic.sent += 1;
    const order = traffic.sent;
    return new Promise<T>((resolve, reject) => {
      const settle = (how: () => void): void => {
        this.#pending.delete(fail);
        callOff();
        how();
      };
      const fail = (error: DependencyError): void => settle(() => reject(error));
      this.#pending.add(fail);
      const callOff = this.#machine.timers.after(deadlineMs, () => {
        if (this.#epoch === epoch) this.lose();
      });
      const delayMs = this.#carry('request', name);
      if (delayMs === undefined) return;
      this.#lastRequestAt = Math.max(this.#lastRequestAt, time.nowMs + delayMs);
      time.at(this.#lastRequestAt, () => {
        // What was on the way when the connection was lost may still arrive.
        if (this.#epoch !== epoch && random.chance(0.4)) return;
        if (order < traffic.newest) faults.reordered += 1;
        traffic.newest = Math.max(traffic.newest, order);
        execute(node, (outcome) => {
          const backMs = this.#epoch === epoch ? this.#carry('reply', name) : undefined;
          if (backMs === undefined) return;
          this.#lastReplyAt = Math.max(this.#lastReplyAt, time.nowMs + backMs);
          time.at(this.#lastReplyAt, () =>
            this.#machine.receive(this.#source, () => {
              if (this.#epoch !== epoch) return;
              settle(() => {
                try {
                  resolve(outcome());
                } catch (error) {
                  reject(unavailable(String(error)));
                  this.lose();
                }
              });
            }),
          );
        });
      });
    });
  }

  #carry(way: Message['way'], name: string): number | undefined {
    return this.#network.courier({ way, name, weather: this.#weather });
  }
}
