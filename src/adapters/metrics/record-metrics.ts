/** Metrics of the sources of records: how old what they said is, how much it is, and what came of asking. The label is the configured name. */

import { Counter, Gauge, type Registry } from 'prom-client';

/** One source, as it is at a scrape. */
export type ObservedRecords = {
  /** As configured. */
  readonly name: string;
  /** Undefined: it was never read. */
  readonly held: { readonly ageSeconds: number; readonly rows: number } | undefined;
  readonly isFailing: boolean;
  /** By result, of a fixed set (PollResult). */
  readonly polls: Readonly<Record<string, number>>;
};

/** A source that was never read has no age and no rows; one that is no longer configured is not told of. */
export function addRecordMetrics(registers: Registry[], read: () => readonly ObservedRecords[]): void {
  const addGauge = (name: string, help: string, valueOf: (source: ObservedRecords) => number | undefined): void => {
    new Gauge({
      name,
      help,
      labelNames: ['source'],
      registers,
      collect() {
        this.reset();
        for (const source of read()) {
          const value = valueOf(source);
          if (value !== undefined) this.set({ source: source.name }, value);
        }
      },
    });
  };
  addGauge(
    'doorward_records_age_seconds',
    'How long ago a source of records was last asked with success.',
    ({ held }) => held?.ageSeconds,
  );
  addGauge('doorward_records_rows', 'Rows that a source of records holds.', ({ held }) => held?.rows);
  addGauge('doorward_records_failing', '1 if a source of records could not be read when it was last asked.', (source) =>
    Number(source.isFailing),
  );
  new Counter({
    name: 'doorward_records_polls_total',
    help: 'How often a source of records was asked, by what came of it: changed, unchanged, failed.',
    labelNames: ['source', 'result'],
    registers,
    collect() {
      this.reset();
      for (const { name, polls } of read())
        for (const [result, count] of Object.entries(polls)) this.inc({ source: name, result }, count);
    },
  });
}
