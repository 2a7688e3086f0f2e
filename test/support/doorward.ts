/** The built Doorward, run as a user runs it: `node dist/main.js serve -c doorward.yaml`. */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { stringify } from 'yaml';

import type { AuditRecord } from '../../src/core/audit/audit-record.ts';
import type { ChangeRecord } from '../../src/core/audit/change-record.ts';
import type { StreamRecord } from '../../src/core/audit/stream-record.ts';
import { startProgram, untilReady } from './child-process.ts';
import type { Program, RunningProgram } from './child-process.ts';
import type { Address } from './envoy.ts';
import { freePort } from './ports.ts';
import { PROJECT_ROOT } from './project.ts';
import { fetchText } from './raw-http.ts';
import type { RawResponse } from './raw-http.ts';
import type { TemporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait.ts';

/** doorward.yaml as plain data. */
export type ConfigFile = { readonly [key: string]: unknown };

export type CommandResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type DoorwardSettings = {
  readonly folder: TemporaryFolder;
  /** Where Envoy asks. */
  readonly address: Address;
  /** All but the addresses. */
  readonly config: ConfigFile;
  readonly env?: Readonly<Record<string, string>>;
};

export type RunningDoorward = {
  readonly pid: number;
  readonly address: Address;
  readonly opsPort: number;
  readonly configFile: string;
  readonly auditFile: string;
  output(): string;
  exitCode(): number | undefined;
  /** From the listener for health and metrics. */
  ops(path: string): Promise<RawResponse>;
  /** The audit so far: of Checks. */
  audit(): readonly AuditRecord[];
  /** The same of what came of what administrators changed, and of what they asked for. */
  changes(): readonly ChangeRecord[];
  changesAsked(): readonly ChangeRecord[];
  /** The same of streams that were cut or refused. */
  streams(): readonly StreamRecord[];
  /** The first record that fits, waited for, since the audit is written in batches. */
  auditOf(fits: (record: AuditRecord) => boolean): Promise<AuditRecord>;
  /** Replaces the file, as an editor would. Doorward sees it by itself. */
  writeConfig(config: ConfigFile): void;
  /** `doorward <args>` beside the server. */
  command(args: readonly string[]): Promise<CommandResult>;
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
};

/** What `openssl rand -base64 32` makes. */
export const newSecret = (): string => randomBytes(32).toString('base64');

const MAIN = join(PROJECT_ROOT, 'dist', 'main.js');
const COMMAND_TIMEOUT_MS = 20_000;

export function runDoorward(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const options = { env: { ...process.env, ...env }, timeout: COMMAND_TIMEOUT_MS };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

const isOfKind = (record: object, kind: string): boolean => 'kind' in record && record.kind === kind;

const parseLines = (text: string): readonly AuditRecord[] =>
  text
    .split('\n')
    // The last line may still be on its way.
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditRecord);

function handle(
  program: RunningProgram,
  settings: DoorwardSettings,
  files: { readonly configFile: string; readonly auditFile: string },
  opsPort: number,
  write: (config: ConfigFile) => void,
): RunningDoorward {
  const records = (): readonly (AuditRecord | ChangeRecord | StreamRecord)[] =>
    existsSync(files.auditFile) ? parseLines(readFileSync(files.auditFile, 'utf8')) : [];
  const changes = (): readonly ChangeRecord[] =>
    records().filter((record): record is ChangeRecord => isOfKind(record, 'administration'));
  const audit = (): readonly AuditRecord[] => records().filter((record): record is AuditRecord => !('kind' in record));
  return {
    pid: program.pid,
    address: settings.address,
    opsPort,
    ...files,
    output: () => program.output(),
    exitCode: () => program.exitCode(),
    ops: (path) => fetchText({ port: opsPort }, path),
    audit,
    changes: () => changes().filter(({ outcome }) => outcome !== 'asked'),
    changesAsked: () => changes().filter(({ outcome }) => outcome === 'asked'),
    streams: () => records().filter((record): record is StreamRecord => isOfKind(record, 'stream')),
    auditOf: (fits) => waitFor('an audit record', () => audit().find(fits), 5000),
    writeConfig: write,
    command: (args) => runDoorward(args, settings.env),
    signal: (name) => program.signal(name),
    stop: () => program.stop(),
  };
}

/** The capabilities by which root reads and writes what no mode lets it. A service has none of them. */
const BEYOND_MODES = '-dac_override,-dac_read_search';

/** The command, such that a file without read permission cannot be read, by root neither. */
function asNobodySpecial([command, ...args]: readonly [string, ...string[]]): Pick<Program, 'command' | 'args'> {
  if (process.getuid?.() !== 0) return { command, args };
  return { command: 'setpriv', args: [`--bounding-set=${BEYOND_MODES}`, '--', command, ...args] };
}

/** Starts it and waits until it says that it is ready. @throws Error with its output when it does not come up. */
export async function startDoorward(settings: DoorwardSettings): Promise<RunningDoorward> {
  if (!existsSync(MAIN)) throw new Error('dist/main.js is not there: run "npm run build" first');
  const { folder } = settings;
  const configFile = folder.file('doorward.yaml');
  const auditFile = folder.file('audit.jsonl');
  const opsPort = await freePort();
  const addresses = {
    grpc_address: settings.address,
    ops_address: `127.0.0.1:${opsPort}`,
    admin_socket: folder.file('admin.sock'),
    audit: { destination: auditFile },
  };
  const write = (config: ConfigFile): void => {
    // Renamed into place, so that nobody reads half a file.
    writeFileSync(`${configFile}.new`, stringify({ ...addresses, ...config }));
    renameSync(`${configFile}.new`, configFile);
  };
  write(settings.config);
  const program = startProgram({
    name: 'doorward',
    ...asNobodySpecial([process.execPath, MAIN, 'serve', '-c', configFile]),
    ...(settings.env === undefined ? {} : { env: settings.env }),
  });
  await untilReady('Doorward', program, async () => (await fetchText({ port: opsPort }, '/readyz')).status === 200);
  return handle(program, settings, { configFile, auditFile }, opsPort, write);
}
