/**
 * readOtherwise: the scalars without quotes that readers of YAML 1.1, and those that took over a part of it, read as something else than
 * YAML 1.2 does: numbers with a leading zero, with underscores, in base two, and dates. What they hold is not told.
 */

import type { Tree, TreePath } from '../../core/problem.ts';
import { entriesOf } from './tree.ts';
import type { Position, YamlTree } from './yaml-tree.ts';

export type OtherReading = Position & {
  readonly path: TreePath;
  /** As it stands in the file. */
  readonly written: string;
  /** What it is here and elsewhere, and how it is one thing everywhere. */
  readonly message: string;
};

const OCTAL = /[-+]?0[0-7]+(?![\w.])/y;
/** Here texts only if there is an underscore. */
const NUMBER = /^[-+]?(?:0x[0-9a-f_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?)$/i;
const BINARY = /^[-+]?0b[01_]+$/;
const DATE = /^\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d\d?:\d\d?:\d\d?(?:\.\d+)?(?:[ \t]*(?:Z|[-+]\d\d?(?::?\d\d)?))?)?$/;
/** A time that is the same text once it is read as one and written again. */
const WHOLE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d*[1-9])?Z$/;

const IN_QUOTES = 'put it in quotes if it is a text';
const OCTAL_MESSAGE = `a number with a leading zero is decimal here, and octal to other readers of YAML: write it without, or ${IN_QUOTES}`;
const NUMBER_MESSAGE = `a text here, and a number to other readers of YAML: write plain digits, or ${IN_QUOTES}`;
const DATE_MESSAGE = `a text here, and a time, written as 2026-01-31T00:00:00Z, to other readers of YAML: ${IN_QUOTES}`;

/** In order of the tree. An alias is not looked at: what it stands for was. */
export function readOtherwise(yaml: YamlTree, text: string): readonly OtherReading[] {
  const found: OtherReading[] = [];
  const starts = lineStarts(text);
  const visit = (value: Tree, path: TreePath): void => {
    if (value !== null && typeof value === 'object') {
      for (const [key, inner] of entriesOf(value)) visit(inner, [...path, key]);
      return;
    }
    if (typeof value !== 'number' && !(typeof value === 'string' && isUnusual(value))) return;
    const position = yaml.positionOf(path, false);
    const offset = (starts[position.line - 1] ?? 0) + position.column - 1;
    const written =
      typeof value === 'number' ? octalAt(text, offset) : text.startsWith(value, offset) ? value : undefined;
    if (written === undefined) return;
    const message = typeof value === 'number' ? OCTAL_MESSAGE : DATE.test(value) ? DATE_MESSAGE : NUMBER_MESSAGE;
    found.push({ ...position, path, written, message });
  };
  visit(yaml.tree, []);
  return found;
}

const isUnusual = (value: string): boolean =>
  NUMBER.test(value) || BINARY.test(value) || (DATE.test(value) && !WHOLE_TIME.test(value));

function octalAt(text: string, offset: number): string | undefined {
  OCTAL.lastIndex = offset;
  return OCTAL.exec(text)?.[0];
}

/** Where each line begins; lines end as LineCounter has them. */
function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return starts;
}
