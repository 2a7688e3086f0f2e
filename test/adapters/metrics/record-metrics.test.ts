import { expect, test } from '@jest/globals';

import { createMetrics } from '../../../src/adapters/metrics/metrics.ts';
import type { ObservedRecords } from '../../../src/adapters/metrics/record-metrics.ts';

test('tells of each source of records by its name: age, rows, failing and polls, and of none that is gone', async () => {
  const metrics = createMetrics({ version: '1', node: '20' });
  const hr: ObservedRecords = {
    name: 'hr',
    held: { ageSeconds: 61, rows: 7 },
    isFailing: false,
    polls: { changed: 2, unchanged: 3, failed: 1 },
  };
  let sources: readonly ObservedRecords[] = [
    hr,
    { name: 'new', held: undefined, isFailing: true, polls: { changed: 0, unchanged: 0, failed: 4 } },
  ];
  metrics.reportRecords(() => sources);
  const samples = async (): Promise<readonly string[]> =>
    (await metrics.expose()).text.split('\n').filter((line) => line.startsWith('doorward_records_'));
  const ofHr = [
    'doorward_records_age_seconds{source="hr"} 61',
    'doorward_records_rows{source="hr"} 7',
    'doorward_records_failing{source="hr"} 0',
    'doorward_records_polls_total{source="hr",result="changed"} 2',
    'doorward_records_polls_total{source="hr",result="unchanged"} 3',
    'doorward_records_polls_total{source="hr",result="failed"} 1',
  ];
  expect(new Set(await samples())).toEqual(
    new Set([
      ...ofHr,
      'doorward_records_failing{source="new"} 1',
      'doorward_records_polls_total{source="new",result="changed"} 0',
      'doorward_records_polls_total{source="new",result="unchanged"} 0',
      'doorward_records_polls_total{source="new",result="failed"} 4',
    ]),
  );
  sources = [hr];
  expect(new Set(await samples())).toEqual(new Set(ofHr));
});
