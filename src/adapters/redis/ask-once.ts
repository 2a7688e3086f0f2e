/** One question to one server, on a connection of its own that is given up afterwards: to sentinels, and to a Cluster about itself. */

import { Redis } from 'ioredis';
import { clientOptions, tlsOptions } from './client-options.ts';
import type { Address, Credentials, RedisServer, TlsFiles } from './connection.ts';
import { LastingConnector } from './connector.ts';
import { dependencyError } from './failures.ts';
import { hardenClients } from './harden-client.ts';
import type { Logger } from '../../core/ports.ts';

export type AskedServers = Credentials &
  Pick<RedisServer, 'command_timeout_ms' | 'connect_timeout_ms'> & {
    readonly tls: TlsFiles | undefined;
    readonly logger: Logger;
  };

export type AskOnce = (address: Address, command: string, args: readonly string[]) => Promise<unknown>;

/** Texts in replies come as Buffers. The question rejects with DependencyError. @throws Error where a TLS file cannot be read */
export function createAskOnce(servers: AskedServers): AskOnce {
  const tls = servers.tls === undefined ? undefined : tlsOptions(servers.tls, servers.logger);
  // Together no longer than a command may take: while this goes on nothing can be known.
  const times = { ...servers, connect_timeout_ms: Math.min(servers.connect_timeout_ms, servers.command_timeout_ms) };
  hardenClients();
  return async ({ host, port }, command, args) => {
    const redis = new Redis({
      ...clientOptions(servers, times),
      ...{ host, port, tls, Connector: LastingConnector },
      lazyConnect: true,
      retryStrategy: () => null,
    });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await redis.callBuffer(command, [...args]);
    } catch (error) {
      throw dependencyError(error, command);
    } finally {
      redis.disconnect();
    }
  };
}
