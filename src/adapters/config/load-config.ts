/**
 * loadConfig: doorward.yaml and the files that it names, as the AccessConfig that decides and the ServerConfig that a process starts with;
 * or everything that is wrong with them, each with line and column. Must not put a secret, nor what may be one, into a message.
 */

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { AccessConfig, RecordSourceConfig, ShadowConfig } from '../../core/config.ts';
import type { LocatedProblem, Problem, Tree, TreePath } from '../../core/problem.ts';
import { err, ok } from '../../core/result.ts';
import type { Result } from '../../core/result.ts';
import { buildAccess } from './build-access.ts';
import { buildServer } from './build-server.ts';
import { FILE_BYTES_MAX, FileReader } from './file-reader.ts';
import type { ReadFile, ReadFileRecord } from './file-reader.ts';
import { foreignKeyNotices } from './foreign-key-notices.ts';
import { interpolate } from './interpolate.ts';
import type { Environment } from './interpolate.ts';
import { createLocator } from './locator.ts';
import type { Locate } from './locator.ts';
import { ProblemList } from './problem-list.ts';
import type { ServerConfig } from './server-config.ts';
import { checkShape } from './shape.ts';
import { emptyTree, isList, valueAt } from './tree.ts';
import { parseYamlTree } from './yaml-tree.ts';
import type { YamlFaults, YamlTree } from './yaml-tree.ts';

export type LoadedConfig = {
  readonly access: AccessConfig;
  readonly server: ServerConfig;
  /** Where route `index` of `access.routes` stands in the file. */
  readonly routePath: (index: number) => TreePath;
  /** Gives problems that are found later (by compiling) their line and column. */
  readonly locate: Locate;
  /** Warnings and notices, in order of position. */
  readonly notices: readonly LocatedProblem[];
  /** Hex SHA-256 of `access` without its secrets: the same for two files that decide alike. */
  readonly contentHash: string;
  /** The configuration and every file that it names, for `watchFiles`. */
  readonly files: readonly ReadFileRecord[];
};

export type ConfigReport = {
  /** In order of position; at least one is an error. */
  readonly problems: readonly LocatedProblem[];
  readonly files: readonly ReadFileRecord[];
};

export type LoadOptions = {
  readonly path: string;
  readonly env: Environment;
  readonly readFile: ReadFile;
  /** Processors that `workers: auto` may use; those of the machine if not given. */
  readonly processors?: number;
  /** Values of keys at the top of the file that it does not have. */
  readonly assume?: { readonly [key: string]: Tree };
  /** The file is the `shadow_file` of another one. */
  readonly isShadow?: boolean;
  /**
   * What compiling finds in `access`, with paths of the file. Called only when the load fails, with what is sound of the file, so that the
   * report has everything that is wrong; whoever gets a LoadedConfig compiles it himself.
   */
  readonly findMore?: (part: Pick<LoadedConfig, 'access' | 'routePath'>) => readonly Problem[];
};

export async function loadConfig(options: LoadOptions): Promise<Result<LoadedConfig, ConfigReport>> {
  const files = new FileReader(options.path, options.readFile);
  const text = await files.text(resolve(options.path), FILE_BYTES_MAX);
  const whole = (message: string): Result<never, ConfigReport> => {
    const problem = { severity: 'error', file: options.path, line: 1, column: 1, message } as const;
    return err({ problems: [problem], files: files.files });
  };
  if (!text.ok) return whole(`the file ${text.error}`);
  const yaml = parseYamlTree(text.value.replace(/^\ufeff/, ''));
  if (!yaml.ok) return refuseYaml(yaml.error, files, options);
  if (yaml.value.tree === null) return whole('the file is empty: there is no configuration in it');
  return loadTree(yaml.value, files, options);
}

/** The faults, and what else is wrong in what can be read. */
async function refuseYaml(
  { faults, rest }: YamlFaults,
  files: FileReader,
  options: LoadOptions,
): Promise<Result<never, ConfigReport>> {
  const problems = faults.map((fault): LocatedProblem => ({ severity: 'error', file: options.path, ...fault }));
  if (rest === undefined || rest.tree === null) return err({ problems, files: files.files });
  const loaded = await loadTree(rest, files, options);
  const more = loaded.ok
    ? [...loaded.value.notices, ...loaded.value.locate(options.findMore?.(loaded.value) ?? [])]
    : loaded.error.problems;
  const isTold = (problem: LocatedProblem): boolean =>
    problem.file === options.path &&
    problems.some(({ line, column }) => line === problem.line && column === problem.column);
  const all = [...problems, ...more.filter((problem) => !isTold(problem))];
  const here = all.filter(({ file }) => file === options.path).sort((a, b) => a.line - b.line || a.column - b.column);
  return err({
    problems: [...here, ...all.filter(({ file }) => file !== options.path)],
    files: loaded.ok ? loaded.value.files : loaded.error.files,
  });
}

