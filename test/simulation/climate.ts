/** What the world is like: how often things happen and fail. The protocol must hold in each; some mistakes show in one of them only. */

export type Range = readonly [min: number, max: number];

export type Climate = {
  readonly checkMs: Range;
  readonly revokeMs: Range;
  readonly faultMs: Range;
  /** How many messages are slow; and by how much at most, per process. */
  readonly slowChance: number;
  readonly slowMs: readonly number[];
  readonly pauseMs: Range;
  readonly cutOffMs: Range;
  /** How often the stream is trimmed as soon as something was appended. */
  readonly trimChance: number;
  /** Whether processes hear of news before their next renewal. */
  readonly hasNews: boolean;
  /** Between promotions. */
  readonly failOverMs: Range;
  /** How often replication lags, and how long an old master goes on. */
  readonly lagChance: number;
  readonly splitMs: Range;
  /** How often a connection reaches a node that is not the elected one. */
  readonly strayChance: number;
  /** How often the process that is replaced is the newest. */
  readonly newestChance: number;
  /** How often a process that is replaced is killed, and does not say that it is gone. */
  readonly killChance: number;
  /** Sessions that a process keeps at hand. */
  readonly cacheEntries: number;
  /** How likely each fault is, against the others. */
  readonly faults: Readonly<Record<FaultKind, number>>;
};

export type FaultKind =
  'pause' | 'cut-off' | 'lost-connection' | 'delays' | 'trim' | 'wall-clock' | 'replace' | 'restart' | 'flush';

const temperate: Climate = {
  checkMs: [1, 12],
  revokeMs: [20, 500],
  faultMs: [50, 700],
  slowChance: 0.03,
  slowMs: [5, 60, 300],
  pauseMs: [50, 2500],
  cutOffMs: [100, 2000],
  trimChance: 0,
  hasNews: true,
  failOverMs: [1500, 6000],
  lagChance: 0.05,
  splitMs: [0, 2500],
  strayChance: 0.15,
  newestChance: 0.3,
  killChance: 0.4,
  cacheEntries: 30,
  faults: {
    ...{ pause: 25, 'cut-off': 25, 'lost-connection': 15, delays: 10, trim: 11, 'wall-clock': 4 },
    ...{ replace: 5, restart: 2, flush: 0.2 },
  },
};

export const climates = {
  temperate,
  /** Replies are late, and what was appended is gone at once. */
  slow: {
    ...temperate,
    slowChance: 0.3,
    slowMs: [40, 110],
    revokeMs: [20, 150],
    trimChance: 0.5,
    hasNews: false,
  },
  /** Requests are late, and connections are cut off. */
  interrupted: {
    ...temperate,
    slowChance: 0.15,
    slowMs: [100, 400],
    revokeMs: [30, 200],
    cutOffMs: [800, 1500],
    hasNews: false,
    faultMs: [400, 1200],
    faults: { ...temperate.faults, pause: 3, 'cut-off': 80, trim: 1, replace: 1 },
  },
  /** Messages are quick, and connections go away between them. */
  brittle: {
    ...temperate,
    slowChance: 0,
    revokeMs: [15, 80],
    checkMs: [2, 10],
    cutOffMs: [1000, 1300],
    hasNews: false,
    faultMs: [300, 1100],
    faults: { ...temperate.faults, pause: 0, 'cut-off': 95, trim: 0, replace: 0, restart: 0, flush: 0 },
  },
  /** Processes stand still for longer than their lease, and keep little at hand. */
  frozen: {
    ...temperate,
    slowChance: 0.3,
    slowMs: [60, 200],
    pauseMs: [1000, 1600],
    revokeMs: [10, 100],
    checkMs: [1, 5],
    cacheEntries: 4,
    faultMs: [300, 900],
    faults: { ...temperate.faults, pause: 90, 'cut-off': 2, replace: 1 },
  },
  /** Processes begin and end, replicas lag, and who connects may reach any of them. */
  restless: {
    ...temperate,
    slowChance: 0.2,
    slowMs: [60, 200],
    revokeMs: [10, 80],
    checkMs: [1, 6],
    failOverMs: [400, 2000],
    lagChance: 0.4,
    splitMs: [100, 2000],
    strayChance: 0.35,
    newestChance: 0.9,
    killChance: 0.03,
    hasNews: false,
    faultMs: [150, 600],
    faults: { ...temperate.faults, pause: 2, 'cut-off': 4, replace: 60, trim: 1, restart: 0, flush: 0 },
  },
} as const satisfies Readonly<Record<string, Climate>>;

export type ClimateName = keyof typeof climates;
export const climateNames = Object.keys(climates) as readonly ClimateName[];
