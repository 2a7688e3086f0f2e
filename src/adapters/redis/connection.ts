/**
 * One connection to Redis that fails fast: nothing waits for a server that is out of reach, nothing is sent twice, every command has its
 * time. A server that is down at start, or later, is tried again for ever.
 */

import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { Redis } from 'ioredis';
import { DependencyError, type Entropy, type Logger } from '../../core/ports.ts';
import { LastingConnector } from './connector.ts';
import { dependencyError, isNoScript, isTimeout, isWrongNode } from './failures.ts';
import { hardenClients } from './harden-client.ts';
import { CONTROL_KEY, INVALIDATIONS_KEY } from './keys.ts';
import { markScript, type Script } from './scripts.ts';

/** How long a connection that is given up may take to close by itself. */
const CLOSE_WITHIN_MS = 50;
/** Of the time of a command: how long replicas may take to have what was written. */
const WAIT_SHARE = 0.8;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 500;
/** 96 random bits: no two control slots of one Redis have the same. */
const ERA_BYTES = 12;

/** As in the configuration, whose field names these are. */
export type RedisServer = {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** PEM files, read at each connection. undefined = no TLS. */
  readonly tls:
    | {
        readonly ca_file: string | undefined;
        readonly cert_file: string | undefined;
        readonly key_file: string | undefined;
        /** The name in the server's certificate; undefined = the host. */
        readonly server_name: string | undefined;
      }
    | undefined;
  /** From the write of a command to its whole reply. */
  readonly command_timeout_ms: number;
  readonly connect_timeout_ms: number;
};

export type Argument = string | number | Buffer;

export interface RedisConnection {
  /** What the script gives, after its tag. @throws DependencyError store-unavailable | store-corrupt */
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<readonly unknown[]>;
  /**
   * As run; then waits until as many replicas as `replicasOf` the reply have what this connection has written. `isOnAll`: whether they do.
   * @throws DependencyError also where the connection was lost in between, as nothing is known then
   */
  runOnAll(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    replicasOf: (reply: readonly unknown[]) => number,
  ): Promise<{ readonly reply: readonly unknown[]; readonly isOnAll: boolean }>;
  /** Whether the stream has an entry after `<seq>-0`, now or within `ms`. Takes the connection for itself. @throws DependencyError */
  hasEntryAfter(stream: string, seq: number, ms: number): Promise<boolean>;
  /** A name for a control slot that may have to be made; never the same twice. */
  newEra(): string;
  close(): Promise<void>;
}

class IoredisConnection implements RedisConnection {
  readonly #redis: Redis;
  readonly #logger: Logger;
  readonly #entropy: Entropy;
  readonly #tagPrefix: string;
  readonly #waitMs: number;
  #tagCount = 0;
  #isUp = false;
  /** So that an outage is one line in the log. */
  #isOutageTold = false;
  #isClosed = false;
  /** Since the server last answered. */
  #failures = 0;
  /** Connections that were lost. */
  #losses = 0;

