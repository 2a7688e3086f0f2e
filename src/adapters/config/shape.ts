/**
 * Checks a tree against the schema of doorward.yaml and says what is wrong key by key: unknown keys with the nearest known one, wrong
 * types, missing keys. Returns with it what is left when all of that is taken away, so that everything else can be checked as well.
 */

import { Ajv } from 'ajv';
import type { ErrorObject } from 'ajv';
import type { Problem, Tree, TreePath } from '../../core/problem.ts';
import { describeErrors } from './describe-errors.ts';
import type { PlacedError } from './describe-errors.ts';
import { fileSchema } from './schema/file-schema.ts';
import type { ConfigFile } from './schema/file-schema.ts';
import { emptyTree, entriesOf, isList, valueAt } from './tree.ts';

export type Shape = {
  readonly problems: readonly Problem[];
  /** The file without its faulty parts; undefined when nothing sensible is left. */
  readonly sound: ConfigFile | undefined;
  /** Where in the file an item of one of the lists of `sound` (routes, providers) stands. */
  readonly pathOf: (item: object) => TreePath;
};

const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, verbose: true });
ajv.addVocabulary(['errorMessage']);
const validate = ajv.compile<ConfigFile>(fileSchema);

/** Taking away a required key spoils what it was in, level by level; there are four. */
const PRUNINGS_MAX = 6;

export function checkShape(tree: Tree): Shape {
  const items = new ItemPaths(tree);
  let problems: readonly Problem[] | undefined;
  let left: Tree = tree;
  for (let round = 0; round < PRUNINGS_MAX; round += 1) {
    if (validate(left)) return { problems: problems ?? [], sound: left, pathOf: (item) => items.of(item) };
    const errors = withoutOtherBranches(place(left, validate.errors ?? []));
    // What later rounds find follows from what was taken away.
    problems ??= describeErrors(tree, errors);
    const removals = errors.map(removalOf);
    if (removals.some((path) => path.length === 0)) break;
    left = prune(left, removals, items);
  }
  return { problems: problems ?? [], sound: undefined, pathOf: (item) => items.of(item) };
}

/** Items of the lists at the top of the file know where they stood, whatever is taken away around them. */
class ItemPaths {
  readonly #paths = new WeakMap<object, TreePath>();

  constructor(tree: Tree) {
    for (const [key, value] of entriesOf(tree))
      for (const [step, item] of entriesOf(value))
        if (typeof item === 'object' && item !== null && !this.#paths.has(item)) this.#paths.set(item, [key, step]);
  }

  of(item: object): TreePath {
    return this.#paths.get(item) ?? [];
  }

  /** `copy` stands where `original` stood. */
  move(original: object, copy: object): void {
    const path = this.#paths.get(original);
    if (path !== undefined) this.#paths.set(copy, path);
  }
}

/** JSON pointers (RFC 6901) to paths: whether a step is an index depends on what it steps into. */
function place(tree: Tree, errors: readonly ErrorObject[]): readonly PlacedError[] {
  return errors.map((error) => {
    const path: (string | number)[] = [];
    let value: Tree | undefined = tree;
    for (const step of error.instancePath.split('/').slice(1)) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      path.push(isList(value) ? Number(key) : key);
      value = value === undefined ? undefined : valueAt(value, path.slice(-1));
    }
    return { path, error };
  });
}

/**
 * Where a value may have one of several forms, ajv reports what each form misses. What was found *inside* the value comes from the form that
 * was meant; complaints about the value as a whole then come from the others.
 */
function withoutOtherBranches(errors: readonly PlacedError[]): readonly PlacedError[] {
  const haveMore = new Set<string>();
  for (const { path, error } of errors) {
    const inside = error.keyword === 'additionalProperties' || error.keyword === 'required' || error.propertyName;
    for (let length = 0; length < path.length + (inside ? 1 : 0); length += 1)
      haveMore.add(JSON.stringify(path.slice(0, length)));
  }
  return errors.filter(
    ({ path, error }) =>
      !((error.keyword === 'anyOf' || error.keyword === 'type') && haveMore.has(JSON.stringify(path))),
  );
}

/** The part of the tree without which the error would not be: a key, or an item of a list at the top. */
function removalOf({ path, error }: PlacedError): TreePath {
  if (error.keyword === 'additionalProperties') return [...path, String(error.params['additionalProperty'])];
  const propertyName = error.propertyName ?? (error.params['propertyName'] as unknown);
  if (typeof propertyName === 'string') return [...path, propertyName];
  if (path.length <= 2) return path;
  const key = path.findLastIndex((step, index) => typeof step === 'string' || index === 1);
  return path.slice(0, key + 1);
}

type Cuts = Map<string | number, Cuts | 'all'>;

function prune(tree: Tree, removals: readonly TreePath[], items: ItemPaths): Tree {
  const cuts: Cuts = new Map();
  for (const path of removals) addCut(cuts, path);
  return cut(tree, cuts, items);
}

function addCut(cuts: Cuts, path: TreePath): void {
  let level = cuts;
  for (const [index, step] of path.entries()) {
    const next = level.get(step);
    if (next === 'all') return;
    if (index === path.length - 1) {
      level.set(step, 'all');
      return;
    }
    const deeper: Cuts = next ?? new Map<string | number, Cuts | 'all'>();
    level.set(step, deeper);
    level = deeper;
  }
}

function cut(value: Tree, cuts: Cuts, items: ItemPaths): Tree {
  if (value === null || typeof value !== 'object') return value;
  const kept: (readonly [string | number, Tree])[] = [];
  for (const [step, item] of entriesOf(value)) {
    const deeper = cuts.get(step);
    if (deeper !== 'all') kept.push([step, deeper === undefined ? item : cut(item, deeper, items)]);
  }
  if (isList(value)) return kept.map(([, item]) => item);
  const copy = emptyTree();
  for (const [key, item] of kept) copy[key] = item;
  items.move(value, copy);
  return copy;
}
