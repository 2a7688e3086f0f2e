/** CaseFields: reads the keys of one mapping of a case, saying at its place what is wrong with each. A key that nobody asked for is an error. */

import { parseDatePoint } from '../policy/calendar.ts';
import { meant } from '../policy/parse.ts';
import { isList, isObject, kindOf } from '../policy/tree.ts';
import type { TreeObject } from '../policy/tree.ts';
import type { Problem, Tree, TreePath } from '../problem.ts';
import type { EpochSeconds } from '../units.ts';

/** Where problems go. */
export class CaseProblems {
  readonly found: Problem[] = [];

  error(path: TreePath, message: string): void {
    this.found.push({ severity: 'error', path, message });
  }

  errorAtKey(path: TreePath, message: string): void {
    this.found.push({ severity: 'error', path, message, atKey: true });
  }
}

export class CaseFields {
  readonly path: TreePath;
  readonly #tree: TreeObject;
  readonly #problems: CaseProblems;

  private constructor(tree: TreeObject, path: TreePath, problems: CaseProblems) {
    this.#tree = tree;
    this.path = path;
    this.#problems = problems;
  }

  /** `known`: every key there may be. Undefined after a problem with the value as a whole. */
  static open(
    tree: Tree,
    {
      path,
      known,
      problems,
    }: { readonly path: TreePath; readonly known: readonly string[]; readonly problems: CaseProblems },
  ): CaseFields | undefined {
    if (!isObject(tree)) {
      problems.error(path, `expected a mapping with ${known.join(', ')}, not ${kindOf(tree)}`);
      return undefined;
    }
    for (const key of Object.keys(tree))
      if (!known.includes(key)) problems.errorAtKey([...path, key], `unknown key \`${key}\`${meant(key, known)}`);
    return new CaseFields(tree, path, problems);
  }

  /** Undefined = not there. */
  value(key: string): Tree | undefined {
    return Object.hasOwn(this.#tree, key) ? this.#tree[key] : undefined;
  }

  has(key: string): boolean {
    return this.value(key) !== undefined;
  }

  at(key: string): TreePath {
    return [...this.path, key];
  }

  error(key: string, message: string): void {
    this.#problems.error(this.at(key), message);
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'string') return value;
    this.error(key, `\`${key}\` must be a text, not ${kindOf(value)}`);
    return undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'boolean') return value;
    this.error(key, `\`${key}\` must be true or false, not ${kindOf(value)}`);
    return undefined;
  }

  /** One text counts as a list of one. */
  texts(key: string): readonly string[] | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value === 'string') return [value];
    if (isTexts(value)) return value;
    this.error(key, `\`${key}\` must be a text or a list of texts`);
    return undefined;
  }

  /** An instant with its offset: RFC 3339. */
  instant(key: string): EpochSeconds | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const point = parseDatePoint(text);
    if (point.ok && point.value.kind === 'instant') return point.value.at;
    this.error(key, `\`${key}\` must be an instant such as 2026-03-04T09:30:00Z or 2026-03-04T10:30:00+01:00`);
    return undefined;
  }

  object(key: string): TreeObject | undefined {
    const value = this.value(key);
    if (value === undefined || isObject(value)) return value;
    this.error(key, `\`${key}\` must be a mapping, not ${kindOf(value)}`);
    return undefined;
  }
}

export const isTexts = (value: Tree): value is readonly string[] =>
  isList(value) && value.every((entry) => typeof entry === 'string');
