/** A program that runs beside the tests: started, watched, and stopped by its own process id. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

import { waitFor } from './wait.ts';

const OUTPUT_BYTES_MAX = 400_000;
const STOP_TIMEOUT_MS = 8000;

export type Program = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
};

export type RunningProgram = {
  readonly pid: number;
  /** The end of what it wrote, stdout and stderr together. */
  output(): string;
  stdout(): string;
  /** Undefined while it runs; a signal counts as 128. */
  exitCode(): number | undefined;
  /** Resolves with the exit code once it has ended by itself. */
  ended(timeoutMs?: number): Promise<number>;
  signal(name: NodeJS.Signals): void;
  /** Ends it: SIGTERM, and SIGKILL where that is not obeyed. Resolves when it is gone. */
  stop(): Promise<void>;
};

/**
 * A process that outlives this one by a moment: when its stdin ends, however that came about, it ends the programs that are left. jest kills
 * its workers without a word, and an Envoy of yesterday would hold today's ports.
 */
const REAPER = `
left=' '
while read -r sign pid; do
  case $sign in
    +) left="$left$pid " ;;
    -) left=$(printf '%s' "$left" | sed "s/ $pid / /") ;;
  esac
done
for pid in $left; do kill -CONT "$pid"; kill -KILL "$pid"; done
`;

/** A program that nobody stopped must not keep this process running; pipes are sockets to Node, and count too. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket | null)?.unref();
}

let reaper: ChildProcess | undefined;

function tellReaper(sign: '+' | '-', pid: number): void {
  if (reaper === undefined) {
    reaper = spawn('sh', ['-c', REAPER], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    letGo(reaper);
  }
  reaper.stdin?.write(`${sign} ${pid}\n`);
}

export function startProgram(program: Program): RunningProgram {
  const child = spawn(program.command, program.args, {
    env: { ...process.env, ...program.env },
    cwd: program.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid;
  let stdout = '';
  let output = '';
  let code: number | undefined;
  const keep = (text: string, chunk: string): string => (text + chunk).slice(-OUTPUT_BYTES_MAX);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout = keep(stdout, chunk);
    output = keep(output, chunk);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output = keep(output, chunk);
  });
  const closed = new Promise<void>((resolve) => {
    child.once('error', () => {
      code ??= 127;
      resolve();
    });
    child.once('close', (exitCode) => {
      code ??= exitCode ?? 128;
      if (pid !== undefined) tellReaper('-', pid);
      resolve();
    });
  });
  if (pid === undefined) throw new Error(`${program.name}: ${program.command} cannot be started`);
  tellReaper('+', pid);
  letGo(child);

  return {
    pid,
    output: () => output,
    stdout: () => stdout,
    exitCode: () => code,
    ended: (timeoutMs) => waitFor(`${program.name} to end`, () => code, timeoutMs),
    signal: (name) => {
      child.kill(name);
    },
    stop: async () => {
      if (code !== undefined) return;
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await closed;
      clearTimeout(hard);
    },
  };
}

/** Waits until `isReady`; when the program ends before, or it takes too long, the error shows the end of its output. */
export async function untilReady(
  name: string,
  program: RunningProgram,
  isReady: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const startedAt = performance.now();
  const tail = (): string => program.output().slice(-3000);
  try {
    await waitFor(
      `${name} to be ready`,
      async () => {
        if (program.exitCode() !== undefined) return 'ended';
        return (await isReady()) ? 'ready' : undefined;
      },
      timeoutMs,
    );
  } catch (error) {
    await program.stop();
    throw new Error(`${name} is not ready after ${Math.round(performance.now() - startedAt)} ms:\n${tail()}`, {
      cause: error,
    });
  }
  if (program.exitCode() !== undefined) {
    throw new Error(`${name} ended with ${program.exitCode() ?? '?'} before it was ready:\n${tail()}`);
  }
}
