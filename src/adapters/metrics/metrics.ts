/**
 * Metrics by prom-client, names and units after Prometheus' conventions. No label ever holds a user, a URL or anything else that a client
 * chooses. Label children are looked up once, so that a Check pays for an addition and no more.
 */

import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds: from a cached Check (tens of µs) to a login callback (seconds). */
const CHECK_BUCKETS = [0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.01, 0.05, 0.25, 1, 5];

export type ObservedCheck = { readonly decision: string; readonly code: string; readonly micros: number };

export interface Metrics {
  /** One Check answered. `decision` and `code` are of fixed sets (AuditDecision, RefusalCode). */
  observeCheck(check: ObservedCheck): void;
  /** One call to a store or provider failed; `code` is a DependencyCode. */
  observeDependencyError(code: string): void;
  /** `generation` is the one in force after it. */
  observeReload(reload: { readonly ok: boolean; readonly generation: number; readonly atSeconds: number }): void;
  /** Asked at each scrape. */
  reportInFlight(read: () => number): void;
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
  const decisions = new Counter({
    name: 'doorward_decisions_total',
    help: 'Checks answered, by decision and code (docs/errors.md).',
    labelNames: ['decision', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'doorward_check_duration_seconds',
    help: 'Time from a decoded Check to its answer.',
    labelNames: ['decision'],
    buckets: CHECK_BUCKETS,
    registers,
  });
  const dependencyErrors = new Counter({
    name: 'doorward_dependency_errors_total',
    help: 'Failed calls to the session store, an identity provider or the signer.',
    labelNames: ['code'],
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
  return {
    observeCheck: createCheckObserver(decisions, durations),
    observeDependencyError: (code) => {
      dependencyErrors.inc({ code });
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
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}

function createCheckObserver(
  decisions: Counter<'decision' | 'code'>,
  durations: Histogram<'decision'>,
): Metrics['observeCheck'] {
  const byKind = new Map<string, { inc(): void; observe(seconds: number): void }>();
  return ({ decision, code, micros }) => {
    const key = `${decision} ${code}`;
    let child = byKind.get(key);
    if (child === undefined) {
      const counter = decisions.labels({ decision, code });
      const histogram = durations.labels({ decision });
      child = {
        inc: () => {
          counter.inc();
        },
        observe: (seconds) => {
          histogram.observe(seconds);
        },
      };
      byKind.set(key, child);
    }
    child.inc();
    child.observe(micros / 1e6);
  };
}
