/**
 * `npm test`: the components, then compile, lint, format, import rule, build, and every jest suite. Each step is counted, so that the
 * last line, `N passed, N failed`, is the truth about all of them; the exit code is 0 only when nothing failed.
 *
 * Arguments go to jest (`npm test -- test/core -t "deny"`); with arguments only the build and those suites run.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { COMPONENTS, MissingComponent, ensure } from './components.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** Two cores are what a small CI machine has; more workers only make the end-to-end suites wait for each other. */
const JEST_WORKERS = 2;

const isWorkerCount = (argument) => argument.startsWith('--maxWorkers=');

const script = (packageName, path) => join(PROJECT, 'node_modules', packageName, path);

/** @type {readonly { name: string, args: readonly string[] }[]} */
const CHECKS = [
  { name: 'compile', args: [script('typescript', 'bin/tsc'), '--noEmit'] },
  { name: 'lint', args: [script('eslint', 'bin/eslint.js'), '.', '--max-warnings', '0'] },
  { name: 'format', args: [script('prettier', 'bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'] },
  {
    name: 'import rule',
    args: [script('dependency-cruiser', 'bin/dependency-cruise.mjs'), '--config', '.dependency-cruiser.cjs', 'src'],
  },
];
const BUILD = { name: 'build', args: [script('typescript', 'bin/tsc'), '-p', 'tsconfig.build.json'] };

/** Runs a Node script in the project with its output in view; resolves to true when it exits with 0. */
const runNode = (args, env = {}) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: PROJECT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });

const say = (line) => {
  console.error(line);
};

const totals = { passed: 0, failed: 0 };
const failedSteps = [];

/** Does one step and counts it. */
const step = async (name, work) => {
  const startedAt = performance.now();
  const isOk = await work();
  const took = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  say(`  ${isOk ? 'ok  ' : 'FAIL'} ${took} s  ${name}`);
  totals[isOk ? 'passed' : 'failed'] += 1;
  if (!isOk) failedSteps.push(name);
  return isOk;
};

const checkComponents = async () => {
  let isComplete = true;
  for (const name of COMPONENTS) {
    try {
      say(`       ${name}: ${await ensure(name, say)}`);
    } catch (error) {
      if (!(error instanceof MissingComponent)) throw error;
      say(error.message);
      isComplete = false;
    }
  }
  return isComplete;
};

const runSuites = async (jestArguments) => {
  const folder = mkdtempSync(join(tmpdir(), 'doorward-test-'));
  const countsFile = join(folder, 'counts.json');
  const args = [
    script('jest', 'bin/jest.js'),
    // --reporters takes a list: another option must follow it, or it would take the arguments for more reporters. So end scripts of package.json
    // in --maxWorkers: what is named after them goes to jest as it is.
    `--reporters=${join(PROJECT, 'tools', 'suite-reporter.cjs')}`,
    `--rootDir=${PROJECT}`,
    ...(jestArguments.some(isWorkerCount) ? [] : [`--maxWorkers=${JEST_WORKERS}`]),
    ...jestArguments,
  ];
  const isOk = await runNode(args, { DOORWARD_SUITE_COUNTS: countsFile });
  const counts = existsSync(countsFile) ? JSON.parse(readFileSync(countsFile, 'utf8')) : { passed: 0, failed: 0 };
  rmSync(folder, { recursive: true, force: true });
  totals.passed += counts.passed;
  // A run that failed without a failed test (jest died, no suite found) is a failure all the same.
  totals.failed += counts.failed === 0 && !isOk ? 1 : counts.failed;
  if (!isOk || counts.failed > 0) failedSteps.push('suites');
};

const main = async (jestArguments) => {
  const startedAt = performance.now();
  if (!existsSync(join(PROJECT, 'node_modules', 'jest'))) {
    say('The packages are not installed. To mend it: run "npm ci".');
    totals.failed += 1;
    return;
  }
  say('Components');
  if (!(await step('components', checkComponents))) return;

  say('Checks');
  if (jestArguments.length === 0) {
    for (const { name, args } of CHECKS) await step(name, () => runNode(args));
  }
  if (await step(BUILD.name, () => runNode(BUILD.args))) {
    say('Suites');
    await runSuites(jestArguments);
  }
  say(`\n${((performance.now() - startedAt) / 1000).toFixed(0)} s in all`);
};

await main(process.argv.slice(2));
if (failedSteps.length > 0) say(`Failed: ${failedSteps.join(', ')}`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;
