/** Dates, times of day and weekdays as people write them in a policy. Each parser answers with a value or a sentence that says what is wrong. */

import { err, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { epochSeconds } from '../units.ts';
import type { EpochSeconds } from '../units.ts';
import { DAY_SECONDS, instantOf } from './zone.ts';
import type { Zone } from './zone.ts';

/** A point of time in a policy. */
export type DatePoint =
  /** `2026-12-24`: a whole day of a calendar. Days since 1970-01-01. */
  | { readonly kind: 'day'; readonly day: number }
  /** `2026-12-24T08:00:00`: what a clock on the wall shows. Seconds since 1970-01-01T00:00 of that clock. */
  | { readonly kind: 'local'; readonly second: number }
  /** `2026-12-24T08:00:00Z`, `...+01:00` */
  | { readonly kind: 'instant'; readonly at: EpochSeconds };

const DATE_FORMS = '`2026-12-24`, `2026-12-24T08:00` or `2026-12-24T08:00:00+01:00`';

const DATE_PATTERN = /^([12]\d{3})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)?)?$/;

/** ISO 8601, the extended forms: a calendar date, or one with a time, with or without an offset. */
export function parseDatePoint(text: string): Result<DatePoint, string> {
  const match = DATE_PATTERN.exec(text);
  if (match === null) return err(`\`${text}\` is no date: write ${DATE_FORMS}`);
  const [, year, month, day, hour, minute, second = '0', fraction = '', offset] = match;
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const back = new Date(midnight);
  if (back.getUTCMonth() !== Number(month) - 1 || back.getUTCDate() !== Number(day))
    return err(`\`${text}\` is no date: there is no such day`);
  if (hour === undefined) return ok({ kind: 'day', day: midnight / 1000 / DAY_SECONDS });
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
    return err(`\`${text}\` is no date: there is no such time`);
  const local = midnight / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second + fraction);
  if (offset === undefined) return ok({ kind: 'local', second: local });
  const offsetSeconds = parseOffset(offset);
  if (offsetSeconds === undefined) return err(`\`${text}\` is no date: there is no such offset`);
  return ok({ kind: 'instant', at: epochSeconds(local - offsetSeconds) });
}

function parseOffset(text: string): number | undefined {
  if (text.length === 1) return 0;
  const sign = text.startsWith('-') ? -1 : 1;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(-2));
  return hours > 23 || minutes > 59 ? undefined : sign * (hours * 3600 + minutes * 60);
}

/** When it begins: a day with its first instant in that zone. */
export function startOf(point: DatePoint, zone: Zone): EpochSeconds {
  if (point.kind === 'instant') return point.at;
  return instantOf(zone, point.kind === 'day' ? point.day * DAY_SECONDS : point.second);
}

/** When it is over: a day with the first instant of the next; a point of time at once. */
export const endOf = (point: DatePoint, zone: Zone): EpochSeconds =>
  startOf(point.kind === 'day' ? { kind: 'day', day: point.day + 1 } : point, zone);

const TIME_FORMS = '`17:30`, `17:30:00`, `5:30 PM` or `5 PM`';

/** Seconds since 00:00; may carry a fraction. `15:04`, `15:04:05`, `15:04:05.999`, `3:04 PM`, `3:04PM`, `3 PM`, `3PM`. */
export function parseTimeOfDay(text: string): Result<number, string> {
  const day = /^(\d{1,2}):(\d\d)(?::(\d\d(?:\.\d{1,9})?))?$/.exec(text);
  const half = /^(\d{1,2})(?::(\d\d))? ?([AaPp])[Mm]$/.exec(text);
  const [, hour = '0', minute = '0', third = '0'] = day ?? half ?? [];
  if ((day ?? half) === null) return err(`\`${text}\` is no time of day: write ${TIME_FORMS}`);
  const hours = half === null ? Number(hour) : hourOfHalfDay(Number(hour), third);
  const seconds = half === null ? Number(third) : 0;
  if (hours === undefined || hours > 23 || Number(minute) > 59 || seconds >= 60)
    return err(`\`${text}\` is no time of day: there is no such time`);
  return ok(hours * 3600 + Number(minute) * 60 + seconds);
}

/** 12 AM is midnight, 12 PM noon. */
function hourOfHalfDay(hour: number, half: string): number | undefined {
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
}

/** A part of the day, from `after` on and before `before`, as a wall clock shows it; over midnight where `after` is later. */
export type Hours = { readonly after: number; readonly before: number };

export const isWithinHours = ({ after, before }: Hours, second: number): boolean =>
  after < before ? second >= after && second < before : second >= after || second < before;

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** Weekdays, 0 = Sunday. `*`, `mon,wed`, `mon-fri`, `fri-mon`; full names or three letters, in any case. */
export function parseWeekdays(text: string): Result<ReadonlySet<number>, string> {
  const days = new Set<number>();
  if (text.trim() === '*') return ok(new Set(weekdays.keys()));
  for (const part of text.split(',')) {
    const [first = '', last = first, ...rest] = part.split('-').map((name) => name.trim().toLowerCase());
    const from = weekdayNamed(first);
    const to = weekdayNamed(last);
    if (from === undefined || to === undefined || rest.length > 0)
      return err(`\`${text}\` names no weekdays: write \`mon-fri\`, \`sat,sun\` or \`*\``);
    for (let day = from; day !== to; day = (day + 1) % weekdays.length) days.add(day);
    days.add(to);
  }
  return ok(days);
}

function weekdayNamed(name: string): number | undefined {
  const index = weekdays.findIndex((weekday) => name === weekday || name === weekday.slice(0, 3));
  return index < 0 ? undefined : index;
}
