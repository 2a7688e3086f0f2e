/**
 * Counts and durations of Checks in plain numbers: an observation is two look-ups and three additions. Text is made at a scrape, in the Prometheus
 * exposition format 0.0.4. prom-client's own counters hash their labels on each call, which costs a tenth of a Check.
 */

/** Seconds: from a cached Check (tens of µs) to a login callback (seconds). */
const BOUNDS = [0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.01, 0.05, 0.25, 1, 5];

export type ObservedCheck = { readonly decision: string; readonly code: string; readonly micros: number };

type OfDecision = {
  /** code -> how many */
  readonly codes: Map<string, number>;
  /** Observations at or below each bound and above the one before; the last is for those above all. */
  readonly buckets: number[];
  seconds: number;
};

export interface CheckObservations {
  /** `decision` and `code` are of fixed sets of identifiers, and so need no escaping. */
  observe(check: ObservedCheck): void;
  text(): string;
}

export function createCheckObservations(): CheckObservations {
  const byDecision = new Map<string, OfDecision>();
  return {
    observe: ({ decision, code, micros }) => {
      let found = byDecision.get(decision);
      if (found === undefined) {
        found = { codes: new Map(), buckets: new Array<number>(BOUNDS.length + 1).fill(0), seconds: 0 };
        byDecision.set(decision, found);
      }
      const seconds = micros / 1e6;
      let bucket = 0;
      while (bucket < BOUNDS.length && seconds > (BOUNDS[bucket] ?? Infinity)) bucket++;
      found.codes.set(code, (found.codes.get(code) ?? 0) + 1);
      found.buckets[bucket] = (found.buckets[bucket] ?? 0) + 1;
      found.seconds += seconds;
    },
    text: () => `${decisionsText(byDecision)}\n${durationsText(byDecision)}`,
  };
}

function decisionsText(byDecision: ReadonlyMap<string, OfDecision>): string {
  const name = 'doorward_decisions_total';
  const lines = [...byDecision].flatMap(([decision, { codes }]) =>
    [...codes].map(([code, count]) => `${name}{decision="${decision}",code="${code}"} ${count}\n`),
  );
  return `${head(name, 'counter', 'Checks answered, by decision and code (docs/errors.md).')}${lines.join('')}`;
}

function durationsText(byDecision: ReadonlyMap<string, OfDecision>): string {
  const name = 'doorward_check_duration_seconds';
  const lines = [...byDecision].flatMap(([decision, { buckets, seconds }]) => {
    let count = 0;
    const cumulative = buckets.map((inBucket, index) => {
      count += inBucket;
      return `${name}_bucket{le="${BOUNDS[index] ?? '+Inf'}",decision="${decision}"} ${count}\n`;
    });
    return [
      ...cumulative,
      `${name}_sum{decision="${decision}"} ${seconds}\n`,
      `${name}_count{decision="${decision}"} ${count}\n`,
    ];
  });
  return `${head(name, 'histogram', 'Time from a decoded Check to its answer.')}${lines.join('')}`;
}

const head = (name: string, type: string, help: string): string => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
