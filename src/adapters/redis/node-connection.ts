/**
 * One connection to one node of Redis that fails fast. It is a circuit: any silence, or a connection that is lost, opens it, and everything is
 * refused at once until a command of its own (half-open) was answered. A node that is down at start, or later, is tried again for ever.
 */

import { Redis } from 'ioredis';
import { DependencyError, isDependencyError, type Entropy, type Logger } from '../../core/ports.ts';
import { clientOptions, tlsOptions } from './client-options.ts';
import type { Address, Argument, Circuit, LinkParts, LinkState, RedisLink, RedisServer } from './connection.ts';
import { connectorBy } from './connector.ts';
import {
  corruptionOf,
  dependencyError,
  isElsewhere,
  isForbidden,
  isNoScript,
  isTimeout,
  isWrongNode,
} from './failures.ts';
import { watchReply } from './corruption.ts';
import { hardenClients } from './harden-client.ts';
import { greetingOf, HELLO_ARGS, helloScript } from './hello.ts';
import { CONTROL_KEY, INVALIDATIONS_KEY } from './keys.ts';
import { markScript, type Script } from './scripts.ts';

/** Of the time of a command: how long replicas may take to have what was written. */
const WAIT_SHARE = 0.8;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 500;
/** 96 random bits: no two control slots of one Redis have the same. */
const ERA_BYTES = 12;

export type NodeOptions = LinkParts & {
  readonly server: Omit<RedisServer, 'where'>;
  /** Where the node is; asked at each connection. */
  readonly locate: () => Promise<Address>;
  /** Whether the node is known to hold the control slot; then the first answer also makes it, so that no request ever does. */
  readonly holdsControl: () => boolean;
  /** The node, or that what was asked for is on it, is not as it was thought to be. */
  readonly onAstray: () => void;
};

export class NodeConnection implements RedisLink {
  readonly #redis: Redis;
  readonly #options: NodeOptions;
  readonly #logger: Logger;
  readonly #tagPrefix: string;
  readonly #waitMs: number;
  readonly #judged: Promise<string | undefined>;
  #judge: (refusal: string | undefined) => void = () => undefined;
  #tagCount = 0;
  #circuit: Circuit = 'open';
  #openings = 0;
  #isEvicting = false;
  /** So that a node that evicts is one line in the log, however often it is tried. */
  #isEvictionTold = false;
  /** So that an outage is one line in the log. */
  #isOutageTold = false;
  #isClosed = false;
  /** Since the node last answered. */
  #failures = 0;
  /** Connections that were lost. */
  #losses = 0;

