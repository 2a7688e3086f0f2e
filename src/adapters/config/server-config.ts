/** ServerConfig: what a process is told at its start. A reload does not change it; what differs needs a restart. */

import type { ListenAddress } from '../../core/listen-address.ts';

type RedisAddress = { readonly host: string; readonly port: number };

type RedisCredentials = { readonly username: string | undefined; readonly password: string | undefined };

/** Files hold PEM, are absolute, and were readable at load; absent = the authorities of the system, no certificate. */
export type RedisTls = {
  readonly ca_file: string | undefined;
  readonly cert_file: string | undefined;
  readonly key_file: string | undefined;
  readonly server_name: string | undefined;
};

export type RedisWhereabouts =
  | ({ readonly kind: 'server' } & RedisAddress)
  | ({
      readonly kind: 'sentinels';
      readonly nodes: readonly RedisAddress[];
      readonly master_name: string;
      readonly tls: RedisTls | undefined;
    } & RedisCredentials)
  | { readonly kind: 'cluster'; readonly nodes: readonly RedisAddress[] };

export type RedisConfig = RedisCredentials & {
  readonly where: RedisWhereabouts;
  readonly database: number;
  /** Undefined = no TLS. */
  readonly tls: RedisTls | undefined;
  readonly command_timeout_ms: number;
  readonly connect_timeout_ms: number;
  /** Nodes beside the master that hold the data and may be promoted, at least; those that are connected count anyhow. */
  readonly replicas: number;
  readonly allow_eviction: boolean;
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
  /** Undefined = none. Given, it has tokens or a client CA, and TLS where it is not of this machine. */
  readonly admin_address: Extract<ListenAddress, { readonly kind: 'tcp' }> | undefined;
  /** Absolute path; to be read at each use. */
  readonly admin_token_file: string | undefined;
  /** As `grpc_tls`. */
  readonly admin_tls:
    | {
        readonly certificate_file: string;
        readonly key_file: string;
        /** Undefined = no certificate is asked for. */
        readonly client_ca_file: string | undefined;
        /** Empty = every client that the authorities vouch for. */
        readonly client_names: readonly string[];
      }
    | undefined;
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
