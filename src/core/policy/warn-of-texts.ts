/** warnOfTexts: a string matcher that loads, with a warning at each text that no value is equal to or begins with. */

import type { DataParser } from './criterion.ts';
import type { Tree, TreePath } from '../problem.ts';
import { isObject } from './tree.ts';

const OPERATORS = ['is', 'not', 'in', 'not_in', 'starts_with'];

/** `describe` says what is wrong with a text; undefined = nothing. */
export function warnOfTexts<T>(parser: DataParser<T>, describe: (text: string) => string | undefined): DataParser<T> {
  return {
    form: parser.form,
    parse(data, context) {
      for (const { path, text } of textsOf(data, context.path)) {
        const message = describe(text);
        if (message !== undefined) context.warn(path, message);
      }
      return parser.parse(data, context);
    },
  };
}

type Text = { readonly path: TreePath; readonly text: string };

function textsOf(data: Tree, path: TreePath): readonly Text[] {
  if (typeof data === 'string') return [{ path, text: data }];
  if (Array.isArray(data)) return (data as readonly Tree[]).flatMap((item, index) => textsOf(item, [...path, index]));
  if (!isObject(data)) return [];
  return OPERATORS.flatMap((operator) => textsOf(data[operator] ?? null, [...path, operator]));
}
