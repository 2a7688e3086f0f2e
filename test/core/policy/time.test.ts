/** Zones, dates, times of day and weekdays: by the clock on the wall, on every day of a clock change. */

import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  endOf,
  isWithinHours,
  parseDatePoint,
  parseTimeOfDay,
  parseWeekdays,
  startOf,
} from '../../../src/core/policy/calendar.ts';
import { DAY_SECONDS, instantOf, parseZone, utc, wallClockAt } from '../../../src/core/policy/zone.ts';
import type { Zone } from '../../../src/core/policy/zone.ts';
import type { Result } from '../../../src/core/result.ts';
import { epochSeconds } from '../../../src/core/units.ts';

export const instant = (iso: string) => epochSeconds(Date.parse(iso) / 1000);

function valueOf<T>(result: Result<T, string>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}
const zone = (name: string): Zone => valueOf(parseZone(name));
const messageOf = (result: Result<unknown, string>): string => (result.ok ? 'loads' : result.error);

/** `Wed 14:30:00` */
function shown(name: string, iso: string): string {
  const { weekday, second } = wallClockAt(zone(name), instant(iso));
  const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
  return `${days[weekday] ?? ''} ${new Date(second * 1000).toISOString().slice(11, 19)}`;
}

describe('the clock on the wall', () => {
  test.each([
    ['UTC', '2026-11-25T14:30:00Z', 'Wed 14:30:00'],
    ['Asia/Kolkata', '2026-11-25T20:00:00Z', 'Thu 01:30:00'],
    ['Asia/Kathmandu', '2026-11-25T00:00:00Z', 'Wed 05:45:00'],
    ['America/St_Johns', '2026-11-25T00:00:00Z', 'Tue 20:30:00'],
    ['Pacific/Kiritimati', '2026-11-25T10:00:00Z', 'Thu 00:00:00'],
    // North: forward in March, back in October.
    ['Europe/Berlin', '2026-03-29T00:59:59Z', 'Sun 01:59:59'],
    ['Europe/Berlin', '2026-03-29T01:00:00Z', 'Sun 03:00:00'],
    ['Europe/Berlin', '2026-10-25T00:59:59Z', 'Sun 02:59:59'],
    ['Europe/Berlin', '2026-10-25T01:00:00Z', 'Sun 02:00:00'],
    ['America/New_York', '2026-03-08T07:00:00Z', 'Sun 03:00:00'],
    ['America/New_York', '2026-11-01T06:00:00Z', 'Sun 01:00:00'],
    // South: forward in September, back in April.
    ['Pacific/Auckland', '2026-09-26T13:59:59Z', 'Sun 01:59:59'],
    ['Pacific/Auckland', '2026-09-26T14:00:00Z', 'Sun 03:00:00'],
    ['Pacific/Auckland', '2026-04-04T13:59:59Z', 'Sun 02:59:59'],
    ['Pacific/Auckland', '2026-04-04T14:00:00Z', 'Sun 02:00:00'],
    // By half an hour.
    ['Australia/Lord_Howe', '2026-10-03T15:29:59Z', 'Sun 01:59:59'],
    ['Australia/Lord_Howe', '2026-10-03T15:30:00Z', 'Sun 02:30:00'],
    ['Australia/Lord_Howe', '2026-04-04T14:59:59Z', 'Sun 01:59:59'],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z', 'Sun 01:30:00'],
    // Long before 1970.
    ['UTC', '1901-01-01T12:00:00Z', 'Tue 12:00:00'],
  ])('%s at %s shows %s', (name, iso, expected) => {
    expect(shown(name, iso)).toBe(expected);
  });

  test('agrees with the runtime at any instant, in any order of asking', () => {
    const names = ['Europe/Berlin', 'Australia/Lord_Howe', 'America/Santiago', 'Asia/Kathmandu', 'Africa/Casablanca'];
    const seconds = fc.integer({ min: instant('2000-01-01T00:00:00Z'), max: instant('2060-01-01T00:00:00Z') });
    fc.assert(
      fc.property(fc.constantFrom(...names), seconds, (name, second) => {
        const { day, second: ofDay } = wallClockAt(zone(name), epochSeconds(second));
        const local = new Date((day * DAY_SECONDS + ofDay) * 1000)
          .toISOString()
          .replace(/\.000Z$/, '')
          .replace('T', ' ');
        expect(new Date(second * 1000).toLocaleString('sv-SE', { timeZone: name })).toBe(local);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a zone', () => {
  test('is the same when asked for twice, and is called as it was written', () => {
    expect(zone('Europe/Paris')).toBe(zone('Europe/Paris'));
    expect(zone('europe/rome').name).toBe('europe/rome');
    expect(utc.offsetAt(instant('2026-07-01T00:00:00Z'))).toBe(0);
  });

  test.each(['+02:00', '-05', 'Mars/Olympus', '', ' Europe/Berlin', 'local'])('is not %j', (name) => {
    expect(messageOf(parseZone(name))).toContain('is no time zone');
  });

  test('that is misspelt is told with the one that is meant', () => {
    expect(messageOf(parseZone('Europe/Belin'))).toContain('did you mean `Europe/Berlin`?');
  });
});

describe('the first instant of a local time', () => {
  const at = (name: string, local: string): string =>
    new Date(instantOf(zone(name), Date.parse(`${local}Z`) / 1000) * 1000).toISOString();

  test.each([
    ['UTC', '2026-12-24T00:00', '2026-12-24T00:00:00.000Z'],
    ['Asia/Kolkata', '2026-12-24T00:00', '2026-12-23T18:30:00.000Z'],
    // On both sides of a change, and on the same day.
    ['Europe/Berlin', '2026-03-29T01:30', '2026-03-29T00:30:00.000Z'],
    ['Europe/Berlin', '2026-03-29T12:00', '2026-03-29T10:00:00.000Z'],
    ['Europe/Berlin', '2026-10-25T12:00', '2026-10-25T11:00:00.000Z'],
    // Skipped: the change.
    ['Europe/Berlin', '2026-03-29T02:30', '2026-03-29T01:00:00.000Z'],
    ['Pacific/Auckland', '2026-09-27T02:01', '2026-09-26T14:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-10-04T02:10', '2026-10-03T15:30:00.000Z'],
    // A day that begins at 01:00.
    ['America/Santiago', '2026-09-06T00:00', '2026-09-06T04:00:00.000Z'],
    // A day that did not occur.
    ['Pacific/Apia', '2011-12-30T00:00', '2011-12-30T10:00:00.000Z'],
    // Twice: the first.
    ['Europe/Berlin', '2026-10-25T02:30', '2026-10-25T00:30:00.000Z'],
    ['Pacific/Auckland', '2026-04-05T02:30', '2026-04-04T13:30:00.000Z'],
    ['Australia/Lord_Howe', '2026-04-05T01:45', '2026-04-04T14:45:00.000Z'],
  ])('%s, %s is %s', (name, local, expected) => {
    expect(at(name, local)).toBe(expected);
  });

  test('shows that time or, where it is skipped, a later one, and the second before it an earlier one', () => {
    const names = ['Europe/Berlin', 'Australia/Lord_Howe', 'America/Santiago', 'Pacific/Auckland', 'America/St_Johns'];
    const seconds = fc.integer({ min: instant('2020-01-01T00:00:00Z'), max: instant('2036-01-01T00:00:00Z') });
    fc.assert(
      fc.property(fc.constantFrom(...names), seconds, (name, local) => {
        const first = instantOf(zone(name), local);
        const shownAt = (second: number): number => second + zone(name).offsetAt(epochSeconds(second));
        expect(shownAt(first)).toBeGreaterThanOrEqual(local);
        expect(shownAt(first)).toBeLessThanOrEqual(local + 3600);
        expect(shownAt(first - 1)).toBeLessThan(local);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a date', () => {
  const berlin = zone('Europe/Berlin');
  const spanOf = (text: string): readonly string[] => {
    const point = valueOf(parseDatePoint(text));
    return [startOf(point, berlin), endOf(point, berlin)].map((second) => new Date(second * 1000).toISOString());
  };

  test.each([
    ['2026-12-24', '2026-12-23T23:00:00.000Z', '2026-12-24T23:00:00.000Z'],
    ['2028-02-29', '2028-02-28T23:00:00.000Z', '2028-02-29T23:00:00.000Z'],
    // 23 and 25 hours long
    ['2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
  ])('%s is a whole day', (text, start, end) => {
    expect(spanOf(text)).toEqual([start, end]);
  });

  test.each([
    ['2026-12-24T08:00', '2026-12-24T07:00:00.000Z'],
    ['2026-12-24 08:00:30', '2026-12-24T07:00:30.000Z'],
    ['2026-12-24T08:00:30.250', '2026-12-24T07:00:30.250Z'],
    ['2026-12-24T08:00:00Z', '2026-12-24T08:00:00.000Z'],
    ['2026-12-24t08:00z', '2026-12-24T08:00:00.000Z'],
    ['2026-12-24T08:00:00+05:30', '2026-12-24T02:30:00.000Z'],
    ['2026-12-24T08:00:00-0330', '2026-12-24T11:30:00.000Z'],
  ])('%s is a point of time', (text, at) => {
    expect(spanOf(text)).toEqual([at, at]);
  });

  test.each([
    '',
    'tomorrow',
    '24.12.2026',
    '2026-13-01',
    '2026-02-29',
    '2026-00-10',
    '0050-01-01',
    '2026-12-24T',
    '2026-12-24T24:00',
    '2026-12-24T08:60',
    '2026-12-24T08:00:60',
    '2026-12-24T08:00+24:00',
    '2026-12-24T08:00+01:60',
    '2026-12-24Z',
    '2026-12-24T08:00:00Z ',
  ])('is not %j', (text) => {
    expect(messageOf(parseDatePoint(text))).toContain('is no date');
  });
});

describe('a time of day', () => {
  test.each<[string, number]>([
    ['00:00', 0],
    ['9:05', 9 * 3600 + 300],
    ['15:04', 15 * 3600 + 240],
    ['15:04:05', 15 * 3600 + 245],
    ['15:04:05.5', 15 * 3600 + 245.5],
    ['23:59:59.999999999', 86_399.999999999],
    ['3:04 PM', 15 * 3600 + 240],
    ['3:04PM', 15 * 3600 + 240],
    ['3 PM', 15 * 3600],
    ['3PM', 15 * 3600],
    ['12 am', 0],
    ['12PM', 12 * 3600],
    ['11:59 pm', 23 * 3600 + 59 * 60],
  ])('%s', (text, seconds) => {
    expect(valueOf(parseTimeOfDay(text))).toBeCloseTo(seconds, 9);
  });

  test.each([
    '',
    'noon',
    '24:00',
    '12:60',
    '12:00:60',
    '13 PM',
    '0 AM',
    '9',
    '9:5',
    '15:04:05.',
    '3:04:05 PM',
    '-1:00',
  ])('is not %j', (text) => {
    expect(messageOf(parseTimeOfDay(text))).toContain('is no time of day');
  });

  test('from one time on and before another, over midnight where the first is later', () => {
    const office = { after: 9 * 3600, before: 17 * 3600 };
    const night = { after: 22 * 3600, before: 6 * 3600 };
    const within = (hours: typeof office) => (second: number) => isWithinHours(hours, second);
    expect([9 * 3600 - 1, 9 * 3600, 17 * 3600 - 1, 17 * 3600].map(within(office))).toEqual([false, true, true, false]);
    expect([22 * 3600 - 1, 22 * 3600, 0, 6 * 3600 - 1, 6 * 3600].map(within(night))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
  });
});

describe('weekdays', () => {
  test.each<[string, readonly number[]]>([
    ['*', [0, 1, 2, 3, 4, 5, 6]],
    ['mon', [1]],
    ['mon-fri', [1, 2, 3, 4, 5]],
    ['Monday, WEDNESDAY', [1, 3]],
    ['sat,sun', [0, 6]],
    ['fri-mon', [0, 1, 5, 6]],
    ['mon - wed,fri', [1, 2, 3, 5]],
    ['tue-tue', [2]],
  ])('%s', (text, days) => {
    expect([...valueOf(parseWeekdays(text))].sort()).toEqual(days);
  });

  test.each(['', 'workdays', 'mon-', '-fri', 'mon-wed-fri', 'mon,,tue', 'mo', '*,mon', '1-5'])('are not %j', (text) => {
    expect(messageOf(parseWeekdays(text))).toContain('names no weekdays');
  });
});
