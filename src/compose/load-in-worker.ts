/**
 * Reads a configuration in a thread of its own, so that neither a large file nor a hostile one keeps Checks waiting; its routes are taken
 * over a few at a time. The thread is bounded in time and memory: when it ends or hangs, the configuration is refused, and that is all.
 */

import { Worker } from 'node:worker_threads';

import { digestOf, readRegularFile } from '../adapters/config/file-reader.ts';
import type { ConfigReport, LoadedConfig } from '../adapters/config/load-config.ts';
import type { RouteConfig } from '../core/config.ts';
import type { LocatedProblem, Problem, TreePath } from '../core/problem.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { LoadedHead, LoadReply, LoadRequest } from './load-messages.ts';
import type { ConfigSource } from './load.ts';

/** The largest files allowed take seconds; what takes longer than this is not going to end. */
const TIME_LIMIT_MS = 30_000;
const OWN_URL = new URL('./load-worker.js', import.meta.url);
const MEMORY_MIB_MAX = 2048;
/** Nearly all that the thread makes lives until its end: with little room for what is young, it would be copied over and over. */
const YOUNG_MIB = 192;
/** Taking over so many with five rules each takes about a millisecond. */
const ROUTES_PER_MESSAGE = 32;

/** A LoadedConfig whose text is still held by the thread that read it. */
export type HeldConfig = Omit<LoadedConfig, 'locate'> & {
  /** Until `release`, and within the time limit; afterwards everything is at line 1. */
  readonly locate: (problems: readonly Problem[]) => Promise<readonly LocatedProblem[]>;
  /** Ends the thread. */
  readonly release: () => void;
};

export type WorkerOptions = {
  /** The built `load-worker.js`. */
  readonly workerUrl?: URL;
  readonly timeLimitMs?: number;
  readonly memoryMibMax?: number;
  /** Ends the thread at once. */
  readonly signal?: AbortSignal;
};

/** Never rejects. `watched`: paths of files to be watched where the thread could not tell which ones it has read. */
export async function loadInWorker(
  source: ConfigSource,
  watched: readonly string[] = [source.configFile],
  options: WorkerOptions = {},
): Promise<Result<HeldConfig, ConfigReport>> {
  const thread = new LoadThread(options);
  try {
    const reply = await thread.ask({ kind: 'load', source: { ...source, env: { ...source.env } } });
    if (reply.kind === 'loaded') return ok(await takeOver(reply.head, thread, source.configFile));
    thread.end();
    if (reply.kind === 'refused') return err(reply.report);
    throw new ThreadEnded('gave an answer that was not asked for');
  } catch (error) {
    thread.end();
    if (!(error instanceof ThreadEnded)) throw error;
    const message = `the configuration could not be read: the thread that reads it ${error.message}`;
    const problems = atTop(source.configFile, [{ severity: 'error', path: [], message }]);
    return err({ problems, files: await Promise.all(watched.map(recordOf)) });
  }
}

const atTop = (file: string, problems: readonly Problem[]): readonly LocatedProblem[] =>
  problems.map(({ severity, message }) => ({ severity, file, line: 1, column: 1, message }));

async function takeOver(head: LoadedHead, thread: LoadThread, file: string): Promise<HeldConfig> {
  const { globals, routeCount, ...rest } = head;
  const routes: RouteConfig[] = [];
  const paths: TreePath[] = [];
  while (routes.length < routeCount) {
    const part = await thread.ask({ kind: 'routes', from: routes.length, to: routes.length + ROUTES_PER_MESSAGE });
    if (part.kind !== 'routes' || part.routes.length === 0) throw new ThreadEnded('lost routes');
    routes.push(...part.routes);
    paths.push(...part.paths);
  }
  return {
    ...rest,
    access: { ...globals, routes },
    routePath: (index) => paths[index] ?? ['routes', index],
    locate: async (problems) => {
      if (problems.length === 0) return [];
      const reply = await thread.ask({ kind: 'locate', problems }).catch(() => undefined);
      return reply?.kind === 'located' ? reply.problems : atTop(file, problems);
    },
    release: () => {
      thread.end();
    },
  };
}

/** What the file is now, so that it is read again when it is another one, and not before. */
async function recordOf(path: string): Promise<LoadedConfig['files'][number]> {
  try {
    return { path, digest: digestOf(await readRegularFile(path)) };
  } catch {
    return { path, digest: undefined };
  }
}

/** The thread is over; the message follows "the thread that reads it". */
class ThreadEnded extends Error {}

type Waiting = { readonly resolve: (reply: LoadReply) => void; readonly reject: (why: ThreadEnded) => void };

class LoadThread {
  readonly #worker: Worker;
  readonly #timer: NodeJS.Timeout;
  readonly #listening = new AbortController();
  #waiting: Waiting | undefined;
  #over: ThreadEnded | undefined;

  constructor(options: WorkerOptions) {
    const { workerUrl = OWN_URL, timeLimitMs = TIME_LIMIT_MS, memoryMibMax = MEMORY_MIB_MAX } = options;
    // The environment goes with the request.
    const limits = { maxOldGenerationSizeMb: memoryMibMax, maxYoungGenerationSizeMb: YOUNG_MIB };
    this.#worker = new Worker(workerUrl, { env: {}, resourceLimits: limits });
    this.#worker.on('message', (reply: LoadReply) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.resolve(reply);
    });
    // SECURITY: what it threw may hold parts of the file; only what kind of end it was is told.
    this.#worker.on('error', (error: unknown) => {
      const isFull = (error as { readonly code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
      this.#fail(isFull ? `needed more than ${memoryMibMax} MiB` : 'failed');
    });
    this.#worker.on('messageerror', () => {
      this.#fail('gave an answer that cannot be read');
    });
    this.#worker.on('exit', () => {
      this.#fail('ended before it was done');
    });
    this.#timer = setTimeout(() => {
      this.#fail(`was not done after ${timeLimitMs / 1000} s`);
      this.end();
    }, timeLimitMs);
    const end = (): void => {
      this.end();
    };
    // The signal outlives the thread.
    options.signal?.addEventListener('abort', end, { signal: this.#listening.signal });
  }

  /** One at a time. @throws ThreadEnded */
  ask(request: LoadRequest): Promise<LoadReply> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.postMessage(request);
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#listening.abort();
    this.#fail('was ended');
    void this.#worker.terminate();
  }

  #fail(why: string): void {
    this.#over ??= new ThreadEnded(why);
    this.#waiting?.reject(this.#over);
    this.#waiting = undefined;
  }
}
