/**
 * Change windows: named times in which something may be done, from the `change_windows` of the configuration: weekdays and hours by the clock
 * of a zone, a time of validity, and freezes in which they stay closed. The criterion `change_window` asks for them by name.
 */

import type { Tree, TreePath } from '../problem.ts';
import type { EpochSeconds } from '../units.ts';
import { endOf, isWithinHours, parseWeekdays, startOf } from './calendar.ts';
import type { Hours } from './calendar.ts';
import { onlyKeys, readDate, readHours, readText, readZone } from './time-data.ts';
import type { Complain } from './time-data.ts';
import { isList, isObject, kindOf } from './tree.ts';
import type { TreeObject } from './tree.ts';
import { wallClockAt, weekdayOf } from './zone.ts';
import type { Zone } from './zone.ts';

/** From `start` on, before `end`. */
type Span = { readonly start: number; readonly end: number };

export type ChangeWindow = {
  readonly zone: Zone;
  /** 0 = Sunday. Those on which it opens: hours over midnight belong to the day on which they begin. */
  readonly days: ReadonlySet<number>;
  /** undefined = all day. */
  readonly hours: Hours | undefined;
  readonly validity: Span;
  readonly freezes: readonly Span[];
};

/** By name. A window that has a problem is there as undefined, so that what names it is not reported as well. */
export type ChangeWindows = ReadonlyMap<string, ChangeWindow | undefined>;

/** Freezes of one window: some years of holidays. */
const FREEZES_MAX = 1000;

const isWithin = ({ start, end }: Span, now: number): boolean => now >= start && now < end;

export function isOpen({ zone, days, hours, validity, freezes }: ChangeWindow, now: EpochSeconds): boolean {
  if (!isWithin(validity, now) || freezes.some((freeze) => isWithin(freeze, now))) return false;
  const { day, weekday, second } = wallClockAt(zone, now);
  if (hours === undefined) return days.has(weekday);
  if (!isWithinHours(hours, second)) return false;
  // After midnight, hours that began the day before.
  return days.has(second >= hours.after ? weekday : weekdayOf(day - 1));
}

export function parseChangeWindows(
  windows: { readonly [name: string]: Tree },
  path: TreePath,
  complain: Complain,
): ChangeWindows {
  return new Map(Object.entries(windows).map(([name, data]) => [name, parseWindow(data, [...path, name], complain)]));
}

const KEYS = ['timezone', 'days', 'hours', 'from', 'until', 'freezes'];

function parseWindow(data: Tree, path: TreePath, complain: Complain): ChangeWindow | undefined {
  if (!isObject(data)) {
    complain(path, `expected a mapping with ${KEYS.join(', ')}, not ${kindOf(data)}`);
    return undefined;
  }
  const isKnown = onlyKeys(data, KEYS, path, complain);
  const zone = readZone(data, path, complain);
  const days = readText(data['days'] ?? '*', [...path, 'days'], complain, parseWeekdays);
  const hours = data['hours'] === undefined ? 'all day' : parseHours(data['hours'], [...path, 'hours'], complain);
  if (!isKnown || zone === undefined || days === undefined || hours === undefined) return undefined;
  const validity = parseSpan(data, path, { zone, complain });
  const freezes = parseFreezes(data['freezes'] ?? [], [...path, 'freezes'], { zone, complain });
  if (validity === undefined || freezes === undefined) return undefined;
  return { zone, days, hours: hours === 'all day' ? undefined : hours, validity, freezes };
}

function parseHours(data: Tree, path: TreePath, complain: Complain): Hours | undefined {
  if (!isObject(data)) {
    complain(path, `expected a mapping with after, before, not ${kindOf(data)}`);
    return undefined;
  }
  return onlyKeys(data, ['after', 'before'], path, complain) ? readHours(data, path, complain) : undefined;
}

type Reading = { readonly zone: Zone; readonly complain: Complain };

/** `from` and `until`: a day counts as a whole in both. */
function parseSpan(data: TreeObject, path: TreePath, { zone, complain }: Reading): Span | undefined {
  const { from, until } = data;
  const first = from === undefined ? undefined : readDate(from, [...path, 'from'], complain);
  const last = until === undefined ? undefined : readDate(until, [...path, 'until'], complain);
  if ((from !== undefined && first === undefined) || (until !== undefined && last === undefined)) return undefined;
  const start = first === undefined ? -Infinity : startOf(first, zone);
  const end = last === undefined ? Infinity : endOf(last, zone);
  if (start < end) return { start, end };
  complain([...path, 'until'], '`until` is not later than `from`: no time is left between them');
  return undefined;
}

function parseFreezes(data: Tree, path: TreePath, reading: Reading): readonly Span[] | undefined {
  if (!isList(data) || data.length > FREEZES_MAX) {
    reading.complain(
      path,
      isList(data) ? `more than ${FREEZES_MAX} freezes` : `expected a list of dates and ranges, not ${kindOf(data)}`,
    );
    return undefined;
  }
  const spans = data.map((entry, index) => parseFreeze(entry, [...path, index], reading));
  const known = spans.filter((span) => span !== undefined);
  return known.length === spans.length ? known : undefined;
}

function parseFreeze(data: Tree, path: TreePath, reading: Reading): Span | undefined {
  const { zone, complain } = reading;
  if (isObject(data)) {
    if (!onlyKeys(data, ['from', 'until'], path, complain)) return undefined;
    if (data['from'] !== undefined && data['until'] !== undefined) return parseSpan(data, path, reading);
    complain(path, 'a range has both `from` and `until`');
    return undefined;
  }
  const day = readDate(data, path, complain);
  if (day === undefined) return undefined;
  if (day.kind === 'day') return { start: startOf(day, zone), end: endOf(day, zone) };
  complain(path, 'a freeze is a whole day or a range: write `2026-12-24`, or `{from: ..., until: ...}`');
  return undefined;
}