  constructor(options: NodeOptions) {
    const { server, logger, entropy, locate } = options;
    this.#options = options;
    this.#logger = logger;
    this.#tagPrefix = `${Buffer.from(entropy.bytes(6)).toString('base64url')}.`;
    this.#waitMs = Math.max(1, Math.floor(server.command_timeout_ms * WAIT_SHARE));
    this.#judged = new Promise((resolve) => {
      this.#judge = resolve;
    });
    hardenClients();
    this.#redis = new Redis({
      ...clientOptions(server, server),
      db: server.database,
      tls: server.tls === undefined ? undefined : tlsOptions(server.tls, logger),
      Connector: connectorBy(locate),
      retryStrategy: () => this.#nextRetryMs(),
    });
    this.#redis.on('ready', () => void this.#greet());
    this.#redis.on('close', () => {
      this.#losses += 1;
      this.#open('the connection is closed');
    });
    this.#redis.on('end', () => this.#restart());
    this.#redis.on('error', (error: unknown) => this.#drop(dependencyError(error, 'the connection').message));
  }

  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<readonly unknown[]> {
    this.#assertClosed();
    return this.#send(script, keys, args);
  }

  async runOnAll(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    replicasOf: (reply: readonly unknown[]) => number,
  ): Promise<{ readonly reply: readonly unknown[]; readonly isOnAll: boolean }> {
    const losses = this.#losses;
    const reply = await this.run(script, keys, args);
    const replicas = replicasOf(reply);
    if (replicas === 0) return { reply, isOnAll: true };
    // WAIT speaks of what its own connection has written; on another one it would be content at once.
    if (this.#losses !== losses) throw new DependencyError('store-unavailable', 'the connection to Redis was lost');
    const reached = await this.#command('WAIT', [replicas, this.#waitMs]);
    return { reply, isOnAll: typeof reached === 'number' && reached >= replicas };
  }

  async hasEntryAfter(stream: string, seq: number, ms: number): Promise<boolean> {
    this.#assertClosed();
    const found = await this.#command('XREAD', ['COUNT', 1, 'BLOCK', ms, 'STREAMS', stream, `${seq}-0`]);
    return found !== null;
  }

  newEra(): string {
    return newEraOf(this.#options.entropy);
  }

  state(): LinkState {
    return { circuits: [this.#circuit], openings: this.#openings, evicting: Number(this.#isEvicting) };
  }

  refusal(): Promise<string | undefined> {
    return this.#judged;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#circuit = 'open';
    this.#judge(undefined);
    this.#redis.disconnect();
    return Promise.resolve();
  }

  #isIn(circuit: Circuit): boolean {
    return this.#circuit === circuit;
  }

  #assertClosed(): void {
    if (!this.#isIn('closed')) throw new DependencyError('store-unavailable', 'Redis is out of reach');
  }

  async #send(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<readonly unknown[]> {
    this.#tagCount += 1;
    const tag = `${this.#tagPrefix}${this.#tagCount.toString(36)}`;
    const rest = [keys.length, ...keys, tag, ...args];
    const reply = await this.#evaluate(script, rest);
    const corrupt = (): void => this.#options.onCorrupt({ asked: script.name, fault: 'reply' });
    // SECURITY: a reply to another command must not be taken for the answer to this one; nor may any later reply of that connection.
    if (!Array.isArray(reply) || textOf(reply[0]) !== tag) {
      this.#drop('a reply does not belong to its command');
      corrupt();
      throw new DependencyError('store-corrupt', `Redis answers something else to ${script.name}`);
    }
    const told: readonly unknown[] = reply.slice(1);
    watchReply(told, corrupt);
    return told;
  }

  #evaluate(script: Script, rest: readonly Argument[]): Promise<unknown> {
    return this.#orDrop(script.name, () =>
      this.#redis.callBuffer('EVALSHA', [script.sha, ...rest]).catch((error: unknown) => {
        if (!isNoScript(error)) throw error;
        return this.#redis.callBuffer('EVAL', [script.lua, ...rest]);
      }),
    );
  }

  #command(name: string, args: readonly Argument[]): Promise<unknown> {
    return this.#orDrop(name, () => this.#redis.callBuffer(name, [...args]));
  }

  async #orDrop(what: string, send: () => Promise<unknown>): Promise<unknown> {
    try {
      return await send();
    } catch (error) {
      const failure = dependencyError(error, what);
      const fault = corruptionOf(error);
      if (fault !== undefined) this.#options.onCorrupt({ asked: what, fault });
      if (isForbidden(error)) this.#judge(failure.message);
      // What is forbidden is told once, and asked about again with each connection.
      if (isTimeout(error) || isWrongNode(error) || isForbidden(error)) this.#drop(failure.message);
      if (isWrongNode(error) || isElsewhere(error)) this.#options.onAstray();
      throw failure;
    }
  }

  /** A node counts as reached when it has answered, not when it was connected to: one that hangs takes connections all the same. */
  async #greet(): Promise<void> {
    if (this.#isClosed) return;
    this.#circuit = 'half-open';
    try {
      const { forbidden, eviction } = greetingOf(await this.#send(helloScript, [], HELLO_ARGS));
      this.#noteEviction(eviction);
      const refusal = forbidden ?? (this.#options.server.allow_eviction ? undefined : eviction);
      if (refusal !== undefined) {
        this.#judge(refusal);
        throw new DependencyError('store-unavailable', refusal);
      }
      if (this.#options.holdsControl()) await this.#openControl();
    } catch (error) {
      this.#drop(isDependencyError(error) ? error.message : 'a fault in Doorward');
      return;
    }
    // Meanwhile the connection may have been lost, or dropped.
    if (!this.#isIn('half-open')) return;
    this.#circuit = 'closed';
    this.#failures = 0;
    this.#isOutageTold = false;
    this.#judge(undefined);
    this.#logger.info({}, 'Redis is in reach');
  }

  /** A node whose control slot is damaged is in reach: whoever asks for what rests on that slot is told that it is damaged. */
  async #openControl(): Promise<void> {
    try {
      await this.#send(markScript, [CONTROL_KEY, INVALIDATIONS_KEY], [this.newEra()]);
    } catch (error) {
      if (!isDependencyError(error) || error.code !== 'store-corrupt') throw error;
    }
  }

  #noteEviction(eviction: string | undefined): void {
    this.#isEvicting = eviction !== undefined;
    if (eviction !== undefined && !this.#isEvictionTold)
      this.#logger.warn({ reason: eviction }, 'Redis is not set up to keep what it is given');
    this.#isEvictionTold = this.#isEvicting;
  }

  /** Gives the connection up, and with it everything that waits on it; a new one is made. */
  #drop(reason: string): void {
    this.#open(reason);
    if (this.#redis.status === 'ready') this.#redis.disconnect(true);
  }

  #open(reason: string): void {
    if (this.#circuit === 'closed') this.#openings += 1;
    this.#circuit = 'open';
    this.#judge(undefined);
    if (!this.#isClosed) this.#options.onAstray();
    if (this.#isOutageTold || this.#isClosed) return;
    this.#isOutageTold = true;
    this.#logger.warn({ reason }, 'Redis is out of reach; sessions cannot be known until it is back');
  }

  #nextRetryMs(): number {
    const backoff = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return backoff * (0.75 + Math.random() / 2);
  }

  /** The client has given up for good, as it does when it is told to close while it connects, or where it cannot learn where to. */
  #restart(): void {
    if (this.#isClosed) return;
    setTimeout(() => {
      if (!this.#isClosed) this.#redis.connect().catch(() => undefined);
    }, this.#nextRetryMs());
  }
}

export const newEraOf = (entropy: Entropy): string => Buffer.from(entropy.bytes(ERA_BYTES)).toString('base64url');

/** undefined for what is no text. */
const textOf = (reply: unknown): string | undefined => (Buffer.isBuffer(reply) ? reply.toString('utf8') : undefined);
