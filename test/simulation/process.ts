/** One process of the world: the real store of src/adapters/redis, on a machine of its own, over connections that are played. */

import { composeRedisStores, type Connections, type RedisStores } from '../../src/adapters/redis/stores.ts';
import { isDependencyError, type Logger } from '../../src/core/ports.ts';
import type { Machine } from './machine.ts';
import type { Parts } from './parts.ts';
import type { Weather } from './courier.ts';
import { SimulatedConnection, type Network } from './simulated-connection.ts';

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const SECRETS = ['a secret for records of thirty-two bytes'];

export type Process = {
  readonly machine: Machine;
  readonly stores: RedisStores;
  readonly connections: readonly SimulatedConnection[];
  readonly weather: Weather;
  isStopped: boolean;
};

export function startProcess(options: {
  readonly network: Network;
  readonly parts: Parts;
  readonly machine: Machine;
  readonly weather: Weather;
  /** Whether it hears of news before its next renewal. */
  readonly hasNews: boolean;
  /** Other data nodes. */
  readonly replicas: number;
  /** Sessions that it keeps at hand. */
  readonly cacheEntries: number;
}): Process {
  const { network, parts, machine, weather, hasNews, replicas, cacheEntries } = options;
  const { terms } = parts;
  const connect = (source: string, deadlineMs: number, its: Weather = weather): SimulatedConnection =>
    new SimulatedConnection({ network, machine, weather: its, source, deadlineMs });
  const noNews: Weather = { ...weather, isCutOff: true, delayMsMax: 0 };
  const connections: { readonly [use in keyof Connections]: SimulatedConnection } = {
    main: connect('main', 500),
    renewals: connect('renewals', terms.renewWithinMs),
    announcements: connect('announcements', 500),
    news: connect('news', 500, hasNews ? weather : noNews),
  };
  const bounds = { entriesMax: cacheEntries, weightMax: 1e6 };
  const stores = composeRedisStores({
    connections,
    replica: parts.replica(terms, machine, bounds),
    factsAtHand: parts.factsAtHand(terms, bounds),
    watch: parts.watch(terms, machine),
    replicas,
    secrets: () => SECRETS,
    clock: machine.clock,
    timers: machine.timers,
    entropy: network.random,
    logger: silent,
    withinMs: 500,
  });
  return { machine, stores, weather, connections: Object.values(connections), isStopped: false };
}

/** Time passes on a machine. */
export const pass = (machine: Machine, ms: number): Promise<void> =>
  new Promise((resolve) => {
    machine.timers.after(ms, resolve);
  });

/** What cannot be known is refused; anything else is a fault of the code under test. */
export function rethrowUnlessDependency(error: unknown): void {
  if (!isDependencyError(error)) throw error;
}
