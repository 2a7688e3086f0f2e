/**
 * The parts of data that speak of time: a zone, a time or a date below a key. Shared by criteria and by `change_windows`; each says what is
 * wrong at its place, and answers undefined then.
 */

import type { Tree, TreePath } from '../problem.ts';
import type { Result } from '../result.ts';
import { parseDatePoint, parseTimeOfDay } from './calendar.ts';
import type { DatePoint, Hours } from './calendar.ts';
import { suggest } from './suggest.ts';
import { kindOf } from './tree.ts';
import type { TreeObject } from './tree.ts';
import { DAY_SECONDS, parseZone } from './zone.ts';
import type { Zone } from './zone.ts';

/** Where problems go. */
export type Complain = (path: TreePath, message: string) => void;

/** The text, as `parse` reads it. */
export function readText<T>(
  data: Tree,
  path: TreePath,
  complain: Complain,
  parse: (text: string) => Result<T, string>,
): T | undefined {
  if (typeof data !== 'string') {
    complain(path, `expected a text, not ${kindOf(data)}: put it in quotes`);
    return undefined;
  }
  const parsed = parse(data);
  if (parsed.ok) return parsed.value;
  complain(path, parsed.error);
  return undefined;
}

/** Says which keys are not known; whether there are none. */
export function onlyKeys(data: TreeObject, known: readonly string[], path: TreePath, complain: Complain): boolean {
  const unknown = Object.keys(data).filter((key) => !known.includes(key));
  for (const key of unknown) {
    const meant = suggest(key, known);
    complain(
      [...path, key],
      `\`${key}\` says nothing here: use ${known.join(', ')}${meant === undefined ? '' : `; did you mean \`${meant}\`?`}`,
    );
  }
  return unknown.length === 0;
}

/** The zone below `timezone`; `undefined` after a problem. */
export function readZone(data: TreeObject, path: TreePath, complain: Complain): Zone | undefined {
  const name = data['timezone'];
  if (name === undefined) {
    complain(path, '`timezone` is missing: name the zone whose clock counts, for example `Europe/Berlin` or `UTC`');
    return undefined;
  }
  return readText(name, [...path, 'timezone'], complain, parseZone);
}

/** The hours below `after` and `before`: half open, and over midnight where `after` is later. */
export function readHours(data: TreeObject, path: TreePath, complain: Complain): Hours | undefined {
  const { after, before } = data;
  if (after === undefined && before === undefined) {
    complain(path, 'say `after`, `before` or both');
    return undefined;
  }
  const from = after === undefined ? 0 : readText(after, [...path, 'after'], complain, parseTimeOfDay);
  const until = before === undefined ? DAY_SECONDS : readText(before, [...path, 'before'], complain, parseTimeOfDay);
  if (from === undefined || until === undefined) return undefined;
  if (from !== until && !(after === undefined && until === 0)) return { after: from, before: until };
  complain(path, '`after` and `before` leave no time between them');
  return undefined;
}

export const readDate = (data: Tree, path: TreePath, complain: Complain): DatePoint | undefined =>
  readText(data, path, complain, parseDatePoint);
