/** Small questions to plain trees. */

import type { Tree, TreePath } from '../../core/problem.ts';

/** Has no properties, nor a prototype that has any. What inherits from it has none either, and is as fast as any object, as one without prototype is not. */
const nothing: object = Object.freeze(Object.create(null) as object);

/** A map that inherits nothing, so that a key named `__proto__` is a key like any other. */
export const emptyTree = (): { [key: string]: Tree } => Object.create(nothing) as { [key: string]: Tree };

export const isList = (value: Tree | undefined): value is readonly Tree[] => Array.isArray(value);

/** Keys or indexes with their values; nothing for a leaf. */
export function entriesOf(value: Tree | undefined): readonly (readonly [string | number, Tree])[] {
  if (value === null || typeof value !== 'object') return [];
  return isList(value) ? [...value.entries()] : Object.entries(value);
}

/** Undefined where the path leads to nothing. */
export function valueAt(tree: Tree, path: TreePath): Tree | undefined {
  let value: Tree | undefined = tree;
  for (const step of path) {
    if (value === null || typeof value !== 'object') return undefined;
    const container: Tree = value;
    if (!Object.hasOwn(container, step)) return undefined;
    value = isList(container) ? container[Number(step)] : container[step];
  }
  return value;
}
