/** Makes connections to where Redis is: to one server, by its sentinels, or to a Cluster. */

import { createAskOnce } from './ask-once.ts';
import { ClusterConnection } from './cluster-connection.ts';
import { ClusterMap } from './cluster-map.ts';
import type { Address, LinkParts, RedisLink, RedisServer } from './connection.ts';
import { NodeConnection, newEraOf } from './node-connection.ts';
import { Sentinels } from './sentinels.ts';
import type { Timers } from '../../core/timers.ts';

export type Connect = (options: {
  /** Instead of the one configured. */
  readonly commandMs: number;
  readonly isForControlOnly: boolean;
  readonly parts: LinkParts;
}) => RedisLink;

/**
 * What is found out about sentinels and Clusters is shared by all connections that it makes. Each resolves nothing by itself: it connects in the
 * background. @throws Error where a TLS file cannot be read
 */
export function createConnect(server: RedisServer, { logger }: Pick<LinkParts, 'logger'>, timers: Timers): Connect {
  const { where, ...nodes } = server;
  const connectTo = (
    locate: () => Promise<Address>,
    { commandMs, parts }: Parameters<Connect>[0],
    { holdsControl = (): boolean => true, onAstray = (): void => undefined } = {},
  ): RedisLink =>
    new NodeConnection({
      ...parts,
      server: { ...nodes, command_timeout_ms: commandMs },
      ...{ locate, holdsControl, onAstray },
    });
  switch (where.kind) {
    case 'server':
      return (options) => connectTo(() => Promise.resolve(where), options);
    case 'sentinels': {
      const ask = createAskOnce({ ...server, ...where, logger });
      const sentinels = new Sentinels({ nodes: where.nodes, masterName: where.master_name, ask });
      return (options) => connectTo(() => sentinels.master(), options);
    }
    case 'cluster': {
      const map = new ClusterMap({ seeds: where.nodes, ask: createAskOnce({ ...server, logger }), timers });
      return (options) =>
        new ClusterConnection({
          map,
          isForControlOnly: options.isForControlOnly,
          newEra: () => newEraOf(options.parts.entropy),
          connect: (node, holdsControl) =>
            connectTo(() => Promise.resolve(node), options, { holdsControl, onAstray: () => map.look() }),
        });
    }
  }
}
