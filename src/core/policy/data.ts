/** Data that is no matcher: nothing at all, one text, or texts that each have a form of their own. */

import type { Tree, TreePath } from '../problem.ts';
import type { Result } from '../result.ts';
import type { DataParser, LoadContext } from './criterion.ts';
import { isList, kindOf } from './tree.ts';

/** A criterion that takes no data. Whatever stands there, even `false`, is not looked at in `pomerium`. */
export const nothing: DataParser<true> = {
  form: 'nothing',
  parse(data, context) {
    if (data !== true && data !== null)
      context.strictly(
        context.path,
        `no data is looked at here, so ${kindOf(data)} would be misleading: write \`true\``,
      );
    return true;
  },
};

/** Any text. */
export const text = (form: string): DataParser<string> => ({
  form,
  parse(data, context) {
    if (typeof data === 'string') return data;
    context.error(context.path, `expected a text, not ${kindOf(data)}`);
    return undefined;
  },
});

/** Entries of one list. */
const ENTRIES_MAX = 10_000;

/** One text or a list of texts, each read by `parse`; an error names the entry. An empty list matches nothing, and does not load in strict. */
export function parseTextList<T>(
  data: Tree,
  context: LoadContext,
  path: TreePath,
  parse: (text: string) => Result<T, string>,
): readonly T[] | undefined {
  if (typeof data !== 'string' && !isList(data)) {
    context.error(path, `expected a text or a list of texts, not ${kindOf(data)}`);
    return undefined;
  }
  const entries = typeof data === 'string' ? [data] : data;
  if (entries.length === 0) context.strictly(path, 'an empty list tests nothing: say what must match');
  if (entries.length > ENTRIES_MAX) {
    context.error(path, `the list has more than ${ENTRIES_MAX} entries`);
    return undefined;
  }
  const values: T[] = [];
  for (const [index, entry] of entries.entries()) {
    const at = isList(data) ? [...path, index] : path;
    if (typeof entry !== 'string') {
      context.error(at, `expected a text, not ${kindOf(entry)}`);
      continue;
    }
    const parsed = parse(entry);
    if (parsed.ok) values.push(parsed.value);
    else context.error(at, parsed.error);
  }
  return values.length === entries.length ? values : undefined;
}

export const createTextListParser = <T>(
  form: string,
  parse: (text: string) => Result<T, string>,
): DataParser<readonly T[]> => ({
  form,
  parse: (data, context) => parseTextList(data, context, context.path, parse),
});
