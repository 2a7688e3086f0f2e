/**
 * What becomes of each key of a Pomerium configuration, and the same configuration as a doorward.yaml. Reads the tree as it is written: what a
 * variable or a file holds never gets here.
 */

import { isAbsolute, join, relative } from 'node:path';
import { stringify } from 'yaml';
import type { ScalarTag, Tags } from 'yaml';
import type { ImportedKey } from '../../core/imported-key.ts';
import type { LocatedProblem, Tree, TreePath } from '../../core/problem.ts';
import type { OtherReading } from './other-readings.ts';
import { foreignGlobalKeys, foreignRouteKeys, type ForeignKey } from './schema/pomerium-keys.ts';
import { emptyTree, entriesOf, isList, valueAt } from './tree.ts';
import type { YamlTree } from './yaml-tree.ts';

/** What a file without these keys is taken to mean: every decision and every header as Pomerium makes them. */
export const importedSemantics = { policy_semantics: 'pomerium', identity_semantics: 'pomerium' } as const;

const LISTS = ['policy', 'routes'] as const;

/** Routes of which no request ever gets to an HTTP filter of one's own Envoy. */
export const isHttpRoute = (from: unknown): boolean =>
  typeof from !== 'string' || !/^(?:tcp|udp|ssh)(?:\+[a-z]+)?:/i.test(from);

const NOT_HTTP = 'Doorward judges HTTP requests, so this route is left out, and nobody gets in by it';

type Spot = { readonly line: number; readonly column: number };

const isBefore = (a: Spot, b: Spot): boolean => a.line < b.line || (a.line === b.line && a.column < b.column);

/** One for each key at the top of the file and of its routes, and for what is missing, in order of position. `problems`: all that was found. */
export function importedKeys(yaml: YamlTree, problems: readonly LocatedProblem[]): readonly ImportedKey[] {
  const entries = [...entriesOfFile(yaml)].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  const errors = new Map<ImportedKey, string[]>();
  const notes = new Map<ImportedKey, string[]>();
  const rest: ImportedKey[] = [];
  for (const problem of problems) {
    const missing = /^`([a-z_]+)` is missing/.exec(problem.message)?.[1];
    const entry = missing === undefined ? entries.findLast((each) => !isBefore(problem, each)) : undefined;
    const said = problem.severity === 'error' ? errors : notes;
    if (entry !== undefined) said.set(entry, [...(said.get(entry) ?? []), problem.message]);
    else if (problem.severity === 'error') {
      const { line, column, message } = problem;
      rest.push({ line, column, key: missing ?? '', verdict: 'refused', why: message });
    }
  }
  const judged = entries.map((key): ImportedKey => {
    const error = errors.get(key)?.join('; ');
    const noted = notes.get(key);
    if (error !== undefined) return { ...key, verdict: 'refused', why: error };
    // Of what does not apply, the verdict says it.
    return noted === undefined || key.verdict !== 'applies' ? key : { ...key, notes: noted };
  });
  return [...judged, ...rest].sort((a, b) => a.line - b.line || a.column - b.column);
}

function entriesOfFile(yaml: YamlTree): readonly ImportedKey[] {
  const entries: ImportedKey[] = [];
  const add = (path: TreePath, fate: ForeignKey | undefined, route: Tree | undefined): void => {
    const isLeftOut = route !== undefined && !isHttpRoute(route);
    entries.push({
      ...yaml.positionOf(path, true),
      key: String(path.at(-1)),
      ...(typeof route === 'string' ? { route } : {}),
      ...(isLeftOut ? { verdict: 'ignored', why: NOT_HTTP } : verdictOf(fate)),
    });
  };
  for (const [key, value] of entriesOf(yaml.tree)) {
    add([key], fateOf(foreignGlobalKeys, String(key)), undefined);
    if (!LISTS.some((list) => list === key)) continue;
    for (const [index, route] of entriesOf(value))
      for (const [inner] of entriesOf(route)) {
        const from = entriesOf(route).find(([name]) => name === 'from')?.[1];
        add([key, index, inner], fateOf(foreignRouteKeys, String(inner)), from ?? '');
      }
  }
  return entries;
}

