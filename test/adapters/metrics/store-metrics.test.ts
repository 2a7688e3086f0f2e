import { expect, test } from '@jest/globals';
import { createMetrics } from '../../../src/adapters/metrics/metrics.ts';

test('tells of circuits, evicting nodes, the lease and foreign data, anew at each scrape', async () => {
  const metrics = createMetrics({ version: '1', node: '20' });
  let leftMs = 500;
  metrics.store.report(() => ({
    connections: {
      main: { circuits: ['closed', 'open'], openings: 3, evicting: 1 },
      news: { circuits: ['half-open'], openings: 0, evicting: 0 },
    },
    lease: { leftMs, entries: 7, hits: 5, misses: 2, withoutLease: 1 },
  }));
  metrics.store.observeCorrupt({ asked: 'read', fault: 'record' });
  const first = (await metrics.expose()).text.split('\n');
  expect(first).toEqual(
    expect.arrayContaining([
      'doorward_redis_circuits{use="main",state="closed"} 1',
      'doorward_redis_circuits{use="main",state="open"} 1',
      'doorward_redis_circuits{use="main",state="half-open"} 0',
      'doorward_redis_circuits{use="news",state="half-open"} 1',
      'doorward_redis_circuit_openings_total{use="main"} 3',
      'doorward_redis_evicting_nodes 1',
      'doorward_lease_remaining_seconds 0.5',
      'doorward_session_cache_entries 7',
      'doorward_session_cache_lookups_total{result="no-lease"} 1',
      'doorward_store_corrupt_total{asked="read",fault="record"} 1',
    ]),
  );
  leftMs = 0;
  const second = (await metrics.expose()).text.split('\n');
  expect(second).toContain('doorward_lease_remaining_seconds 0');
  expect(second).toContain('doorward_redis_circuit_openings_total{use="main"} 3');
});
