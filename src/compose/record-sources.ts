/** The sources of records of one generation: those whose settings did not change are kept, with what they hold. */

import { readRegularFile } from '../adapters/config/file-reader.ts';
import type { ObservedRecords } from '../adapters/metrics/record-metrics.ts';
import { createRecordSource, type ManagedRecordSource } from '../adapters/records/record-source.ts';
import type { Component } from '../adapters/web/ops-server.ts';
import type { AccessConfig, RecordSourceConfig } from '../core/config.ts';
import type { RecordSnapshots } from '../core/policy/record-snapshot.ts';
import type { Clock, Entropy, FactSource, Logger } from '../core/ports.ts';
import type { EpochSeconds } from '../core/units.ts';

/** A generation waits so long for sources that are new in it. */
const FIRST_ANSWER_MS = 2_000;

export type RecordSources = {
  readonly configs: readonly RecordSourceConfig[];
  readonly sources: readonly ManagedRecordSource[];
  /** The same map for as long as no source says anything new. */
  snapshots(): RecordSnapshots;
};

type Ports = { readonly clock: Clock; readonly entropy: Entropy; readonly logger: Logger };

/** Starts the new ones. What is over is closed by whoever swaps. */
export async function openRecordSources(
  { records: configs = [] }: Pick<AccessConfig, 'records'>,
  ports: Ports,
  before: RecordSources | undefined,
): Promise<RecordSources> {
  const sources = configs.map(
    (config) => kept(config, before) ?? createRecordSource(config, { ...ports, readFile: readRegularFile }),
  );
  const started = Promise.all(sources.map((source) => source.start()));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FIRST_ANSWER_MS);
  });
  await Promise.race([started, late]);
  clearTimeout(timer);
  return { configs, sources, snapshots: snapshotsOf(sources) };
}

function kept(config: RecordSourceConfig, before: RecordSources | undefined): ManagedRecordSource | undefined {
  const index = before?.configs.findIndex((each) => JSON.stringify(each) === JSON.stringify(config)) ?? -1;
  return before?.sources[index];
}

/** The sources of one generation that another does not have. */
export const sourcesOver = (over: RecordSources, stays: RecordSources): readonly ManagedRecordSource[] =>
  over.sources.filter((source) => !stays.sources.includes(source));

export function closeRecordSources({ sources }: Pick<RecordSources, 'sources'>): void {
  for (const source of sources) source.close();
}

export function snapshotsOf(sources: readonly FactSource[]): () => RecordSnapshots {
  let last: RecordSnapshots = new Map();
  return () => {
    if (sources.every((source) => source.snapshot() === last.get(source.name))) return last;
    last = new Map(
      sources.flatMap((source) => {
        const snapshot = source.snapshot();
        return snapshot === undefined ? [] : [[source.name, snapshot] as const];
      }),
    );
    return last;
  };
}

/** For the metrics. */
export const observedRecords = ({ sources }: RecordSources, now: EpochSeconds): readonly ObservedRecords[] =>
  sources.map((source) => {
    const { snapshot, polls, failure } = source.status();
    const held = snapshot && { ageSeconds: now - snapshot.asOf, rows: snapshot.table.rows };
    return { name: source.name, held, isFailing: failure !== undefined, polls };
  });

/** For /readyz?verbose: a source that is down makes nothing unready. */
export const recordComponents = ({ configs, sources }: RecordSources, now: EpochSeconds): readonly Component[] =>
  sources.map((source, index) => {
    const { snapshot, failure } = source.status();
    const age = snapshot === undefined ? undefined : now - snapshot.asOf;
    const isFresh = age !== undefined && age <= (configs[index]?.max_age ?? 0);
    const said = snapshot === undefined ? 'never read' : `${snapshot.table.rows} rows, ${age} s old`;
    return {
      name: `records ${source.name}`,
      required: false,
      ok: isFresh,
      detail: failure === undefined ? said : `${said}: ${failure}`,
    };
  });
