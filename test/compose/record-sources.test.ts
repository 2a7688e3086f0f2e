/** The sources of records of one generation, and what the next one keeps of them. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  closeRecordSources,
  observedRecords,
  openRecordSources,
  sourcesOver,
  recordComponents,
} from '../../src/compose/record-sources.ts';
import type { RecordSourceConfig } from '../../src/core/config.ts';
import { epochSeconds } from '../../src/core/units.ts';

const nothing = (): undefined => undefined;
const ports = {
  clock: { now: () => epochSeconds(1000), monotonicMs: () => 0 },
  entropy: { bytes: (length: number) => new Uint8Array(length) },
  logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
};

test('a source whose settings did not change is kept with what it holds; one that is down shows in its component', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'doorward-records-'));
  const path = join(folder, 'hr.json');
  await writeFile(path, '[{"id":"alice"}]');
  const hr: RecordSourceConfig = {
    name: 'hr',
    from: { kind: 'file', path },
    format: 'json',
    key: 'id',
    foreign_key: 'user.id',
    ...{ interval: 60, timeout: 1, max_bytes: 1000, max_rows: 10, max_age: 60 },
  };
  const gone: RecordSourceConfig = { ...hr, name: 'gone', from: { kind: 'file', path: join(folder, 'none') } };
  const first = await openRecordSources({ records: [hr, gone] }, ports, undefined);
  expect([...first.snapshots().keys()]).toEqual(['hr']);
  expect(first.snapshots()).toBe(first.snapshots());
  expect(recordComponents(first, epochSeconds(1061))).toEqual([
    { name: 'records hr', required: false, ok: false, detail: '1 rows, 61 s old' },
    { name: 'records gone', required: false, ok: false, detail: 'never read: cannot be read' },
  ]);
  expect(observedRecords(first, epochSeconds(1061))).toEqual([
    { name: 'hr', held: { ageSeconds: 61, rows: 1 }, isFailing: false, polls: { changed: 1, unchanged: 0, failed: 0 } },
    { name: 'gone', held: undefined, isFailing: true, polls: { changed: 0, unchanged: 0, failed: 1 } },
  ]);
  const second = await openRecordSources({ records: [hr, { ...gone, max_age: 70 }] }, ports, first);
  expect(second.sources[0]).toBe(first.sources[0]);
  expect(second.sources[1]).not.toBe(first.sources[1]);
  closeRecordSources({ sources: sourcesOver(first, second) });
  expect(second.snapshots().get('hr')?.table.rows).toBe(1);
  closeRecordSources(second);
  await rm(folder, { recursive: true });
});
