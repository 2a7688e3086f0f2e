/**
 * `time_of_day`: from `after` on and before `before`, as a clock on the wall of `timezone` shows it; over midnight where `after` is later.
 * Reasons: time-of-day-ok, time-of-day-unauthorized. Source: docs/policy-language.md "time_of_day".
 */

import { isWithinHours } from '../calendar.ts';
import type { Hours } from '../calendar.ts';
import type { DataParser } from '../criterion.ts';
import { criterion, outcomes } from '../criterion.ts';
import { onlyKeys, readHours, readZone } from '../time-data.ts';
import { isObject, kindOf } from '../tree.ts';
import { wallClockAt } from '../zone.ts';
import type { Zone } from '../zone.ts';

type TimeOfDay = { readonly hours: Hours; readonly zone: Zone };

const timeOfDayMatcher: DataParser<TimeOfDay> = {
  form: 'time of day matcher',
  parse(data, context) {
    const { path } = context;
    if (!isObject(data)) {
      context.error(path, `expected a mapping with after, before, timezone, not ${kindOf(data)}`);
      return undefined;
    }
    const isKnown = onlyKeys(data, ['after', 'before', 'timezone'], path, context.error);
    const hours = readHours(data, path, context.error);
    const zone = readZone(data, path, context.error);
    return !isKnown || hours === undefined || zone === undefined ? undefined : { hours, zone };
  },
};

const byTruth = outcomes({ pass: 'time-of-day-ok', fail: 'time-of-day-unauthorized' });

export const timeOfDay = criterion({
  name: 'time_of_day',
  data: timeOfDayMatcher,
  needs: [],
  reads: [],
  reasons: ['time-of-day-ok', 'time-of-day-unauthorized'],
  compile:
    ({ hours, zone }) =>
    ({ now }) =>
      byTruth(isWithinHours(hours, wallClockAt(zone, now).second)),
});
