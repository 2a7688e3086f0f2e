/** recordsOf: what the sources of records say in a case. A source that the case does not name was never read, as in a Check. */

import type { AccessConfig } from '../config.ts';
import { meant } from '../policy/parse.ts';
import { createRecordTable } from '../policy/records.ts';
import type { RecordRow, RecordSnapshot, RecordSnapshots } from '../policy/record-snapshot.ts';
import { err, ok, type Result } from '../result.ts';
import type { EpochSeconds } from '../units.ts';

/** Rows by name of the source. */
export type CaseRecords = ReadonlyMap<string, readonly RecordRow[]>;

/** The error is one sentence: a source that the configuration does not have, or rows that it would not take. */
export function recordsOf(
  records: CaseRecords,
  { records: sources = [] }: Pick<AccessConfig, 'records'>,
  now: EpochSeconds,
): Result<RecordSnapshots, string> {
  const snapshots = new Map<string, RecordSnapshot>();
  for (const [name, rows] of records) {
    const source = sources.find((each) => each.name === name);
    const names = sources.map((each) => each.name);
    if (source === undefined) return err(`the configuration has no \`records\` named \`${name}\`${meant(name, names)}`);
    const { key, foreign_key: foreignKey, max_rows: rowsMax } = source;
    const table = createRecordTable(rows, { key, foreignKey, rowsMax });
    if (!table.ok) return err(`\`records\` of \`${name}\` ${table.error}`);
    snapshots.set(name, { table: table.value, asOf: now });
  }
  return ok(snapshots);
}
