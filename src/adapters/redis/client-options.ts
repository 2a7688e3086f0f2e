/** How every client of ioredis is set up here: nothing waits for a server that is out of reach, nothing is sent twice, everything has its time. */

import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { RedisOptions } from 'ioredis';
import type { Logger } from '../../core/ports.ts';
import type { Credentials, RedisServer, TlsFiles } from './connection.ts';

/** How long a connection that is given up may take to close by itself. */
const CLOSE_WITHIN_MS = 50;

type ClientOptions = Omit<RedisOptions, 'replyMapping' | 'protocol'> & { readonly protocol: 2 };

export const clientOptions = (
  { username, password }: Credentials,
  times: Pick<RedisServer, 'command_timeout_ms' | 'connect_timeout_ms'>,
): ClientOptions => ({
  username,
  password,
  protocol: 2,
  disableClientInfo: true,
  enableReadyCheck: false,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  commandTimeout: times.command_timeout_ms,
  socketTimeout: times.command_timeout_ms,
  connectTimeout: times.connect_timeout_ms,
  disconnectTimeout: CLOSE_WITHIN_MS,
});

/** Getters, which are asked at each connection: files that were replaced count from then on. @throws Error where one cannot be read */
export function tlsOptions(files: TlsFiles, logger: Logger): ConnectionOptions {
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
