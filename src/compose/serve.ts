/** `doorward serve`: composes one process from its configuration, keeps it fresh, and ends it without a lost request. */

import type { Live } from '../answer-check.ts';
import { createCheckServer } from '../adapters/envoy/check-server.ts';
import type { LoadedConfig } from '../adapters/config/load-config.ts';
import { readRegularFile } from '../adapters/config/file-reader.ts';
import { watchFiles, type FileWatch } from '../adapters/config/watch-files.ts';
import { createSignedMessages } from '../adapters/jose/signed-messages.ts';
import { createMetrics, type Metrics } from '../adapters/metrics/metrics.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemEntropy } from '../adapters/system/entropy.ts';
import { systemTimers } from '../adapters/system/timers.ts';
import { startOpsServer } from '../adapters/web/ops-server.ts';
import type { Logger } from '../core/ports.ts';
import type { LocatedProblem } from '../core/problem.ts';
import { err, ok, type Result } from '../core/result.ts';
import { openAdminListeners } from './admin-listeners.ts';
import { compile, createGenerations, warningsOf, type Generations, type Lasting } from './generations.ts';
import { componentsOf } from './components.ts';
import { createKeepFresh } from '../keep-fresh.ts';
import { composeHandler } from './handler.ts';
import { loadInWorker } from './load-in-worker.ts';
import { load, type ConfigSource } from './load.ts';
import { openOutputs, type Outputs } from './outputs.ts';
import { closeRecordSources, observedRecords } from './record-sources.ts';
import { openStores, type Stores } from './stores.ts';
import { composeHolds, createNewsRelay } from './streams.ts';

/** Envoy's own drain is shorter; what has not ended by then is cut. */
const DRAIN_MS = 10_000;

export type ServeOptions = ConfigSource & { readonly version: string };

export interface Service {
  reload(): Promise<void>;
  /** Not serving, drain, close. Resolves when nothing is left. */
  stop(): Promise<void>;
}

export async function serve(options: ServeOptions): Promise<Result<Service, readonly LocatedProblem[]>> {
  // Nothing waits yet that a thread of its own would keep free.
  const loaded = await load(options);
  return loaded.ok ? serveLoaded(options, loaded.value) : err(loaded.error.problems);
}

async function serveLoaded(
  options: ServeOptions,
  loaded: LoadedConfig,
): Promise<Result<Service, readonly LocatedProblem[]>> {
  const { server, access } = loaded;
  const outputs = openOutputs(server.audit.destination, server.log_level);
  const { logger } = outputs;
  const held: { generations?: Generations } = {};
  const metrics = createMetrics({ version: options.version, node: process.versions.node });
  const relay = createNewsRelay();
  const stores = openStores(server, {
    clock: systemClock,
    timers: systemTimers,
    entropy: systemEntropy,
    logger,
    // Those of the generation in force: a rotation by reload is one for what is stored, too.
    secrets: () => (held.generations?.current().loaded.access ?? access).shared_secret,
    onCorrupt: metrics.store.observeCorrupt,
    news: relay.news,
  });
  const lasting: Lasting = {
    sessions: stores.sessions,
    messages: createSignedMessages({ clock: systemClock }),
    once: stores.once,
    facts: stores.facts,
    clock: systemClock,
    entropy: systemEntropy,
    logger,
  };
  const [compiled, refusal] = await Promise.all([compile(loaded, lasting, undefined), stores.outside?.refusal()]);
  if (!compiled.ok || refusal !== undefined) await stores.sessions.close();
  if (!compiled.ok) return compiled;
  if (refusal !== undefined) {
    for (const idp of compiled.value.idps) idp.close();
    closeRecordSources(compiled.value.records);
    await outputs.close();
    throw new Error(refusal);
  }
  for (const idp of compiled.value.idps) idp.start();
  const generations = createGenerations(compiled.value, lasting, (watched, signal) =>
    loadInWorker(options, watched, { signal }),
  );
  held.generations = generations;
  const { outside } = stores;
  if (outside !== undefined) metrics.store.report(() => ({ connections: outside.health(), lease: outside.lease() }));
  const service = await start({ outputs, stores, relay, lasting, generations, metrics });
  logProblems(logger, await warningsOf(loaded, compiled.value));
  return ok(service);
}

type Parts = {
  readonly outputs: Outputs;
  readonly stores: Stores;
  readonly relay: ReturnType<typeof createNewsRelay>;
  readonly lasting: Lasting;
  readonly generations: Generations;
  readonly metrics: Metrics;
};

