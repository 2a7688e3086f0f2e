/** What `doorward import pomerium` looks at: the file as `serve` would read it, in the Pomerium semantics, and what became of each key. */

import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { readRegularFile } from '../adapters/config/file-reader.ts';
import { loadConfig, type LoadedConfig } from '../adapters/config/load-config.ts';
import { doorwardYaml, importedKeys, importedSemantics, isHttpRoute } from '../adapters/config/pomerium-import.ts';
import { readOtherwise, type OtherReading } from '../adapters/config/other-readings.ts';
import { parseYamlTree } from '../adapters/config/yaml-tree.ts';
import type { ImportedFile } from '../cli/import-pomerium.ts';
import type { LocatedProblem } from '../core/problem.ts';
import { compileProblems, type ConfigSource } from './load.ts';

type Part = Pick<LoadedConfig, 'access' | 'routePath'>;

export async function importPomerium({ configFile, env }: ConfigSource): Promise<ImportedFile> {
  const loaded = await loadConfig({
    path: configFile,
    env,
    readFile: readRegularFile,
    assume: importedSemantics,
    findMore: (part) => compileProblems(httpOnly(part)).problems,
  });
  const written = await treeOf(configFile);
  if (written === undefined) {
    return { keys: [], problems: loaded.ok ? [] : loaded.error.problems, routes: undefined, text: () => '' };
  }
  const { yaml, others } = written;
  const { problems, routes } = loaded.ok ? judge(loaded.value) : { ...loaded.error, routes: undefined };
  return {
    keys: importedKeys(yaml, [...problems, ...others.map(noteOf(configFile))]),
    problems: [],
    routes,
    text: (target) => doorwardYaml(yaml.tree, others, { from: folderOf(configFile), to: folderOf(target) }),
  };
}

const noteOf =
  (file: string) =>
  ({ line, column, message }: OtherReading): LocatedProblem => ({
    severity: 'notice',
    file,
    line,
    column,
    message: `${line}:${column}: ${message}`,
  });

function judge(loaded: LoadedConfig): {
  readonly problems: readonly LocatedProblem[];
  readonly routes: number | undefined;
} {
  const part = httpOnly(loaded);
  const { problems, isUsable } = compileProblems(part);
  return {
    problems: [...loaded.notices, ...loaded.locate(problems)],
    routes: isUsable ? part.access.routes.length : undefined,
  };
}

/** Without the routes of tunnels. */
function httpOnly({ access, routePath }: Part): Part {
  const kept = access.routes.flatMap((route, index) => (isHttpRoute(route.from) ? [{ route, index }] : []));
  return {
    access: { ...access, routes: kept.map(({ route }) => route) },
    routePath: (index) => routePath(kept[index]?.index ?? index),
  };
}

/** As it is written, and what of it is read in two ways; undefined where it is no YAML, which the loader has told. */
async function treeOf(file: string) {
  try {
    const text = (await readRegularFile(resolve(file))).toString().replace(/^\ufeff/, '');
    const parsed = parseYamlTree(text);
    if (!parsed.ok || parsed.value.tree === null) return undefined;
    return { yaml: parsed.value, others: readOtherwise(parsed.value, text) };
  } catch {
    return undefined;
  }
}

const folderOf = (file: string): string => dirname(resolve(file));

/** Secrets that the file has are its owner's. */
const OWNER_ONLY = 0o600;

/** Never replaces a file. @throws Error with a sentence */
export async function writeNewFile(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx', OWNER_ONLY);
    await file.writeFile(text);
    await file.close();
  } catch (error) {
    const isThere = (error as { readonly code?: unknown }).code === 'EEXIST';
    throw new Error(isThere ? `${path} is there already` : `${path} cannot be written`, { cause: error });
  }
}