async function loadTree(
  yaml: YamlTree,
  files: FileReader,
  options: LoadOptions,
): Promise<Result<LoadedConfig, ConfigReport>> {
  const { tree: written, problems: unset } = interpolate(yaml.tree, options.env);
  const tree = assuming(written, options.assume ?? {});
  const shape = checkShape(tree);
  const incomplete = new ProblemList(unset);
  const problems = new ProblemList([...unset, ...shape.problems.filter(({ path }) => !incomplete.isFaulty(path))]);
  foreignKeyNotices(yaml.tree, problems);
  const { sound } = shape;
  const context = { files, problems, pathOf: shape.pathOf, environment: options.env };
  const { processors } = options;
  const built = sound === undefined ? undefined : await buildAccess(sound, context);
  const server =
    sound === undefined
      ? undefined
      : await buildServer(sound, { ...context, ...(processors === undefined ? {} : { processors }) });

  const shadow = await loadShadow(sound?.shadow_file, context, options);
  const allFiles = [...files.files, ...(shadow === undefined ? [] : (shadow.ok ? shadow.value : shadow.error).files)];
  const routePath = (index: number): TreePath => built?.routePaths[index] ?? ['routes', index];
  const locateHere = createLocator({ file: options.path, yaml, routePath });
  if (built === undefined || server === undefined || problems.hasErrors || shadow?.ok === false) {
    const found = built === undefined ? [] : (options.findMore?.({ access: built.access, routePath }) ?? []);
    const here = locateHere([...problems.all, ...independent(found, problems)]);
    return err({ problems: [...here, ...(shadow?.ok === false ? shadow.error.problems : [])], files: allFiles });
  }
  const access = shadow === undefined ? built.access : { ...built.access, shadow_file: shadowOf(shadow.value) };
  return ok({
    access,
    server,
    routePath,
    locate: shadow === undefined ? locateHere : locateInBoth(locateHere, shadow.value.locate),
    notices: [...locateHere(problems.all), ...(shadow === undefined ? [] : shadow.value.notices)],
    contentHash: hashContent(access, (index, key) => valueAt(yaml.tree, [...routePath(index), key])),
    files: allFiles,
  });
}

/** The file that `shadow_file` names, with all that is wrong with it; undefined where there is none, or it has been complained of here. */
async function loadShadow(
  name: string | undefined,
  { files, problems }: { readonly files: FileReader; readonly problems: ProblemList },
  { env, readFile, isShadow = false, processors }: LoadOptions,
): Promise<Result<LoadedConfig, ConfigReport> | undefined> {
  if (name === undefined) return undefined;
  if (isShadow) {
    problems.error(['shadow_file'], 'a file that is a shadow has no `shadow_file` of its own');
    return undefined;
  }
  const loaded = await loadConfig({
    path: files.resolve(name),
    env,
    readFile,
    isShadow: true,
    ...(processors === undefined ? {} : { processors }),
  });
  if (loaded.ok && loaded.value.access.mode !== 'shadow')
    problems.error(
      ['shadow_file'],
      'the file must say `mode: shadow` at its top, so that nobody takes it for the active one',
    );
  return loaded;
}

/** What is judged beside the file. Its secrets are of no use there, and stay here. */
function shadowOf({ access, routePath, contentHash }: LoadedConfig): ShadowConfig {
  return {
    access: {
      ...access,
      cookie_secret: [],
      shared_secret: [],
      signing_key: [],
      idps: access.idps.map((idp) => ({ ...idp, client_secret: '' })),
      shared_signals: [],
    },
    routePaths: access.routes.map((_, index) => routePath(index)),
    contentHash,
  };
}

/** Problems below `shadow_file` stand in that file. */
const locateInBoth =
  (here: Locate, inShadow: Locate): Locate =>
  (problems) => {
    const isThere = ({ path }: Problem): boolean => path[0] === 'shadow_file' && path.length > 1;
    return [
      ...here(problems.filter((problem) => !isThere(problem))),
      ...inShadow(problems.filter(isThere).map((problem) => ({ ...problem, path: problem.path.slice(1) }))),
    ];
  };

function assuming(tree: Tree, assumed: { readonly [key: string]: Tree }): Tree {
  if (tree === null || typeof tree !== 'object' || isList(tree)) return tree;
  return Object.assign(emptyTree(), assumed, tree);
}

/** Of what compiling an incomplete file finds, the errors that would be there as well if it were complete. */
function independent(found: readonly Problem[], told: ProblemList): readonly Problem[] {
  const areIdpsIncomplete = told.all.some(
    ({ severity, path }) => severity === 'error' && typeof path[0] === 'string' && path[0].startsWith('idp'),
  );
  return found.filter(({ severity, path }) => {
    const isAboutWholeRoute = path.length <= 2 && (path[0] === 'routes' || path[0] === 'policy');
    const isAboutIdp = areIdpsIncomplete && path[2] === 'idp';
    return severity === 'error' && !isAboutWholeRoute && !isAboutIdp && !told.isTouched(path);
  });
}

/**
 * SECURITY: the hash is told in logs, so nothing that could be guessed through it goes in: no secret, and of headers for the upstream (which
 * may hold tokens) what the file has, without what the environment put there.
 */
function hashContent(access: AccessConfig, asWritten: (routeIndex: number, key: string) => Tree | undefined): string {
  const content = {
    ...access,
    shadow_file: access.shadow_file?.contentHash,
    cookie_secret: [],
    shared_secret: [],
    signing_key: [],
    idps: access.idps.map((idp) => ({ ...idp, client_secret: undefined })),
    shared_signals: access.shared_signals?.map((transmitter) => ({ ...transmitter, authorization: undefined })),
    records: access.records?.map((source) => ({ ...source, from: withoutHeaders(source.from) })),
    routes: access.routes.map((route, index) =>
      route.set_request_headers === undefined
        ? route
        : { ...route, set_request_headers: asWritten(index, 'set_request_headers') },
    ),
  };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

/** Where rows come from, without what proves to it who asks. */
const withoutHeaders = (from: RecordSourceConfig['from']): RecordSourceConfig['from'] =>
  from.kind === 'http' ? { ...from, headers: {} } : from;
