/**
 * Metrics by prom-client, names and units after Prometheus' conventions. No label ever holds a user, a URL or anything else that a client
 * chooses.
 */

import { Counter, Gauge, Registry } from 'prom-client';

import { createStoreMetrics, type StoreMetrics } from './store-metrics.ts';
import { createStreamMetrics, type StreamMetrics } from './stream-metrics.ts';
import { addRecordMetrics, type ObservedRecords } from './record-metrics.ts';
import { createCheckObservations, type ObservedCheck } from './check-observations.ts';

export interface Metrics {
  /** One Check answered. `decision` and `code` are of fixed sets (AuditDecision, RefusalCode). */
  observeCheck(check: ObservedCheck): void;
  /** One Check that a shadow judged as well; both are of fixed sets (JudgedKind, `undecided`). */
  observeShadow(judged: { readonly active: string; readonly shadow: string }): void;
  /** One call to a store or provider failed; `code` is a DependencyCode. */
  observeDependencyError(code: string): void;
  /** One refresh of a session; both are of fixed sets (RefreshKind, RefreshOutcome). */
  observeRefresh(refresh: { readonly kind: string; readonly result: string }): void;
  /** `generation` is the one in force after it. */
  observeReload(reload: { readonly ok: boolean; readonly generation: number; readonly atSeconds: number }): void;
  readonly store: StoreMetrics;
  readonly streams: StreamMetrics;
  /** Asked at each scrape. */
  reportInFlight(read: () => number): void;
  /** Asked at each scrape: the sources of records of the generation in force. */
  reportRecords(read: () => readonly ObservedRecords[]): void;
  /** The exposition text and its content type. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export function createMetrics(build: { readonly version: string; readonly node: string }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const info = new Gauge({
    name: 'doorward_build_info',
    help: 'Always 1; what runs is in the labels.',
    labelNames: ['version', 'node'],
    registers,
  });
  info.set({ version: build.version, node: build.node }, 1);
  const checks = createCheckObservations();
  const dependencyErrors = new Counter({
    name: 'doorward_dependency_errors_total',
    help: 'Failed calls to the session store, an identity provider or the signer.',
    labelNames: ['code'],
    registers,
  });
  const shadowDecisions = new Counter({
    name: 'doorward_shadow_decisions_total',
    help: 'Checks that a shadow judged as well, by what was decided and what the shadow would have decided.',
    labelNames: ['active', 'shadow'],
    registers,
  });
  const refreshes = new Counter({
    name: 'doorward_session_refreshes_total',
    help: 'Refreshes of sessions at their identity provider, by what was asked (new tokens, or the user) and what came of it.',
    labelNames: ['kind', 'result'],
    registers,
  });
  const generation = new Gauge({
    name: 'doorward_config_generation',
    help: 'The generation of configuration in force.',
    registers,
  });
  const lastReloadOk = new Gauge({
    name: 'doorward_config_last_reload_successful',
    help: '1 if the last load was taken over, 0 if the one before was kept.',
    registers,
  });
  const lastSuccess = new Gauge({
    name: 'doorward_config_reload_success_timestamp_seconds',
    help: 'When a configuration was last taken over.',
    registers,
  });
  addProcessMetrics(registers);
  return {
    store: createStoreMetrics(registers),
    streams: createStreamMetrics(registers),
    observeCheck: (check) => {
      checks.observe(check);
    },
    observeShadow: (judged) => {
      shadowDecisions.inc(judged);
    },
    observeDependencyError: (code) => {
      dependencyErrors.inc({ code });
    },
    observeRefresh: (refresh) => {
      refreshes.inc(refresh);
    },
    observeReload: (reload) => {
      generation.set(reload.generation);
      lastReloadOk.set(reload.ok ? 1 : 0);
      if (reload.ok) lastSuccess.set(reload.atSeconds);
    },
    reportInFlight: (read) => {
      new Gauge({
        name: 'doorward_checks_in_flight',
        help: 'Checks that are being judged now.',
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    reportRecords: (read) => {
      addRecordMetrics(registers, read);
    },
    expose: async () => ({ contentType: registry.contentType, text: `${await registry.metrics()}\n${checks.text()}` }),
  };
}

/** The three of the process that every dashboard asks for, under their usual names. */
function addProcessMetrics(registers: Registry[]): void {
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process was started, in seconds since 1970.',
    registers,
  }).set(Math.round(Date.now() / 1000 - process.uptime()));
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory that the process holds.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time that the process has used, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}
