/** Metrics of a session store that is outside of the process: how its connections are, the lease, and what in it was none of ours. */

import { Counter, Gauge, type Registry } from 'prom-client';

/** What is asked for at each scrape. Names of uses are of a fixed set. */
export type ObservedStore = {
  readonly connections: Readonly<
    Record<
      string,
      {
        readonly circuits: readonly ('closed' | 'half-open' | 'open')[];
        readonly openings: number;
        readonly evicting: number;
      }
    >
  >;
  readonly lease: {
    readonly leftMs: number;
    readonly entries: number;
    readonly hits: number;
    readonly misses: number;
    readonly withoutLease: number;
  };
};

export type StoreMetrics = {
  /** Asked at each scrape. */
  readonly report: (read: () => ObservedStore) => void;
  /** Both are of fixed sets. */
  readonly observeCorrupt: (fault: { readonly asked: string; readonly fault: string }) => void;
};

const STATES = ['closed', 'half-open', 'open'] as const;

export function createStoreMetrics(registers: Registry[]): StoreMetrics {
  const corrupt = new Counter({
    name: 'doorward_store_corrupt_total',
    help: 'What was found in the session store, or came from it, that Doorward did not put there, by what was asked and what was wrong.',
    labelNames: ['asked', 'fault'],
    registers,
  });
  return {
    observeCorrupt: ({ asked, fault }) => corrupt.inc({ asked, fault }),
    report: (read) => {
      reportConnections(registers, read);
      reportLease(registers, read);
    },
  };
}

function reportConnections(registers: Registry[], read: () => ObservedStore): void {
  new Gauge({
    name: 'doorward_redis_circuits',
    help: 'Connections to nodes of Redis, by what they are for and the state of their circuit.',
    labelNames: ['use', 'state'],
    registers,
    collect() {
      for (const [use, { circuits }] of Object.entries(read().connections))
        for (const state of STATES) this.set({ use, state }, circuits.filter((each) => each === state).length);
    },
  });
  new Counter({
    name: 'doorward_redis_circuit_openings_total',
    help: 'How often a circuit has opened, by what the connection is for.',
    labelNames: ['use'],
    registers,
    collect() {
      this.reset();
      for (const [use, { openings }] of Object.entries(read().connections)) this.inc({ use }, openings);
    },
  });
  new Gauge({
    name: 'doorward_redis_evicting_nodes',
    help: 'Nodes of Redis that may drop what they were told to keep, as they said at the last connection.',
    registers,
    collect() {
      this.set(Math.max(0, ...Object.values(read().connections).map(({ evicting }) => evicting)));
    },
  });
}

function reportLease(registers: Registry[], read: () => ObservedStore): void {
  new Gauge({
    name: 'doorward_lease_remaining_seconds',
    help: 'How long this process may decide by the sessions that it keeps, without another renewal; 0 without a lease.',
    registers,
    collect() {
      this.set(read().lease.leftMs / 1000);
    },
  });
  new Gauge({
    name: 'doorward_session_cache_entries',
    help: 'Sessions that are kept by this process.',
    registers,
    collect() {
      this.set(read().lease.entries);
    },
  });
  new Counter({
    name: 'doorward_session_cache_lookups_total',
    help: 'Look-ups of sessions: decided by what was kept, not kept, or without a lease.',
    labelNames: ['result'],
    registers,
    collect() {
      const { hits, misses, withoutLease } = read().lease;
      this.reset();
      this.inc({ result: 'hit' }, hits);
      this.inc({ result: 'miss' }, misses);
      this.inc({ result: 'no-lease' }, withoutLease);
    },
  });
}
