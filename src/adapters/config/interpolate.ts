/**
 * `${NAME}` in text values stands for an environment variable, `$$` for a dollar sign. Keys, numbers and everything else stay as they
 * are. Must not put a variable's value into a message.
 */

import type { Problem, Tree, TreePath } from '../../core/problem.ts';
import { emptyTree, isList } from './tree.ts';

export type Environment = { readonly [name: string]: string | undefined };

export type Interpolated = {
  readonly tree: Tree;
  /** One per place where a text could not be completed; the tree has an empty text there. */
  readonly problems: readonly Problem[];
};

/** What holds no variable is the same object as before. */
export function interpolate(tree: Tree, environment: Environment): Interpolated {
  const problems: Problem[] = [];
  // One path for the whole walk: it is copied only where there is a problem.
  const path: (string | number)[] = [];
  const within = (step: string | number, value: Tree): Tree => {
    path.push(step);
    const walked = walk(value);
    path.pop();
    return walked;
  };
  const walk = (value: Tree): Tree => {
    if (typeof value === 'string') {
      if (!value.includes('$')) return value;
      const kind = isHeaderTemplate(path) ? 'template' : 'text';
      const expanded = expand(value, kind, environment);
      if (expanded.fault === undefined) return expanded.text;
      problems.push({ severity: 'error', path: [...path], message: expanded.fault });
      return '';
    }
    if (value === null || typeof value !== 'object') return value;
    return isList(value) ? walkList(value) : walkMap(value);
  };
  const walkList = (list: readonly Tree[]): Tree => {
    let copy: Tree[] | undefined;
    for (const [index, item] of list.entries()) {
      const walked = within(index, item);
      if (walked === item) continue;
      copy ??= [...list];
      copy[index] = walked;
    }
    return copy ?? list;
  };
  const walkMap = (map: { readonly [key: string]: Tree }): Tree => {
    let copy: { [key: string]: Tree } | undefined;
    for (const key of Object.keys(map)) {
      const item = map[key] ?? null;
      const walked = within(key, item);
      if (walked === item) continue;
      copy ??= Object.assign(emptyTree(), map);
      copy[key] = walked;
    }
    return copy ?? map;
  };
  return { tree: walk(tree), problems };
}

/** Values of a route's `set_request_headers` have references and `$$` of their own, which must reach their own reader. */
const isHeaderTemplate = (path: TreePath): boolean => path.length === 4 && path[2] === 'set_request_headers';

type Expanded = { readonly text: string; readonly fault: string | undefined };

const DOLLARS = /\$\$|\$\{([^}]*)(\})?/g;
const NAME = { text: /^[A-Za-z_][A-Za-z0-9_]*$/, template: /^[A-Z_][A-Z0-9_]*$/ } as const;

function expand(text: string, kind: 'text' | 'template', environment: Environment): Expanded {
  let fault: string | undefined;
  const expanded = text.replace(DOLLARS, (whole: string, name: string | undefined, close: string | undefined) => {
    if (whole === '$$') return kind === 'template' ? '$$' : '$';
    if (name === undefined || close === undefined || !NAME[kind].test(name)) {
      if (kind === 'text')
        fault ??= '`${` must be followed by the name of an environment variable and `}`; write `$$` for a dollar sign';
      return whole;
    }
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value === undefined) fault ??= `the environment variable ${name} is not set`;
    // What the variable holds is text, not a template.
    return kind === 'template' ? (value ?? '').replaceAll('$', '$$$$') : (value ?? '');
  });
  return { text: expanded, fault };
}