const fateOf = (keys: { readonly [key: string]: ForeignKey }, key: string): ForeignKey | undefined =>
  Object.hasOwn(keys, key) ? keys[key] : undefined;

const verdictOf = (fate: ForeignKey | undefined): Pick<ImportedKey, 'verdict' | 'why'> => {
  if (fate === undefined) return { verdict: 'applies' };
  if (fate.fate === 'envoy') return { verdict: 'envoy' };
  return { verdict: fate.fate === 'unused' ? 'ignored' : 'refused', why: fate.why };
};

/**
 * The text of a doorward.yaml that decides as the file does: what applies, as it is written, secrets by variable or file included. Paths are
 * meant from `folders.to`. `others`: numbers that keep the form in which they are written.
 */
export function doorwardYaml(
  written: Tree,
  others: readonly OtherReading[],
  folders: { readonly from: string; readonly to: string },
): string {
  const mark = unusedText(written);
  const numbers = others.filter(({ path }) => typeof valueAt(written, path) === 'number');
  const tree = numbers.reduce((rest, { path, written: text }) => withText(rest, path, `${mark}${text}`), written);
  const file = emptyTree();
  for (const [key, value] of Object.entries(importedSemantics)) file[key] = value;
  for (const [key, value] of entriesOf(tree)) {
    if (fateOf(foreignGlobalKeys, String(key)) !== undefined) continue;
    file[key] = LISTS.some((list) => list === key) ? routesOf(value, folders) : rebased(String(key), value, folders);
  }
  const asWritten: ScalarTag = {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    identify: (value) => typeof value === 'string' && value.startsWith(mark),
    resolve: (text) => text,
    stringify: ({ value }) => String(value).slice(mark.length),
  };
  const options = { lineWidth: 0, aliasDuplicateObjects: false, customTags: (tags: Tags) => [asWritten, ...tags] };
  return `# Made by \`doorward import pomerium\`.\n${stringify(file, options)}`;
}

/** A text that is nowhere in the tree. */
function unusedText(tree: Tree): string {
  const all = JSON.stringify(tree);
  let text = 'as-written-';
  while (all.includes(text)) text += '-';
  return text;
}

/** The same tree with another value at a path that it has. */
function withText(tree: Tree, path: TreePath, text: string): Tree {
  const [first, ...rest] = path;
  if (first === undefined) return text;
  if (isList(tree)) return tree.map((item, index) => (index === first ? withText(item, rest, text) : item));
  const copy = emptyTree();
  for (const [key, value] of entriesOf(tree)) copy[key] = key === first ? withText(value, rest, text) : value;
  return copy;
}

type Folders = { readonly from: string; readonly to: string };

function routesOf(routes: Tree, folders: Folders): Tree {
  const kept = entriesOf(routes).map(([, route]): Tree | undefined => {
    const copy = emptyTree();
    for (const [key, value] of entriesOf(route)) {
      if (key === 'from' && !isHttpRoute(value)) return undefined;
      if (fateOf(foreignRouteKeys, String(key)) === undefined) copy[key] = rebased(String(key), value, folders);
    }
    return copy;
  });
  return kept.filter((route) => route !== undefined);
}

/** Values of `..._file` keys, also within sections, so that they name the same files from another folder. */
function rebased(key: string, value: Tree, folders: Folders): Tree {
  const namesFiles = key.endsWith('_file');
  if (namesFiles && typeof value === 'string') return rebasedPath(value, folders);
  if (namesFiles && isList(value)) return value.map((item) => rebased(key, item, folders));
  if (value === null || typeof value !== 'object' || isList(value)) return value;
  const copy = emptyTree();
  for (const [inner, item] of Object.entries(value)) copy[inner] = rebased(inner, item, folders);
  return copy;
}

const rebasedPath = (path: string, { from, to }: Folders): string =>
  isAbsolute(path) || path.startsWith('$') || from === to ? path : relative(to, join(from, path));