/** What is opened last says that Doorward is ready; where anything cannot be opened, all of it is closed again. @throws Error with a sentence */
async function start(parts: Parts): Promise<Service> {
  const { outputs, stores, lasting, generations, metrics } = parts;
  const { logger } = outputs;
  const { server, access } = generations.current().loaded;
  const state = { isDraining: false };
  const close: (() => Promise<void>)[] = [() => outputs.close(), () => stores.sessions.close()];
  const closeAll = async (): Promise<void> => {
    for (const idp of generations.current().idps) idp.close();
    closeRecordSources(generations.current().records);
    for (const each of close.reverse()) await each();
  };
  try {
    await openListeners(parts, state, close);
  } catch (error) {
    await closeAll();
    throw error;
  }
  metrics.observeReload({ ok: true, generation: 1, atSeconds: lasting.clock.now() });
  const reloader = createReloader(parts);
  const { grpc_address, ops_address } = server;
  logger.info({ grpc_address, ops_address, routes: access.routes.length }, 'ready');
  return {
    reload: () => reloader.reload(),
    stop: async () => {
      state.isDraining = true;
      reloader.close();
      generations.close();
      logger.info({}, 'draining');
      await closeAll();
    },
  };
}

/** `close` gets how to close each, to be called from the last to the first. The Check listener is drained before anything that it needs. */
async function openListeners(
  { outputs, stores, relay, lasting, generations, metrics }: Parts,
  state: { readonly isDraining: boolean },
  close: (() => Promise<void>)[],
): Promise<void> {
  const { logger, audit } = outputs;
  const { server } = generations.current().loaded;
  const live = (): Live => generations.current().live;
  const holds = composeHolds({ lasting, stores, audit, metrics, live });
  relay.listen(holds.news);
  const idps = (): readonly string[] => generations.current().loaded.access.idps.map(({ name }) => name);
  await openAdminListeners(
    server,
    { sessions: stores.sessions, streams: holds, idps, audit, clock: lasting.clock, entropy: lasting.entropy, logger },
    close,
  );
  const keepFresh = createKeepFresh({
    ...lasting,
    timers: systemTimers,
    observe: (refresh) => {
      metrics.observeRefresh(refresh);
    },
  });
  const checks = await createCheckServer({
    handler: composeHandler({ lasting, audit, metrics, keepFresh, live }),
    holds,
    address: server.grpc_address,
    tls: server.grpc_tls,
    insecure: server.grpc_insecure,
    inFlightMax: server.checks_in_flight_max,
    logger,
  });
  metrics.reportInFlight(() => checks.inFlight());
  metrics.reportRecords(() => observedRecords(generations.current().records, lasting.clock.now()));
  try {
    const ops = await startOpsServer(server.ops_address, {
      expose: () => metrics.expose(),
      components: () =>
        componentsOf(generations.current(), stores, { clock: lasting.clock, isDraining: state.isDraining }),
    });
    close.push(() => ops.close());
  } finally {
    close.push(
      () => checks.drain(DRAIN_MS),
      // Held calls do not end by themselves: no drain would.
      () => {
        holds.close(generations.current().loaded.access.streams?.on_shutdown ?? 'cut');
        return Promise.resolve();
      },
      // Before, while Checks are still answered: what a provider has given is stored, and nothing new is begun.
      () => keepFresh.close(),
    );
  }
}

/** Reads anew on demand and when a file changed. */
function createReloader({ outputs, generations, metrics, lasting }: Parts): { reload(): Promise<void>; close(): void } {
  const { logger } = outputs;
  let watch: FileWatch | undefined;
  let isClosed = false;
  const watchAgain = (files: LoadedConfig['files']): void => {
    watch?.close();
    if (isClosed) return;
    watch = watchFiles(files, () => void reload(), { readFile: readRegularFile });
  };
  const reload = async (): Promise<void> => {
    outputs.reopenAudit();
    const reloaded = await generations.reload();
    const { live } = generations.current();
    metrics.observeReload({
      ok: reloaded.kind === 'swapped',
      generation: live.generation.number,
      atSeconds: lasting.clock.now(),
    });
    if (reloaded.kind === 'swapped') {
      const { generation, waitsForRestart, warnings } = reloaded;
      logProblems(logger, warnings);
      logger.info({ generation, waits_for_restart: waitsForRestart }, 'a new configuration is in force');
    } else {
      logProblems(logger, reloaded.problems);
      logger.error({ generation: live.generation.number }, 'the new configuration was refused; the one before stays');
    }
    watchAgain(reloaded.files);
  };
  watchAgain(generations.current().loaded.files);
  return {
    reload,
    close: () => {
      isClosed = true;
      watch?.close();
    },
  };
}

function logProblems(logger: Logger, problems: readonly LocatedProblem[]): void {
  for (const { severity, file, line, column, message } of problems) {
    const at = { at: `${file}:${line}:${column}` };
    if (severity === 'error') logger.error(at, message);
    else if (severity === 'warning') logger.warn(at, message);
    else logger.info(at, message);
  }
}
