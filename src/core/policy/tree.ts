/** Small readings of a Tree that parsing and matchers share. */

import type { Tree } from '../problem.ts';

export type TreeObject = { readonly [key: string]: Tree };

export const isObject = (tree: Tree): tree is TreeObject =>
  typeof tree === 'object' && tree !== null && !Array.isArray(tree);

export const isList = (tree: Tree): tree is readonly Tree[] => Array.isArray(tree);

/** For messages: what kind of value it is, with its article. */
export function kindOf(tree: Tree): string {
  if (tree === null) return 'nothing (null)';
  if (isList(tree)) return 'a list';
  if (isObject(tree)) return 'a mapping';
  if (typeof tree === 'string') return 'a text';
  return typeof tree === 'number' ? 'a number' : 'a boolean';
}
