/** How the rest of this adapter speaks to Redis, whether that is one server, one that sentinels name, or a Cluster. */

import type { Entropy, Logger } from '../../core/ports.ts';
import type { Corruption } from './corruption.ts';
import type { Script } from './scripts.ts';

export type Address = { readonly host: string; readonly port: number };

/** PEM files, read at each connection. */
export type TlsFiles = {
  /** undefined = the authorities of the system. */
  readonly ca_file: string | undefined;
  readonly cert_file: string | undefined;
  readonly key_file: string | undefined;
  /** The name in the server's certificate; undefined = the host. */
  readonly server_name: string | undefined;
};

export type Credentials = { readonly username: string | undefined; readonly password: string | undefined };

export type Whereabouts =
  | ({ readonly kind: 'server' } & Address)
  /** The sentinels, and the name under which they know the master. Their credentials and TLS are their own. */
  | ({
      readonly kind: 'sentinels';
      readonly nodes: readonly Address[];
      readonly master_name: string;
      readonly tls: TlsFiles | undefined;
    } & Credentials)
  /** Nodes to ask for the others. */
  | { readonly kind: 'cluster'; readonly nodes: readonly Address[] };

/** As in the configuration, whose field names these are. Credentials, database and TLS are those of the nodes that hold the data. */
export type RedisServer = Credentials & {
  readonly where: Whereabouts;
  readonly database: number;
  /** undefined = no TLS. */
  readonly tls: TlsFiles | undefined;
  /** From the write of a command to its whole reply. */
  readonly command_timeout_ms: number;
  readonly connect_timeout_ms: number;
  /** Whether a node that drops what it was told to keep is used all the same. */
  readonly allow_eviction: boolean;
};

export type Argument = string | number | Buffer;

/** `closed`: commands pass. `open`: they fail at once. `half-open`: one command, Doorward's own, tries whether the node answers again. */
export type Circuit = 'closed' | 'half-open' | 'open';

export type LinkState = {
  /** One of each node that is spoken to. */
  readonly circuits: readonly Circuit[];
  /** How often one has opened. */
  readonly openings: number;
  /** Nodes whose `maxmemory-policy` evicts, as they said last. */
  readonly evicting: number;
};

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

/** A connection that tells how it is. */
export interface RedisLink extends RedisConnection {
  state(): LinkState;
  /** Resolves with why the server must not be used, when it was reached and is such a one; with undefined when it is not, or is out of reach. */
  refusal(): Promise<string | undefined>;
}

/** What links are made with, beside where to. */
export type LinkParts = {
  readonly logger: Logger;
  readonly entropy: Entropy;
  /** Told of each answer that is none of Doorward's data. */
  readonly onCorrupt: (fault: Corruption) => void;
};