  constructor(server: RedisServer, logger: Logger, entropy: Entropy) {
    this.#logger = logger;
    this.#entropy = entropy;
    this.#tagPrefix = `${Buffer.from(entropy.bytes(6)).toString('base64url')}.`;
    this.#waitMs = Math.max(1, Math.floor(server.command_timeout_ms * WAIT_SHARE));
    hardenClients();
    this.#redis = new Redis({
      host: server.host,
      port: server.port,
      db: server.database,
      username: server.username,
      password: server.password,
      tls: server.tls === undefined ? undefined : tlsOptions(server.tls, logger),
      Connector: LastingConnector,
      protocol: 2,
      disableClientInfo: true,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      commandTimeout: server.command_timeout_ms,
      socketTimeout: server.command_timeout_ms,
      connectTimeout: server.connect_timeout_ms,
      disconnectTimeout: CLOSE_WITHIN_MS,
      retryStrategy: () => this.#nextRetryMs(),
    });
    this.#redis.on('ready', () => void this.#open());
    this.#redis.on('close', () => {
      this.#losses += 1;
      this.#down('the connection is closed');
    });
    this.#redis.on('end', () => this.#restart());
    this.#redis.on('error', (error: unknown) => this.#drop(dependencyError(error, 'the connection').message));
  }

  async run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<readonly unknown[]> {
    if (!this.#isUp) throw new DependencyError('store-unavailable', 'Redis is out of reach');
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
    if (!this.#isUp) throw new DependencyError('store-unavailable', 'Redis is out of reach');
    const found = await this.#command('XREAD', ['COUNT', 1, 'BLOCK', ms, 'STREAMS', stream, `${seq}-0`]);
    return found !== null;
  }

  newEra(): string {
    return Buffer.from(this.#entropy.bytes(ERA_BYTES)).toString('base64url');
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#isUp = false;
    this.#redis.disconnect();
    return Promise.resolve();
  }

  async #send(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<readonly unknown[]> {
    this.#tagCount += 1;
    const tag = `${this.#tagPrefix}${this.#tagCount.toString(36)}`;
    const rest = [keys.length, ...keys, tag, ...args];
    const reply = await this.#evaluate(script, rest);
    // SECURITY: a reply to another command must not be taken for the answer to this one; nor may any later reply of that connection.
    if (!Array.isArray(reply) || textOf(reply[0]) !== tag) {
      this.#drop('a reply does not belong to its command');
      throw new DependencyError('store-corrupt', `Redis answers something else to ${script.name}`);
    }
    return reply.slice(1) as readonly unknown[];
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
      if (isTimeout(error) || isWrongNode(error)) this.#drop(failure.message);
      throw failure;
    }
  }

  /**
   * The server counts as reached when it has answered, not when it was connected to: one that hangs takes connections all the same. The
   * first answer also makes the control slot, so that no request ever does.
   */
  async #open(): Promise<void> {
    try {
      await this.#send(markScript, [CONTROL_KEY, INVALIDATIONS_KEY], [this.newEra()]);
    } catch (error) {
      this.#drop((error as DependencyError).message);
      return;
    }
    if (this.#isClosed) return;
    this.#isUp = true;
    this.#failures = 0;
    this.#isOutageTold = false;
    this.#logger.info({}, 'Redis is in reach');
  }

  /** Gives the connection up, and with it everything that waits on it; a new one is made. */
  #drop(reason: string): void {
    this.#down(reason);
    if (this.#redis.status === 'ready') this.#redis.disconnect(true);
  }

  #down(reason: string): void {
    this.#isUp = false;
    if (this.#isOutageTold || this.#isClosed) return;
    this.#isOutageTold = true;
    this.#logger.warn({ reason }, 'Redis is out of reach; sessions cannot be known until it is back');
  }

  #nextRetryMs(): number {
    const backoff = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    return backoff * (0.75 + Math.random() / 2);
  }

  /** The client has given up for good, as it does when it is told to close while it connects. */
  #restart(): void {
    if (this.#isClosed) return;
    setTimeout(() => {
      if (!this.#isClosed) this.#redis.connect().catch(() => undefined);
    }, this.#nextRetryMs());
  }
}

/** undefined for what is no text. */
export const textOf = (reply: unknown): string | undefined =>
  Buffer.isBuffer(reply) ? reply.toString('utf8') : undefined;

type TlsFiles = NonNullable<RedisServer['tls']>;

/** Getters, which the client asks at each connection: files that were replaced count from then on. */
function tlsOptions(files: TlsFiles, logger: Logger): ConnectionOptions {
  const ca = freshFile(files.ca_file, logger);
  const cert = freshFile(files.cert_file, logger);
  const key = freshFile(files.key_file, logger);
  return {
    minVersion: 'TLSv1.2',
    ...(files.server_name === undefined ? {} : { servername: files.server_name }),
    get ca() {
      return ca();
    },
    get cert() {
      return cert();
    },
    get key() {
      return key();
    },
  };
}

/** What the file holds now; what it held before where it cannot be read now. @throws Error where it cannot be read at all */
function freshFile(path: string | undefined, logger: Logger): () => Buffer | undefined {
  if (path === undefined) return () => undefined;
  let content = readFileSync(path);
  return () => {
    try {
      content = readFileSync(path);
    } catch {
      logger.warn({ path }, 'a TLS file for Redis cannot be read; what it held before is used');
    }
    return content;
  };
}

/** Resolves nothing by itself: the server is connected to in the background. @throws Error where a TLS file cannot be read */
export const createRedisConnection = (options: {
  readonly server: RedisServer;
  readonly logger: Logger;
  readonly entropy: Entropy;
}): RedisConnection => new IoredisConnection(options.server, options.logger, options.entropy);
