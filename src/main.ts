#!/usr/bin/env node
/** The bin: reads argv, composes what the command needs, and hands it over. */

import { readFileSync } from 'node:fs';

import { Command, Option } from 'commander';

import { caseOfOptions, type CaseOptions } from './cli/case-options.ts';
import { checkCommand } from './cli/check.ts';
import { explainCommand } from './cli/explain.ts';
import { formatProblems } from './cli/format-problems.ts';
import { replayCommand } from './cli/replay.ts';
import { importPomeriumCommand } from './cli/import-pomerium.ts';
import { sessionCommand, type SessionAction, type SessionCommand } from './cli/session.ts';
import { streamCommand, type StreamAction } from './cli/stream.ts';
import { testCommand } from './cli/test.ts';
import type { LoadedConfig } from './adapters/config/load-config.ts';
import { load } from './compose/load.ts';
import { checkedConfig } from './compose/checked-config.ts';
import { importPomerium, writeNewFile } from './compose/import-pomerium.ts';
import { loadCase, loadGeneration, loadTests, testFiles } from './compose/policy-cases.ts';
import { linesOf, replayJudge } from './compose/replay.ts';
import { serve, type Service } from './compose/serve.ts';
import { openSessionAccess, type AccessOptions } from './compose/session-access.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** https://no-color.org */
const color = process.stderr.isTTY && (process.env['NO_COLOR'] ?? '') === '';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const configOption = new Option('-c, --config <file>', 'the configuration').default('doorward.yaml');
const outputOption = new Option('-o, --output <format>', 'how to answer').choices(['text', 'json']).default('text');

type Output = 'text' | 'json';

async function runServe({ config }: { readonly config: string }): Promise<void> {
  const started = await serve({ configFile: config, env: process.env, version });
  if (!started.ok) {
    process.stderr.write(`${formatProblems(started.error, { color })}\ndoorward does not start: see above\n`);
    process.exitCode = EXIT_FAILED;
    return;
  }
  handleSignals(started.value);
}

/** SIGHUP reloads. SIGTERM and SIGINT drain; a second one ends at once. */
function handleSignals(service: Service): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) process.exit(EXIT_FAILED);
    isStopping = true;
    void service.stop();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGHUP', () => void service.reload());
}

async function runCheck({ config, output }: { readonly config: string; readonly output: Output }): Promise<void> {
  process.exitCode = await checkCommand({
    load: () => checkedConfig({ configFile: config, env: process.env }),
    write: (text) => process.stdout.write(text),
    output,
    color: process.stdout.isTTY && color,
  });
}

async function runTest(paths: readonly string[], { output }: { readonly output: Output }): Promise<void> {
  process.exitCode = await testCommand({
    files: () => testFiles(paths),
    load: (file) => loadTests(file, process.env),
    write: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    output,
    color: process.stdout.isTTY && color,
  });
}

type ExplainOptions = CaseOptions & { readonly config: string; readonly output: Output; readonly case?: string };

async function runExplain(url: string | undefined, options: ExplainOptions): Promise<void> {
  const { config, output, case: file, ...about } = options;
  process.exitCode = await explainCommand({
    given: async () => {
      const isSaidTwice = file !== undefined && (url !== undefined || Object.keys(about).length > 0);
      if (isSaidTwice || (file === undefined && url === undefined))
        return { ok: false, error: ['say either a URL, with options about who asks, or --case with a file'] };
      if (file === undefined) return caseOfOptions(url ?? '', about);
      const loaded = await loadCase(file);
      if (loaded.ok) return loaded;
      const text = formatProblems(loaded.error, { color: color && output === 'text' });
      return { ok: false, error: text.split('\n') };
    },
    load: () => loadGeneration({ configFile: config, env: process.env }),
    write: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    output,
    color: process.stdout.isTTY && color,
  });
}

type ReplayOptions = { readonly config: string; readonly audit: string; readonly output: Output };

async function runReplay({ config, audit, output }: ReplayOptions): Promise<void> {
  process.exitCode = await replayCommand({
    load: () => replayJudge({ configFile: config, env: process.env }),
    lines: () => linesOf(audit),
    write: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    output,
    color,
  });
}

