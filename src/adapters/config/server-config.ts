/** ServerConfig: what a process is told at its start. A reload does not change it; what differs needs a restart. */

import type { ListenAddress } from '../../core/listen-address.ts';

export type RedisConfig = {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Undefined = no TLS. Files hold PEM, are absolute, and were readable at load; absent = the authorities of the system, no certificate. */
  readonly tls:
    | {
        readonly ca_file: string | undefined;
        readonly cert_file: string | undefined;
        readonly key_file: string | undefined;
        readonly server_name: string | undefined;
      }
    | undefined;
  readonly command_timeout_ms: number;
  readonly connect_timeout_ms: number;
};

export type ServerConfig = {
  readonly grpc_address: ListenAddress;
  /** Absolute paths of PEM files that were readable and sound at load; to be read anew when they change. */
  readonly grpc_tls:
    | {
        readonly certificate_file: string;
        readonly key_file: string;
        readonly client_ca_file: string;
        /** Empty = every client that the authorities vouch for. */
        readonly spiffe_ids: readonly string[];
      }
    | undefined;
  readonly grpc_insecure: boolean;
  readonly ops_address: ListenAddress;
  /** Undefined = none. */
  readonly admin_socket: string | undefined;
  readonly session_store: 'memory' | 'redis';
  /** Given exactly when `session_store` is `redis`. */
  readonly redis: RedisConfig | undefined;
  /** 1 with the memory store. */
  readonly workers: number;
  readonly log_level: 'debug' | 'info' | 'warn' | 'error';
  readonly checks_in_flight_max: number;
  readonly audit: {
    /** `stdout`, `stderr`, or the absolute path of a file that is appended to. */
    readonly destination: string;
  };
};

/** The keys that differ, for the line in the log that says what waits for a restart. */
export const changedServerKeys = (before: ServerConfig, after: ServerConfig): readonly (keyof ServerConfig)[] =>
  (Object.keys(after) as (keyof ServerConfig)[]).filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
