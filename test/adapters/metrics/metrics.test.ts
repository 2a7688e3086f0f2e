import { describe, expect, test } from '@jest/globals';

import { createCheckObservations } from '../../../src/adapters/metrics/check-observations.ts';
import { createMetrics } from '../../../src/adapters/metrics/metrics.ts';

const aProcess = () => createMetrics({ version: '1.2.3', node: '20.0.0' });
const linesOf = async (metrics: ReturnType<typeof createMetrics>) => (await metrics.expose()).text.split('\n');

/** Prometheus' text format, line by line: comments, and samples with quoted labels. */
const LINE =
  /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (-?[0-9.]+(e[+-]?[0-9]+)?|\+Inf))$/;

describe('the exposition', () => {
  test('is text that Prometheus reads, each metric told of once', async () => {
    const metrics = aProcess();
    metrics.observeCheck({ decision: 'allow', code: 'allow', micros: 12.5 });
    metrics.observeCheck({ decision: 'refuse', code: 'forbidden', micros: 1e7 });
    metrics.observeDependencyError('store-unavailable');
    metrics.observeReload({ ok: true, generation: 2, atSeconds: 1_767_225_600.5 });
    metrics.reportInFlight(() => 0);
    const { contentType, text } = await metrics.expose();
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text.endsWith('\n')).toBe(true);
    const lines = text.split('\n').filter((line) => line !== '');
    for (const line of lines) expect(line).toMatch(LINE);
    const told = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2]);
    expect(new Set(told).size).toBe(told.length);
    expect(told).toEqual(expect.arrayContaining(['doorward_decisions_total', 'doorward_check_duration_seconds']));
  });

  test('tells of the build, and of the process', async () => {
    const lines = await linesOf(aProcess());
    expect(lines).toContain('doorward_build_info{version="1.2.3",node="20.0.0"} 1');
    const valueOf = (name: string) => Number(lines.find((line) => line.startsWith(`${name} `))?.split(' ')[1]);
    expect(valueOf('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(valueOf('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(Math.abs(valueOf('process_start_time_seconds') + process.uptime() - Date.now() / 1000)).toBeLessThan(3);
  });

  test('tells of reloads: which generation, whether the last was taken over, and when one last was', async () => {
    const metrics = aProcess();
    metrics.observeReload({ ok: true, generation: 1, atSeconds: 100 });
    metrics.observeReload({ ok: false, generation: 1, atSeconds: 200 });
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'doorward_config_generation 1',
        'doorward_config_last_reload_successful 0',
        'doorward_config_reload_success_timestamp_seconds 100',
      ]),
    );
  });

  test('counts the same at each scrape, and asks for Checks in flight at each', async () => {
    const metrics = aProcess();
    let inFlight = 3;
    metrics.reportInFlight(() => inFlight);
    metrics.observeCheck({ decision: 'allow', code: 'allow', micros: 1 });
    metrics.observeDependencyError('idp-refused');
    expect(await linesOf(metrics)).toContain('doorward_checks_in_flight 3');
    inFlight = 4;
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'doorward_checks_in_flight 4',
        'doorward_decisions_total{decision="allow",code="allow"} 1',
        'doorward_dependency_errors_total{code="idp-refused"} 1',
      ]),
    );
  });

  test('of one process has nothing of another', async () => {
    const [one, other] = [aProcess(), aProcess()];
    one.observeCheck({ decision: 'allow', code: 'allow', micros: 1 });
    expect((await linesOf(other)).some((line) => line.startsWith('doorward_decisions_total{'))).toBe(false);
  });
});

describe('durations of Checks', () => {
  test('fall into cumulative buckets, each up to and with its bound', () => {
    const checks = createCheckObservations();
    for (const micros of [0, 25, 25.1, 999, 1000, 5_000_000, 5_000_001]) {
      checks.observe({ decision: 'allow', code: 'allow', micros });
    }
    const lines = checks.text().split('\n');
    const inBucket = (le: string) => `doorward_check_duration_seconds_bucket{le="${le}",decision="allow"}`;
    const expected: readonly (readonly [string, number])[] = [
      ['0.000025', 2],
      ['0.00005', 3],
      ['0.0001', 3],
      ['0.0005', 3],
      ['0.001', 5],
      ['1', 5],
      ['5', 6],
      ['+Inf', 7],
    ];
    for (const [le, count] of expected) expect(lines).toContain(`${inBucket(le)} ${count}`);
    expect(lines).toContain('doorward_check_duration_seconds_count{decision="allow"} 7');
    expect(lines.find((line) => line.includes('_sum'))).toMatch(
      /^doorward_check_duration_seconds_sum\{decision="allow"\} 10\.00205/,
    );
  });

  test('are kept apart by decision, and decisions by code', () => {
    const checks = createCheckObservations();
    checks.observe({ decision: 'refuse', code: 'forbidden', micros: 10 });
    checks.observe({ decision: 'refuse', code: 'bad-request', micros: 10 });
    checks.observe({ decision: 'refuse', code: 'forbidden', micros: 10 });
    checks.observe({ decision: 'allow', code: 'allow', micros: 10 });
    const lines = checks.text().split('\n');
    expect(lines.filter((line) => /^doorward_decisions_total\{|_count/.test(line))).toEqual([
      'doorward_decisions_total{decision="refuse",code="forbidden"} 2',
      'doorward_decisions_total{decision="refuse",code="bad-request"} 1',
      'doorward_decisions_total{decision="allow",code="allow"} 1',
      'doorward_check_duration_seconds_count{decision="refuse"} 3',
      'doorward_check_duration_seconds_count{decision="allow"} 1',
    ]);
  });
});
