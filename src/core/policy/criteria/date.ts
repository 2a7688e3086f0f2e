/**
 * `date`: now is on or after `after` and before `before`, or on a day of `is`. Calendar dates and instants; a day begins in `timezone`.
 * Reasons: date-ok, date-unauthorized. Source: docs/policy-language.md "date".
 */

import type { Tree } from '../../problem.ts';
import type { EpochSeconds } from '../../units.ts';
import { endOf, startOf } from '../calendar.ts';
import type { DatePoint } from '../calendar.ts';
import type { DataParser, LoadContext } from '../criterion.ts';
import { criterion, outcomes } from '../criterion.ts';
import { onlyKeys, readDate, readZone } from '../time-data.ts';
import { isList, isObject, kindOf } from '../tree.ts';
import type { TreeObject } from '../tree.ts';
import { utc } from '../zone.ts';
import type { Zone } from '../zone.ts';

/** From `start` on, before `end`. */
type Span = { readonly start: number; readonly end: number };

/** Days of one `is`: some years of holidays. */
const DAYS_MAX = 1000;

type Points = { readonly after?: DatePoint; readonly before?: DatePoint; readonly is?: readonly DatePoint[] };

const dateMatcher: DataParser<readonly Span[]> = {
  form: 'date matcher',
  parse(data, context) {
    const { path } = context;
    if (!isObject(data)) {
      context.error(path, `expected a mapping with after, before, is, timezone, not ${kindOf(data)}`);
      return undefined;
    }
    if (!onlyKeys(data, ['after', 'before', 'is', 'timezone'], path, context.error)) return undefined;
    const points = readPoints(data, context);
    const zone = zoneOf(data, points, context);
    return points === undefined || zone === undefined ? undefined : spansOf(points, zone, context);
  },
};

function readPoints(data: TreeObject, context: LoadContext): Points | undefined {
  const { path } = context;
  const given = ['after', 'before', 'is'].filter((key) => data[key] !== undefined);
  if (given.length === 0) context.error(path, 'say `after`, `before`, or the days with `is`');
  if (given.length > 1 && given.includes('is'))
    context.error([...path, 'is'], '`is` names whole days: leave `after` and `before` out beside it');
  const read = (key: 'after' | 'before'): DatePoint | undefined =>
    data[key] === undefined ? undefined : readDate(data[key], [...path, key], context.error);
  const after = read('after');
  const before = read('before');
  const is = data['is'] === undefined ? undefined : readDays(data['is'], context);
  const points = {
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    ...(is === undefined ? {} : { is }),
  };
  const isWhole = given.length > 0 && given.length === Object.keys(points).length;
  return isWhole && (given.length === 1 || is === undefined) ? points : undefined;
}

function readDays(data: Tree, context: LoadContext): readonly DatePoint[] | undefined {
  const path = [...context.path, 'is'];
  const entries = isList(data) ? data : [data];
  if (entries.length === 0 || entries.length > DAYS_MAX) {
    context.error(path, `name one to ${DAYS_MAX} days`);
    return undefined;
  }
  const days = entries.flatMap((entry, index) => {
    const at = isList(data) ? [...path, index] : path;
    const point = readDate(entry, at, context.error);
    if (point === undefined || point.kind === 'day') return point ?? [];
    context.error(at, '`is` names a whole day: write it as `2026-12-24`');
    return [];
  });
  return days.length === entries.length ? days : undefined;
}

/** Instants need no zone. Without one, days and local times are those of UTC, and the loader says so. */
function zoneOf(data: TreeObject, points: Points | undefined, context: LoadContext): Zone | undefined {
  if (data['timezone'] !== undefined) return readZone(data, context.path, context.error);
  const all = points === undefined ? [] : [points.after, points.before, ...(points.is ?? [])];
  if (all.some((point) => point !== undefined && point.kind !== 'instant'))
    context.warn(context.path, 'without `timezone`, days and times are those of UTC: name the zone, or `UTC`');
  return utc;
}

function spansOf({ after, before, is }: Points, zone: Zone, context: LoadContext): readonly Span[] | undefined {
  if (is !== undefined) return is.map((day) => ({ start: startOf(day, zone), end: endOf(day, zone) }));
  const start: number = after === undefined ? -Infinity : startOf(after, zone);
  const end: number = before === undefined ? Infinity : startOf(before, zone);
  if (start < end) return [{ start, end }];
  context.error([...context.path, 'before'], '`before` is not later than `after`: no time is left between them');
  return undefined;
}

const byTruth = outcomes({ pass: 'date-ok', fail: 'date-unauthorized' });

const isWithin = (spans: readonly Span[], now: EpochSeconds): boolean =>
  spans.some(({ start, end }) => now >= start && now < end);

export const date = criterion({
  name: 'date',
  data: dateMatcher,
  needs: [],
  reads: [],
  reasons: ['date-ok', 'date-unauthorized'],
  compile:
    (spans) =>
    ({ now }) =>
      byTruth(isWithin(spans, now)),
});
