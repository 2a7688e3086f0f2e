/**
 * Time zones: what a clock on the wall of a zone shows at an instant, and the first instant at which it shows a given time. By the IANA
 * names and rules that come with the runtime (Intl). Knows nothing of policies.
 */

import { err, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { epochSeconds } from '../units.ts';
import type { EpochSeconds } from '../units.ts';
import { suggest } from './suggest.ts';

export type Zone = {
  readonly name: string;
  /** Local time minus UTC, seconds, at that instant. */
  offsetAt(at: EpochSeconds): number;
};

export type WallClock = {
  /** Days since 1970-01-01. */
  readonly day: number;
  /** 0 = Sunday. */
  readonly weekday: number;
  /** Seconds since 00:00 as the clock shows them; may carry a fraction. On a day of a clock change it is not the time since midnight. */
  readonly second: number;
};

export const DAY_SECONDS = 86_400;
const DAYS_PER_WEEK = 7;
/** 1970-01-01 was a Thursday. */
const EPOCH_WEEKDAY = 4;
/** Since the 1970s all zones change their offset on a quarter of an hour in UTC, so it holds for the whole quarter. */
const QUARTER_SECONDS = 900;

// A memo and nothing else. Bounded by the names that Intl knows.
const zones = new Map<string, Zone>();

/** A zone by its IANA name (`Europe/Berlin`, `UTC`). An offset such as `+02:00` is none: it knows no summer time. */
export function parseZone(name: string): Result<Zone, string> {
  const known = zones.get(name);
  if (known !== undefined) return ok(known);
  const formatter = formatterOf(name);
  if (formatter === undefined) {
    const meant = suggest(name, Intl.supportedValuesOf('timeZone'));
    return err(
      `\`${name}\` is no time zone: use an IANA name such as \`Europe/Berlin\` or \`UTC\`${meant === undefined ? '' : `; did you mean \`${meant}\`?`}`,
    );
  }
  const zone = createZone(name, formatter);
  zones.set(name, zone);
  return ok(zone);
}

function formatterOf(name: string): Intl.DateTimeFormat | undefined {
  if (!/^[A-Za-z]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
}

function createZone(name: string, formatter: Intl.DateTimeFormat): Zone {
  let memo = { quarter: Number.NaN, offset: 0 };
  return {
    name,
    offsetAt(at) {
      const quarter = Math.floor(at / QUARTER_SECONDS);
      if (quarter !== memo.quarter) memo = { quarter, offset: computeOffset(formatter, quarter * QUARTER_SECONDS) };
      return memo.offset;
    },
  };
}

function computeOffset(formatter: Intl.DateTimeFormat, seconds: number): number {
  const parts = { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatter.formatToParts(seconds * 1000)) {
    if (Object.hasOwn(parts, type)) parts[type as keyof typeof parts] = Number(value);
  }
  const { year, month, day, hour, minute, second } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - seconds;
}

export function wallClockAt(zone: Zone, at: EpochSeconds): WallClock {
  const local = at + zone.offsetAt(at);
  const day = Math.floor(local / DAY_SECONDS);
  return { day, weekday: weekdayOf(day), second: local - day * DAY_SECONDS };
}

/** The weekday of a day since 1970-01-01; 0 = Sunday. */
export const weekdayOf = (day: number): number =>
  (((day + EPOCH_WEEKDAY) % DAYS_PER_WEEK) + DAYS_PER_WEEK) % DAYS_PER_WEEK;

/**
 * The first instant at which the wall clock shows that time or a later one. `local`: seconds since 1970-01-01T00:00 of the wall clock. A
 * time that occurs twice counts from its first; one that a clock change skips, from the change.
 */
export function instantOf(zone: Zone, local: number): EpochSeconds {
  const before = zone.offsetAt(epochSeconds(local - DAY_SECONDS));
  const after = zone.offsetAt(epochSeconds(local + DAY_SECONDS));
  const byBefore = epochSeconds(local - before);
  if (before === after || zone.offsetAt(byBefore) === before) return byBefore;
  const byAfter = epochSeconds(local - after);
  if (zone.offsetAt(byAfter) === after) return byAfter;
  return changeBetween(zone, byAfter, byBefore);
}

/** When the offset becomes that of `late`. */
function changeBetween(zone: Zone, early: EpochSeconds, late: EpochSeconds): EpochSeconds {
  const wanted = zone.offsetAt(late);
  let low = Math.floor(early / QUARTER_SECONDS);
  let high = Math.floor(late / QUARTER_SECONDS);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetAt(epochSeconds(middle * QUARTER_SECONDS)) === wanted) high = middle;
    else low = middle;
  }
  return epochSeconds(high * QUARTER_SECONDS);
}

/** Needs no rules. */
export const utc: Zone = { name: 'UTC', offsetAt: () => 0 };
