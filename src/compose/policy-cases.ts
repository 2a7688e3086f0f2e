/** What `doorward test` and `doorward explain` need: files of tests, cases, and configurations compiled to what judges. Nothing is started. */

import { readdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';

import { FileReader, readRegularFile } from '../adapters/config/file-reader.ts';
import { createLocator } from '../adapters/config/locator.ts';
import { parseYamlTree, type YamlTree } from '../adapters/config/yaml-tree.ts';
import type { LoadedTests } from '../cli/test.ts';
import { buildGeneration } from '../core/build-generation.ts';
import { CASE_INSTANT, type AccessCase } from '../core/cases/access-case.ts';
import { CaseProblems } from '../core/cases/case-fields.ts';
import { recordsOf } from '../core/cases/case-records.ts';
import { parseCase } from '../core/cases/parse-case.ts';
import { parsePolicyTests } from '../core/cases/policy-tests.ts';
import type { Generation } from '../core/generation.ts';
import type { LocatedProblem, Problem } from '../core/problem.ts';
import { err, ok, type Result } from '../core/result.ts';
import { judgeCase } from '../judge-case.ts';
import { load, type ConfigSource } from './load.ts';

type Problems = readonly LocatedProblem[];

/** Files that one command may judge, and folders within each other that are looked through. */
const FILES_MAX = 10_000;
const DEPTH_MAX = 32;
const SUFFIX = '.test.yaml';

/** Each path is a file, or a folder with `*.test.yaml` in it or below. @throws Error with a sentence */
export async function testFiles(paths: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const status = await stat(path).catch(() => undefined);
    if (status === undefined) throw new Error(`${path} does not exist, or may not be read`);
    const before = found.length;
    if (status.isDirectory()) await collect(path, 0, found);
    else found.push(path);
    if (found.length === before) throw new Error(`there is no file *${SUFFIX} in ${path}`);
  }
  return [...new Set(found)];
}

/** Links are not followed, and hidden folders not looked into. */
async function collect(folder: string, depth: number, found: string[]): Promise<void> {
  if (depth > DEPTH_MAX) throw new Error(`${folder} is nested more than ${DEPTH_MAX} deep`);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      await collect(path, depth + 1, found);
    else if (entry.isFile() && entry.name.endsWith(SUFFIX)) found.push(path);
    if (found.length > FILES_MAX) throw new Error(`there are more than ${FILES_MAX} files of tests`);
  }
}

/** `env`: of the process; what the file says of a variable wins. */
export async function loadTests(file: string, env: NodeJS.ProcessEnv): Promise<LoadedTests> {
  const none = (problems: Problems): LoadedTests => ({ problems, cases: [], judge: notJudged });
  const read = await readYaml(file);
  if (!read.ok) return none(read.error);
  const parsed = parsePolicyTests(read.value.yaml.tree);
  if (!parsed.ok) return none(read.value.locate(parsed.error));
  const { config, env: own, cases } = parsed.value;
  const configFile = isAbsolute(config) ? config : join(dirname(file), config);
  const loaded = await loadGeneration({ configFile, env: { ...env, ...Object.fromEntries(own) } });
  if (!loaded.ok) return none(loaded.error);
  const problems = cases.flatMap(({ given, path }): readonly Problem[] => {
    const records = recordsOf(given.records, loaded.value.config, given.time ?? CASE_INSTANT);
    return records.ok ? [] : [{ severity: 'error', path: [...path, 'given', 'records'], message: records.error }];
  });
  return {
    problems: read.value.locate(problems),
    cases: cases.map((test) => ({ ...test, line: read.value.yaml.positionOf(test.path, false).line })),
    judge: (given) => judgeCase(given, loaded.value),
  };
}

const notJudged = (): never => {
  throw new Error('a file with errors judges nothing');
};

/** A file with one case in it. */
export async function loadCase(file: string): Promise<Result<AccessCase, Problems>> {
  const read = await readYaml(file);
  if (!read.ok) return read;
  const problems = new CaseProblems();
  const given = parseCase(read.value.yaml.tree, [], problems);
  return given === undefined ? err(read.value.locate(problems.found)) : ok(given);
}

export async function loadGeneration(source: ConfigSource): Promise<Result<Generation, Problems>> {
  const loaded = await load(source);
  if (!loaded.ok) return err(loaded.error.problems);
  const { access, routePath, contentHash, locate } = loaded.value;
  const built = buildGeneration({ config: access, routePath, number: 1, contentHash });
  return built.ok ? ok(built.value.generation) : err(locate(built.error));
}

type ReadYaml = { readonly yaml: YamlTree; readonly locate: (problems: readonly Problem[]) => Problems };

async function readYaml(file: string): Promise<Result<ReadYaml, Problems>> {
  const fault = (message: string, at = { line: 1, column: 1 }): LocatedProblem => ({
    severity: 'error',
    file,
    line: at.line,
    column: at.column,
    message,
  });
  const text = await new FileReader(file, readRegularFile).text(resolve(file));
  if (!text.ok) return err([fault(`the file ${text.error}`)]);
  const yaml = parseYamlTree(text.value.replace(/^\ufeff/, ''));
  if (!yaml.ok) return err(yaml.error.faults.map(({ message, ...at }) => fault(message, at)));
  return ok({ yaml: yaml.value, locate: createLocator({ file, yaml: yaml.value, routePath: () => [] }) });
}