async function runImportPomerium(
  file: string,
  { output, write: target }: { readonly output: Output; readonly write?: string },
): Promise<void> {
  process.exitCode = await importPomeriumCommand({
    file,
    load: () => importPomerium({ configFile: file, env: process.env }),
    write: (text) => process.stdout.write(text),
    output,
    color: process.stdout.isTTY && color,
    target,
    save: writeNewFile,
  });
}

type SessionOptions = AccessOptions & { readonly config: string; readonly output: Output };

const runSession = (action: SessionAction, options: SessionOptions): Promise<void> =>
  runAtService(options, (command) => sessionCommand(action, command));
const runStream = (action: StreamAction, options: SessionOptions): Promise<void> =>
  runAtService(options, (command) => streamCommand(action, command));

async function runAtService(
  { config, output, ...options }: SessionOptions,
  run: (command: SessionCommand) => Promise<0 | 1 | 2>,
): Promise<void> {
  const access = await openSessionAccess(options, () => configOf(config));
  if (!access.ok) {
    process.stderr.write(`doorward: ${access.error}\n`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  try {
    process.exitCode = await run({
      ask: access.value.ask,
      write: (text) => process.stdout.write(text),
      writeError: (text) => process.stderr.write(text),
      output,
    });
  } finally {
    await access.value.close();
  }
}

/** @throws Error that says what is wrong with it */
async function configOf(file: string): Promise<LoadedConfig> {
  const loaded = await load({ configFile: file, env: process.env });
  if (!loaded.ok)
    throw new Error(`the configuration cannot be used:\n${formatProblems(loaded.error.problems, { color })}`);
  return loaded.value;
}

/** Whoever reads has had enough (`| head`): there is nobody to tell the rest to, and no result. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_USAGE);
});

const program = new Command('doorward')
  .description('Zero-trust access for the Envoy you already run.')
  .version(version)
  .showHelpAfterError()
  .exitOverride();

program
  .command('serve')
  .description('answer Envoy’s checks (SIGHUP reloads, SIGTERM drains)')
  .addOption(configOption)
  .action(runServe);

program
  .command('check')
  .description('read a configuration as serve would, and say all that is wrong with it')
  .addOption(configOption)
  .addOption(outputOption)
  .action(runCheck);

const several = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

program
  .command('test')
  .description('judge the cases of policy test files, and say where a policy does not decide as they expect')
  .argument('[paths...]', 'files, or folders with *.test.yaml in them', ['policies'])
  .addOption(outputOption)
  .action(runTest);

program
  .command('explain')
  .description('say what a request comes to and why: the route, each rule and criterion, and what would have to change')
  .argument('[url]', 'what is asked for')
  .addOption(configOption)
  .option('-u, --user <user>', 'who is signed in: an e-mail address, or the subject at the identity provider')
  .option('--email <address>', 'where --user is the subject')
  .option('-g, --group <group>', 'a group of the user (repeatable)', several)
  .option('--claim <name=value>', 'a claim of the user (repeatable); JSON, or text', several)
  .option('--idp <name>', 'the provider that signed in')
  .option('--acr <acr>', 'how strongly')
  .option('--risk <level>', 'how risky transmitters say that the user is: low, medium or high')
  .option('--auth-time <instant>', 'when')
  .option('-X, --method <method>', 'of the request (GET)')
  .option('-H, --header <header>', 'of the request, "name: value" (repeatable)', several)
  .option('--body <text>', 'of the request')
  .option('--ip <address>', 'the client’s, as Envoy sees it')
  .option('--route <id>', 'the route that Envoy pins')
  .option('--time <instant>', 'when it is asked, for example 2026-03-04T09:30:00Z')
  .option('--case <file>', 'all of this from a file, written as `given` in a policy test')
  .addOption(outputOption)
  .action(runExplain);

program
  .command('replay')
  .description('judge the requests of an audit again under another configuration, and list what would change')
  .requiredOption('-a, --audit <file>', 'the audit, JSON lines; `-` for standard input')
  .addOption(configOption)
  .addOption(outputOption)
  .action(runReplay);

program
  .command('import')
  .description('take over the configuration of another product')
  .command('pomerium <file>')
  .description('say of each key of a Pomerium configuration what becomes of it, and write it as a doorward.yaml')
  .addOption(outputOption)
  .option('-w, --write <file>', 'write a doorward.yaml that decides the same, unless something is refused')
  .action(runImportPomerium);

const session = program.command('session').description('list and end sessions');
const serviceOptions = (command: Command): Command =>
  command
    .addOption(configOption)
    .option('-s, --socket <path>', 'its admin socket (from the configuration if not given)')
    .addOption(new Option('--address <host:port>', 'its admin address').conflicts('socket'))
    .option('--token-file <file>', 'the token to show at --address')
    .option('--ca <file>', 'PEM authorities of the certificate at --address')
    .option('--cert <file>', 'PEM certificate to show at --address')
    .option('--key <file>', 'PEM private key of --cert')
    .addOption(outputOption);
const sessionOptions = (command: Command): Command =>
  serviceOptions(command).addOption(
    new Option('--direct', 'no service: the Redis of the configuration itself').conflicts(['socket', 'address']),
  );
const reasonOption = new Option('--reason <text>', 'why, for the audit');
type Reason = { readonly reason?: string };

sessionOptions(session.command('list').description('live sessions, newest first'))
  .option('-u, --user <user>', 'only of this subject or e-mail address')
  .option('-l, --limit <n>', 'at most so many', (text) => Number(text), 100)
  .action((options: SessionOptions & { readonly user?: string; readonly limit: number }) =>
    runSession({ kind: 'list', user: options.user, limit: options.limit }, options),
  );
sessionOptions(session.command('show <session>').description('one session')).action(
  (handle: string, options: SessionOptions) => runSession({ kind: 'show', handle }, options),
);
sessionOptions(session.command('revoke <session>').description('end one session; the next request is refused'))
  .addOption(reasonOption)
  .action((handle: string, options: SessionOptions & Reason) =>
    runSession({ kind: 'revoke', handle, reason: options.reason }, options),
  );
sessionOptions(
  session.command('revoke-user <user>').description('end all sessions of a user, logins under way included'),
)
  .option('--issuer <url>', 'of the user; <user> is then the subject')
  .addOption(reasonOption)
  .action((user: string, options: SessionOptions & Reason & { readonly issuer?: string }) =>
    runSession({ kind: 'revoke-user', user, issuer: options.issuer, reason: options.reason }, options),
  );
sessionOptions(
  session
    .command('revoke-idp <name>')
    .description('end all that an identity provider signed in, logins under way included'),
)
  .addOption(reasonOption)
  .action((idp: string, options: SessionOptions & Reason) =>
    runSession({ kind: 'revoke-idp', idp, reason: options.reason }, options),
  );
sessionOptions(session.command('revoke-all').description('end every session, logins under way included'))
  .addOption(reasonOption)
  .action((options: SessionOptions & Reason) => runSession({ kind: 'revoke-all', reason: options.reason }, options));

const stream = program.command('stream').description('list and cut the streams that a running service holds');
type StreamOptions = SessionOptions & { readonly user?: string; readonly session?: string };

serviceOptions(stream.command('list').description('held streams, oldest first'))
  .option('-u, --user <user>', 'only of this subject or e-mail address')
  .option('--session <session>', 'only of this session')
  .option('-l, --limit <n>', 'at most so many', (text) => Number(text), 100)
  .action((options: StreamOptions & { readonly limit: number }) =>
    runStream({ kind: 'list', ...named(options), limit: options.limit }, options),
  );
serviceOptions(
  stream.command('cut [stream]').description('cut one stream, or those of a session or user, whose session goes on'),
)
  .option('-u, --user <user>', 'all of this subject or e-mail address')
  .option('--session <session>', 'all of this session')
  .addOption(reasonOption)
  .action((id: string | undefined, options: StreamOptions & Reason) =>
    runStream({ kind: 'cut', ...named({ ...options, id }) }, options),
  );

/** What is given of what names streams, and the reason. */
function named(options: {
  readonly id?: string | undefined;
  readonly user?: string;
  readonly session?: string;
  readonly reason?: string;
}): { readonly id?: string; readonly user?: string; readonly session?: string; readonly reason?: string } {
  const { id, user, session: handle, reason } = options;
  const given = Object.entries({ id, user, session: handle, reason }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said what is wrong; help and version come this way too.
  const { code, exitCode } = error as { code?: unknown; exitCode?: unknown };
  if (typeof code === 'string' && code.startsWith('commander.')) {
    process.exitCode = exitCode === 0 ? 0 : EXIT_USAGE;
  } else {
    process.stderr.write(`doorward: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = EXIT_FAILED;
  }
}
