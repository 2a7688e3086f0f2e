/** Several real redis-servers together: a Cluster of three masters with a replica each, and a master with a replica under three sentinels. */

import { readFileSync, writeFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { locate } from '../../tools/components.mjs';
import { startProgram, untilReady, type RunningProgram } from './child-process.ts';
import { freePort } from './ports.ts';
import { startRedis, type RedisSettings, type RunningRedis } from './redis.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait.ts';

const SLOTS = 16_384;
const PLACES = ['first', 'second', 'third'] as const;

export type RedisCluster = {
  /** The first has the lowest third of the slots, and so on. */
  readonly masters: readonly RunningRedis[];
  /** In the order of their masters. */
  readonly replicas: readonly RunningRedis[];
  /** One command to one node, on a connection of its own. */
  call(node: RunningRedis, command: string, ...args: readonly (string | number)[]): Promise<unknown>;
  flush(): Promise<void>;
  stop(): Promise<void>;
};

/** Of servers and clients alike. */
type Tls = RedisSettings['tls'];

async function call(port: number, command: string, args: readonly (string | number)[], tls?: Tls): Promise<unknown> {
  const client = new Redis({
    ...{ port, host: '127.0.0.1', protocol: 2, retryStrategy: () => null },
    ...(tls === undefined ? {} : { tls: { ca: readFileSync(tls.caFile), cert: tls.cert, key: tls.key } }),
  });
  client.on('error', () => undefined);
  try {
    return await client.call(command, [...args]);
  } finally {
    client.disconnect();
  }
}

/** Until then a replica is connected, and WAIT does not count it. */
const untilFollowed = (masters: readonly RunningRedis[], tls: Tls): Promise<true> =>
  waitFor('the replicas to follow', async () => {
    const told = await Promise.all(masters.map(({ port }) => call(port, 'INFO', ['replication'], tls)));
    return told.every((each) => /slave0:.*state=online/.test(String(each))) ? true : undefined;
  });

export async function startRedisCluster({ tls }: { readonly tls?: Tls } = {}): Promise<RedisCluster> {
  const folders: TemporaryFolder[] = [];
  // Without a word the bus is at the port + 10000, where the system may have put a connection.
  const busPorts = new Map<RunningRedis, number>();
  const start = async (): Promise<RunningRedis> => {
    const folder = temporaryFolder();
    folders.push(folder);
    const busPort = await freePort();
    const settings = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000'];
    const safe = tls === undefined ? [] : ['--tls-cluster', 'yes', '--tls-replication', 'yes'];
    const args = [...settings, ...safe, '--cluster-replica-validity-factor', '0'];
    const node = await startRedis({ folder, args, ...(tls === undefined ? {} : { tls }) });
    busPorts.set(node, busPort);
    return node;
  };
  const masters = await Promise.all(PLACES.map(start));
  const replicas = await Promise.all(PLACES.map(start));
  const nodes = [...masters, ...replicas];
  const [first] = masters;
  if (first === undefined) throw new Error('a Cluster has a master');
  const meet = ['127.0.0.1', first.port, busPorts.get(first) ?? 0];
  for (const [place, { port }] of masters.entries()) {
    const [from, to] = [place, place + 1].map((edge) => Math.floor((edge * SLOTS) / masters.length));
    await call(port, 'CLUSTER', ['SET-CONFIG-EPOCH', place + 1], tls);
    await call(port, 'CLUSTER', ['ADDSLOTSRANGE', from ?? 0, (to ?? 0) - 1], tls);
  }
  for (const { port } of nodes.slice(1)) await call(port, 'CLUSTER', ['MEET', ...meet], tls);
  const untilAll = (what: string, text: string, command: readonly [string, string]): Promise<unknown> =>
    waitFor(what, async () => {
      const told = await Promise.all(nodes.map(({ port }) => call(port, command[0], [command[1]], tls)));
      return told.every((each) => String(each).includes(text)) ? true : undefined;
    });
  await untilAll('all nodes to know of each other', `cluster_known_nodes:${nodes.length}`, ['CLUSTER', 'INFO']);
  await untilAll('the Cluster to be whole', 'cluster_state:ok', ['CLUSTER', 'INFO']);
  for (const [place, { port }] of replicas.entries()) {
    const id = String(await call(masters[place]?.port ?? 0, 'CLUSTER', ['MYID'], tls));
    await call(port, 'CLUSTER', ['REPLICATE', id], tls);
  }
  await untilFollowed(masters, tls);
  return {
    masters,
    replicas,
    call: ({ port }, command, ...args) => call(port, command, args, tls),
    flush: async () => {
      for (const { port } of masters) await call(port, 'FLUSHALL', [], tls);
    },
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
      for (const folder of folders) folder.remove();
    },
  };
}

export type SentinelGroup = {
  readonly masterName: string;
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly master: RunningRedis;
  readonly replica: RunningRedis;
  flush(): Promise<void>;
  stop(): Promise<void>;
};

/** The sentinels ask for a password of their own; `users` are further users of theirs, as in their configuration. */
export async function startSentinelGroup(
  password: string,
  { tls, users = [] }: { readonly tls?: Tls; readonly users?: readonly string[] } = {},
): Promise<SentinelGroup> {
  const folders = [temporaryFolder(), temporaryFolder(), temporaryFolder()] as const;
  const common = tls === undefined ? {} : { tls };
  const safe = tls === undefined ? [] : ['--tls-replication', 'yes'];
  const master = await startRedis({ ...common, folder: folders[0], args: safe });
  const follow = ['--replicaof', '127.0.0.1', String(master.port)];
  const replica = await startRedis({ ...common, folder: folders[1], args: [...safe, ...follow] });
  const programs: RunningProgram[] = [];
  const sentinels: { readonly host: string; readonly port: number }[] = [];
  for (const place of PLACES) {
    const port = await freePort();
    const file = folders[2].file(`${place}.conf`);
    writeFileSync(
      file,
      [
        ...listenOf(port, tls),
        ...['bind 127.0.0.1', `requirepass ${password}`, `sentinel sentinel-pass ${password}`],
        `sentinel monitor main 127.0.0.1 ${master.port} 2`,
        ...['sentinel down-after-milliseconds main 1000', 'sentinel failover-timeout main 4000'],
        ...users.map((user) => `user ${user}`),
        '',
      ].join('\n'),
    );
    const program = startProgram({ name: 'sentinel', command: locate('redis'), args: [file, '--sentinel'] });
    await untilReady('sentinel', program, () => program.stdout().includes('+monitor master'));
    programs.push(program);
    sentinels.push({ host: '127.0.0.1', port });
  }
  await waitFor('the sentinels to know each other and the replica', () =>
    programs.every((each) => each.stdout().split('+sentinel ').length > 2 && each.stdout().includes('+slave '))
      ? true
      : undefined,
  );
  await untilFollowed([master], tls);
  return {
    ...{ masterName: 'main', sentinels, master, replica },
    flush: async () => {
      await call(master.port, 'FLUSHALL', [], tls);
    },
    stop: async () => {
      await Promise.all([...programs, master, replica].map((each) => each.stop()));
      for (const folder of folders) folder.remove();
    },
  };
}

/** Where a sentinel listens, and how it speaks to all others. */
const listenOf = (port: number, tls: Tls): readonly string[] =>
  tls === undefined
    ? [`port ${port}`]
    : [
        ...['port 0', `tls-port ${port}`, 'tls-replication yes', 'tls-auth-clients yes'],
        ...[`tls-cert-file ${tls.certFile}`, `tls-key-file ${tls.keyFile}`, `tls-ca-cert-file ${tls.caFile}`],
      ];
