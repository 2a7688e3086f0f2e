/**
 * `day_of_week`: the weekday that a clock on the wall of a zone shows.
 * Reasons: day-of-week-ok, day-of-week-unauthorized. Source: docs/policy-language.md "day_of_week".
 */

import type { Result } from '../../result.ts';
import { err } from '../../result.ts';
import { parseWeekdays } from '../calendar.ts';
import type { DataParser } from '../criterion.ts';
import { criterion, outcomes } from '../criterion.ts';
import { onlyKeys, readText, readZone } from '../time-data.ts';
import { isObject } from '../tree.ts';
import { utc, wallClockAt } from '../zone.ts';
import type { Zone } from '../zone.ts';

type Weekdays = { readonly days: ReadonlySet<number>; readonly zone: Zone };

const weekdays: DataParser<Weekdays> = {
  form: 'weekdays',
  parse(data, context) {
    const { path } = context;
    if (!isObject(data)) {
      const days = readText(data, path, context.error, parseWeekdays);
      if (days !== undefined)
        context.warn(path, 'without `timezone`, days are those of UTC: write `{is: mon-fri, timezone: Europe/Berlin}`');
      return days === undefined ? undefined : { days, zone: utc };
    }
    const isKnown = onlyKeys(data, ['is', 'timezone'], path, context.error);
    const days = readText(data['is'] ?? '', [...path, 'is'], context.error, namedWeekdays);
    const zone = readZone(data, path, context.error);
    return !isKnown || days === undefined || zone === undefined ? undefined : { days, zone };
  },
};

const namedWeekdays = (text: string): Result<ReadonlySet<number>, string> => {
  const parsed = parseWeekdays(text);
  return parsed.ok || text !== '' ? parsed : err('`is` is missing: name the days, for example `mon-fri`');
};

const byTruth = outcomes({ pass: 'day-of-week-ok', fail: 'day-of-week-unauthorized' });

export const dayOfWeek = criterion({
  name: 'day_of_week',
  data: weekdays,
  needs: [],
  reads: [],
  reasons: ['day-of-week-ok', 'day-of-week-unauthorized'],
  compile:
    ({ days, zone }) =>
    ({ now }) =>
      byTruth(days.has(wallClockAt(zone, now).weekday)),
});
