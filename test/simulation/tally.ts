/** What happened in a world, counted: a run in which something of it never happens says nothing about it. */

/** What the world did to the processes and to Redis. */
export type FaultCounts = {
  /** Requests or replies that never came. */
  dropped: number;
  delayed: number;
  /** Requests that arrived after one that the same process sent later, over another connection. */
  reordered: number;
  connectionsLost: number;
  pauses: number;
  /** Processes whose monotonic clock is 1 % too slow or too fast. */
  slowClocks: number;
  fastClocks: number;
  wallClockSteps: number;
  /** Processes that left or were killed, each followed by another. */
  processRestarts: number;
  redisRestarts: number;
  flushes: number;
  trims: number;
  /** Revocations that began while another process had one under way. */
  secondRevokers: number;
  failOvers: number;
  /** Of them: the promoted node lacked the newest writes. */
  lossyFailOvers: number;
};

export type Counts = {
  steps: number;
  virtualSeconds: number;
  allowed: number;
  denied: number;
  unavailable: number;
  /** Checks of what was revoked before they started. */
  checkedDead: number;
  logins: number;
  confirmed: number;
  /** Of the confirmed: all members acknowledged. */
  fast: number;
  notConfirmed: number;
  /** Facts of users: written, and asked for by Checks; `factsDue`: after one of that user was confirmed. */
  factsConfirmed: number;
  factsNotConfirmed: number;
  factsRead: number;
  factsDue: number;
  /** Sessions written back by a refresh, refused to be, and allowed as such. */
  refreshesWritten: number;
  refreshesRefused: number;
  refreshedRead: number;
};

export type Tally = Counts & {
  readonly faults: FaultCounts;
  /** The first allow that must not be. */
  violation: string | undefined;
};

export const emptyTally = (): Tally => ({
  ...{ steps: 0, virtualSeconds: 0, allowed: 0, denied: 0, unavailable: 0, checkedDead: 0 },
  ...{ logins: 0, confirmed: 0, fast: 0, notConfirmed: 0, factsConfirmed: 0 },
  ...{
    factsNotConfirmed: 0,
    factsRead: 0,
    factsDue: 0,
    refreshesWritten: 0,
    refreshesRefused: 0,
    refreshedRead: 0,
    violation: undefined,
  },
  faults: {
    ...{ dropped: 0, delayed: 0, reordered: 0, connectionsLost: 0, pauses: 0, slowClocks: 0, fastClocks: 0 },
    ...{ wallClockSteps: 0, processRestarts: 0, redisRestarts: 0, flushes: 0, trims: 0, secondRevokers: 0 },
    ...{ failOvers: 0, lossyFailOvers: 0 },
  },
});

/** Adds what happened in one more world. */
export function addTally(total: Tally, one: Tally): void {
  const { faults: totalFaults, violation: first, ...counts } = total;
  Object.assign(total, sumOf(counts, one));
  Object.assign(totalFaults, sumOf(totalFaults, one.faults));
  total.violation = first ?? one.violation;
}

/** One line for people: whole numbers, names as above. */
export const tallyLine = ({ faults, violation, ...counts }: Tally): string =>
  [...Object.entries(counts), ...Object.entries(faults), ['wrongAllows', violation === undefined ? 0 : 1] as const]
    .map(([name, count]) => `${name} ${Math.round(count)}`)
    .join(', ');

const sumOf = <T extends Readonly<Record<string, number>>>(one: T, other: T): Record<string, number> =>
  Object.fromEntries(Object.entries(one).map(([name, count]) => [name, count + (other[name] ?? 0)]));
