#!/usr/bin/env node
/** The bin: reads argv, composes what the command needs, and hands it over. */

import { readFileSync } from 'node:fs';

import { Command, Option } from 'commander';

import { checkCommand } from './cli/check.ts';
import { formatProblems } from './cli/format-problems.ts';
import { checkedConfig } from './compose/checked-config.ts';
import { serve, type Service } from './compose/serve.ts';

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
