/** The criteria about time, the target, headers and the query: what they say, and what does not load. */

import { describe, expect, test } from '@jest/globals';
import { isOpen, parseChangeWindows } from '../../../src/core/policy/change-window.ts';
import type { ChangeWindows } from '../../../src/core/policy/change-window.ts';
import type { PolicySource } from '../../../src/core/policy/compile.ts';
import type { PolicyFacts } from '../../../src/core/policy/facts.ts';
import { httpQuery } from '../../../src/core/policy/criteria/http-query.ts';
import { onlyValue, parseQuery } from '../../../src/core/policy/query-parameters.ts';
import type { Problem, Tree } from '../../../src/core/problem.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { anHttpRequest, load, problemsOf, someFacts } from './builders.ts';

const instant = (iso: string) => epochSeconds(Date.parse(iso) / 1000);
const at = (iso: string): Partial<PolicyFacts> => ({ now: instant(iso) });

/** The value and the reasons of one criterion, which are the same in both semantics. */
function judge(criterion: Tree, facts: Partial<PolicyFacts>, changes: Partial<PolicySource> = {}) {
  const [strict, pomerium] = (['strict', 'pomerium'] as const).map((semantics) => {
    const { policy } = load({ allow: { or: [criterion] } }, { semantics, ...changes });
    const { value, reasons } = policy.evaluate(someFacts(facts)).allow;
    return [value, ...reasons];
  });
  expect(pomerium).toEqual(strict);
  return strict;
}

/** The messages of the errors, with their places below the criterion. */
const errorsOf = (criterion: Tree, changes: Partial<PolicySource> = {}): readonly string[] =>
  problemsOf({ allow: { or: [criterion] } }, changes).map(
    ({ path, message }) => `${path.slice(6).join('.')}: ${message}`,
  );
const warningsOf = (criterion: Tree, changes: Partial<PolicySource> = {}): readonly string[] =>
  load({ allow: { or: [criterion] } }, changes).warnings.map(({ message }) => message);

describe('date', () => {
  const berlin = { timezone: 'Europe/Berlin' };

  test.each<[Tree, string, boolean]>([
    [{ after: '2026-12-24', ...berlin }, '2026-12-23T22:59:59Z', false],
    [{ after: '2026-12-24', ...berlin }, '2026-12-23T23:00:00Z', true],
    [{ before: '2026-12-24', ...berlin }, '2026-12-23T22:59:59Z', true],
    [{ before: '2026-12-24', ...berlin }, '2026-12-23T23:00:00Z', false],
    [{ after: '2026-03-29T02:30', before: '2026-03-30', ...berlin }, '2026-03-29T00:59:59Z', false],
    [{ after: '2026-03-29T02:30', before: '2026-03-30', ...berlin }, '2026-03-29T01:00:00Z', true],
    [{ after: '2026-03-29T02:30', before: '2026-03-30', ...berlin }, '2026-03-29T22:00:00Z', false],
    [{ before: '2026-10-25T02:30', ...berlin }, '2026-10-25T00:30:00Z', false],
    [{ after: '2026-12-24T08:00:00+01:00' }, '2026-12-24T07:00:00Z', true],
    [{ after: '2026-12-24T08:00:00Z', before: '2026-12-24T09:00:00Z' }, '2026-12-24T09:00:00Z', false],
    [{ after: '2026-12-24' }, '2026-12-24T00:00:00Z', true],
    [{ is: '2026-12-24', ...berlin }, '2026-12-24T22:59:59Z', true],
    [{ is: '2026-12-24', ...berlin }, '2026-12-24T23:00:00Z', false],
    [{ is: ['2026-12-24', '2026-12-31'], ...berlin }, '2026-12-31T12:00:00Z', true],
    [{ is: ['2026-12-24', '2026-12-31'], ...berlin }, '2026-12-30T12:00:00Z', false],
  ])('%j at %s: %s', (data, iso, holds) => {
    expect(judge({ date: data }, at(iso))).toEqual([holds, holds ? 'date-ok' : 'date-unauthorized']);
  });

  test.each<[Tree, string]>([
    ['2026-12-24', 'expected a mapping with after, before, is, timezone, not a text'],
    [{}, 'say `after`, `before`, or the days'],
    [{ timezone: 'UTC' }, 'say `after`, `before`, or the days'],
    [{ until: '2026-12-24' }, 'until: `until` says nothing here'],
    [{ aftr: '2026-12-24' }, 'did you mean `after`?'],
    [{ after: 20_261_224 }, 'after: expected a text, not a number'],
    [{ after: 'Christmas' }, 'after: `Christmas` is no date'],
    [{ after: '2026-12-24', timezone: 'CEST?' }, 'timezone: `CEST?` is no time zone'],
    [{ after: '2026-12-24', before: '2026-12-24', timezone: 'UTC' }, 'before: `before` is not later'],
    [{ after: '2026-12-25', before: '2026-12-24T10:00Z', timezone: 'UTC' }, 'before: `before` is not later'],
    [{ after: 'x', is: '2026-12-24' }, 'is: `is` names whole days: leave'],
    [{ after: '2026-12-24', is: '2026-12-24', timezone: 'UTC' }, 'is: `is` names whole days: leave'],
    [{ is: [] }, 'is: name one to 1000 days'],
    [{ is: Array.from({ length: 1001 }, () => '2026-12-24') }, 'is: name one to 1000 days'],
    [{ is: '2026-12-24T10:00' }, 'is: `is` names a whole day'],
    [{ is: ['2026-12-24', '2026-12-24T10:00Z'], timezone: 'UTC' }, 'is.1: `is` names a whole day'],
    [{ is: ['never'], timezone: 'UTC' }, 'is.0: `never` is no date'],
  ])('%j does not load', (data, message) => {
    expect(errorsOf({ date: data }).join('\n')).toContain(message);
  });

  test('a day without a zone is one of UTC, and the loader says so', () => {
    expect(warningsOf({ date: { after: '2026-12-24' } })).toEqual([expect.stringContaining('those of UTC')]);
    expect(warningsOf({ date: { is: '2026-12-24' } })).toEqual([expect.stringContaining('those of UTC')]);
    expect(warningsOf({ date: { after: '2026-12-24T00:00:00Z' } })).toEqual([]);
    expect(warningsOf({ date: { after: '2026-12-24', ...berlin } })).toEqual([]);
  });
});

describe('day_of_week', () => {
  test.each<[Tree, string, boolean]>([
    ['wed', '2026-11-25T00:00:00Z', true],
    ['mon-fri', '2026-11-28T00:00:00Z', false],
    ['*', '2026-11-28T00:00:00Z', true],
    [{ is: 'sat', timezone: 'Asia/Kolkata' }, '2026-11-27T18:29:59Z', false],
    [{ is: 'sat', timezone: 'Asia/Kolkata' }, '2026-11-27T18:30:00Z', true],
    [{ is: 'sun', timezone: 'America/Santiago' }, '2026-09-06T03:59:59Z', false],
    [{ is: 'sun', timezone: 'America/Santiago' }, '2026-09-06T04:00:00Z', true],
  ])('%j at %s: %s', (data, iso, holds) => {
    expect(judge({ day_of_week: data }, at(iso))).toEqual([
      holds,
      holds ? 'day-of-week-ok' : 'day-of-week-unauthorized',
    ]);
  });

  test.each<[Tree, string]>([
    ['workdays', 'names no weekdays'],
    [5, 'expected a text, not a number'],
    [['mon'], 'expected a text, not a list'],
    [{ is: 'mon' }, '`timezone` is missing'],
    [{ timezone: 'UTC' }, '`is` is missing'],
    [{ is: 'xyz', timezone: 'UTC' }, 'is: `xyz` names no weekdays'],
    [{ is: 'mon', timezone: 5 }, 'timezone: expected a text'],
    [{ is: 'mon', timezone: 'UTC', zone: 'UTC' }, 'zone: `zone` says nothing here'],
  ])('%j does not load', (data, message) => {
    expect(errorsOf({ day_of_week: data }).join('\n')).toContain(message);
  });

  test('without a zone is by UTC, and the loader says so', () => {
    expect(warningsOf({ day_of_week: 'mon-fri' })).toEqual([expect.stringContaining('those of UTC')]);
    expect(warningsOf({ day_of_week: { is: 'mon-fri', timezone: 'UTC' } })).toEqual([]);
  });
});

describe('time_of_day', () => {
  const berlin = (data: { readonly [key: string]: Tree }): Tree => ({ ...data, timezone: 'Europe/Berlin' });

  test.each<[Tree, string, boolean]>([
    [berlin({ after: '09:00', before: '17:00' }), '2026-11-25T07:59:59Z', false],
    [berlin({ after: '9 AM', before: '5:00 PM' }), '2026-11-25T08:00:00Z', true],
    [berlin({ after: '09:00', before: '17:00' }), '2026-11-25T15:59:59Z', true],
    [berlin({ after: '09:00', before: '17:00' }), '2026-11-25T16:00:00Z', false],
    [berlin({ after: '22:00' }), '2026-11-25T22:59:59Z', true],
    [berlin({ after: '22:00' }), '2026-11-25T23:00:00Z', false],
    [berlin({ before: '06:00' }), '2026-11-25T23:00:00Z', true],
    // over midnight
    [berlin({ after: '22:00', before: '06:00' }), '2026-11-25T20:59:59Z', false],
    [berlin({ after: '22:00', before: '06:00' }), '2026-11-25T23:30:00Z', true],
    [berlin({ after: '22:00', before: '06:00' }), '2026-11-25T05:00:00Z', false],
    [berlin({ after: '22:00', before: '00:00' }), '2026-11-25T22:59:59Z', true],
    [berlin({ after: '22:00', before: '00:00' }), '2026-11-25T23:00:00Z', false],
    // 02:00 to 03:00 does not occur on 29 March
    [berlin({ after: '02:15', before: '02:45' }), '2026-03-29T00:59:59Z', false],
    [berlin({ after: '02:15', before: '02:45' }), '2026-03-29T01:00:00Z', false],
    [berlin({ after: '02:15', before: '02:45' }), '2026-03-29T01:20:00Z', false],
    [berlin({ after: '02:30', before: '04:00' }), '2026-03-29T01:00:00Z', true],
    // and twice on 25 October
    [berlin({ after: '02:15', before: '02:45' }), '2026-10-25T00:30:00Z', true],
    [berlin({ after: '02:15', before: '02:45' }), '2026-10-25T00:45:00Z', false],
    [berlin({ after: '02:15', before: '02:45' }), '2026-10-25T01:30:00Z', true],
    // South: 27 September, 5 April
    [{ after: '02:15', before: '02:45', timezone: 'Pacific/Auckland' }, '2026-09-26T14:30:00Z', false],
    [{ after: '02:15', before: '02:45', timezone: 'Pacific/Auckland' }, '2026-04-04T13:30:00Z', true],
    [{ after: '02:15', before: '02:45', timezone: 'Pacific/Auckland' }, '2026-04-04T14:30:00Z', true],
    // By half an hour, and half an hour beside UTC
    [{ after: '01:45', before: '02:00', timezone: 'Australia/Lord_Howe' }, '2026-04-04T14:50:00Z', true],
    [{ after: '01:45', before: '02:00', timezone: 'Australia/Lord_Howe' }, '2026-04-04T15:20:00Z', true],
    [{ after: '02:00', before: '02:30', timezone: 'Australia/Lord_Howe' }, '2026-10-03T15:30:00Z', false],
    [{ after: '09:00', before: '18:30', timezone: 'Asia/Kolkata' }, '2026-11-25T03:30:00Z', true],
    [{ after: '09:00', before: '18:30', timezone: 'Asia/Kolkata' }, '2026-11-25T03:29:59Z', false],
  ])('%j at %s: %s', (data, iso, holds) => {
    expect(judge({ time_of_day: data }, at(iso))).toEqual([
      holds,
      holds ? 'time-of-day-ok' : 'time-of-day-unauthorized',
    ]);
  });

  test.each<[Tree, string]>([
    ['09:00', 'expected a mapping with after, before, timezone, not a text'],
    [{ after: '09:00' }, '`timezone` is missing'],
    [{ timezone: 'UTC' }, 'say `after`, `before` or both'],
    [{ after: '09:00', timezone: 'Europe/Berln' }, 'timezone: `Europe/Berln` is no time zone'],
    [{ after: '09:00', timezone: '+01:00' }, 'timezone: `+01:00` is no time zone'],
    [{ after: 'nine', timezone: 'UTC' }, 'after: `nine` is no time of day'],
    [{ before: 900, timezone: 'UTC' }, 'before: expected a text, not a number'],
    [{ after: '09:00', before: '9 AM', timezone: 'UTC' }, 'leave no time between them'],
    [{ before: '00:00', timezone: 'UTC' }, 'leave no time between them'],
    [{ from: '09:00', timezone: 'UTC' }, 'from: `from` says nothing here'],
  ])('%j does not load', (data, message) => {
    expect(errorsOf({ time_of_day: data }).join('\n')).toContain(message);
  });
});

describe('change_window', () => {
  const parsed = (windows: {
    readonly [name: string]: Tree;
  }): { windows: ChangeWindows; problems: readonly Problem[] } => {
    const problems: Problem[] = [];
    const found = parseChangeWindows(windows, ['change_windows'], (path, message) =>
      problems.push({ severity: 'error', path, message }),
    );
    return { windows: found, problems };
  };
  const good = (data: { readonly [key: string]: Tree }): ChangeWindows => {
    const { windows, problems } = parsed({ w: { timezone: 'Europe/Berlin', ...data } });
    expect(problems).toEqual([]);
    return windows;
  };
  const open = (data: { readonly [key: string]: Tree }, iso: string): boolean => {
    const window = good(data).get('w');
    if (window === undefined) throw new Error('did not load');
    return isOpen(window, instant(iso));
  };

  const office = { days: 'mon-thu', hours: { after: '09:00', before: '16:00' } };
  const night = { days: 'mon-thu', hours: { after: '22:00', before: '04:00' } };
  test.each<[{ readonly [key: string]: Tree }, string, boolean]>([
    [{}, '2026-11-25T12:00:00Z', true],
    [{ days: 'sat' }, '2026-11-27T22:59:59Z', false],
    [{ days: 'sat' }, '2026-11-27T23:00:00Z', true],
    [office, '2026-11-25T07:59:59Z', false],
    [office, '2026-11-25T08:00:00Z', true],
    [office, '2026-11-25T15:00:00Z', false],
    [office, '2026-11-27T12:00:00Z', false],
    // Monday 23 November to Thursday 26: the night of Thursday ends on Friday, that of Sunday is not open on Monday.
    [night, '2026-11-23T02:00:00Z', false],
    [night, '2026-11-23T21:00:00Z', true],
    [night, '2026-11-27T02:59:59Z', true],
    [night, '2026-11-27T03:00:00Z', false],
    [night, '2026-11-27T21:00:00Z', false],
    [{ days: 'sat', hours: { after: '22:00', before: '04:00' } }, '2026-11-29T02:00:00Z', true],
    [{ hours: { after: '22:00' } }, '2026-11-25T22:00:00Z', true],
    [{ from: '2026-11-25', until: '2026-11-26' }, '2026-11-24T22:59:59Z', false],
    [{ from: '2026-11-25', until: '2026-11-26' }, '2026-11-24T23:00:00Z', true],
    [{ from: '2026-11-25', until: '2026-11-26' }, '2026-11-26T22:59:59Z', true],
    [{ from: '2026-11-25', until: '2026-11-26' }, '2026-11-26T23:00:00Z', false],
    [{ until: '2026-11-26T10:00' }, '2026-11-26T09:00:00Z', false],
    [{ freezes: ['2026-12-25'] }, '2026-12-24T22:59:59Z', true],
    [{ freezes: ['2026-12-25'] }, '2026-12-24T23:00:00Z', false],
    [{ freezes: ['2026-12-25'] }, '2026-12-25T23:00:00Z', true],
    [{ freezes: ['2026-12-25', { from: '2026-12-28', until: '2027-01-03' }] }, '2027-01-03T22:59:59Z', false],
    [{ freezes: ['2026-12-25', { from: '2026-12-28', until: '2027-01-03' }] }, '2027-01-03T23:00:00Z', true],
    [{ freezes: [{ from: '2026-12-28T18:00', until: '2026-12-28T20:00' }] }, '2026-12-28T19:00:00Z', true],
    [{ freezes: [{ from: '2026-12-28T18:00', until: '2026-12-28T20:00' }] }, '2026-12-28T18:59:59Z', false],
    [{ ...night, freezes: ['2026-11-27'] }, '2026-11-27T02:00:00Z', false],
  ])('%j at %s: %s', (data, iso, expected) => {
    expect(open(data, iso)).toBe(expected);
  });

  test('holds where one of the named windows is open', () => {
    const { windows } = parsed({ a: { timezone: 'UTC', days: 'mon' }, b: { timezone: 'UTC', days: 'wed' } });
    const on = at('2026-11-25T12:00:00Z');
    expect(judge({ change_window: 'b' }, on, { changeWindows: windows })).toEqual([true, 'change-window-open']);
    expect(judge({ change_window: ['a', 'b'] }, on, { changeWindows: windows })).toEqual([true, 'change-window-open']);
    expect(judge({ change_window: ['a'] }, on, { changeWindows: windows })).toEqual([false, 'change-window-closed']);
  });

  test.each<[Tree, string]>([
    ['deploy', '`change_windows` has no window `deploy`; did you mean `deploys`?'],
    [['deploys', 'nights'], 'has no window `nights`'],
    [[], 'an empty list names no window'],
    [5, 'expected a text or a list of texts'],
  ])('%j does not load', (data, message) => {
    const { windows } = parsed({ deploys: { timezone: 'UTC' } });
    expect(errorsOf({ change_window: data }, { changeWindows: windows }).join('\n')).toContain(message);
  });

  test('what names a window that has a problem is not a second problem', () => {
    const { windows, problems } = parsed({ deploys: {} });
    expect(problems).toHaveLength(1);
    expect(errorsOf({ change_window: 'deploys' }, { changeWindows: windows })).toEqual([]);
    expect(judge({ change_window: 'deploys' }, {}, { changeWindows: windows })).toEqual([
      false,
      'change-window-closed',
    ]);
  });

  test.each<[Tree, string]>([
    ['always', ': expected a mapping with timezone'],
    [{}, ': `timezone` is missing'],
    [{ timezone: 'Europe' }, 'timezone: `Europe` is no time zone'],
    [{ timezone: 'UTC', day: 'mon' }, 'day: `day` says nothing here'],
    [{ timezone: 'UTC', days: 'workdays' }, 'days: `workdays` names no weekdays'],
    [{ timezone: 'UTC', hours: '9-17' }, 'hours: expected a mapping with after, before'],
    [{ timezone: 'UTC', hours: { from: '9' } }, 'hours.from: `from` says nothing here'],
    [{ timezone: 'UTC', hours: {} }, 'hours: say `after`, `before` or both'],
    [{ timezone: 'UTC', hours: { after: '09:00', before: '09:00' } }, 'hours: `after` and `before` leave no time'],
    [{ timezone: 'UTC', from: 'soon' }, 'from: `soon` is no date'],
    [{ timezone: 'UTC', until: 'later' }, 'until: `later` is no date'],
    [{ timezone: 'UTC', from: '2026-12-24', until: '2026-12-23' }, 'until: `until` is not later than `from`'],
    [{ timezone: 'UTC', freezes: '2026-12-24' }, 'freezes: expected a list of dates and ranges, not a text'],
    [{ timezone: 'UTC', freezes: Array.from({ length: 1001 }, () => '2026-12-24') }, 'freezes: more than 1000'],
    [{ timezone: 'UTC', freezes: ['xmas'] }, 'freezes.0: `xmas` is no date'],
    [{ timezone: 'UTC', freezes: ['2026-12-24T10:00'] }, 'freezes.0: a freeze is a whole day or a range'],
    [{ timezone: 'UTC', freezes: [{ from: '2026-12-24' }] }, 'freezes.0: a range has both `from` and `until`'],
    [{ timezone: 'UTC', freezes: [{ from: '2026-12-24', to: '2026-12-25' }] }, 'freezes.0.to: `to` says nothing here'],
    [{ timezone: 'UTC', freezes: [{ from: '2026-12-24', until: '2026-12-01' }] }, 'freezes.0.until: `until` is not'],
  ])('the window %j does not load', (data, message) => {
    const { problems } = parsed({ w: data });
    const told = problems.map(({ path, message: text }) => `${path.slice(2).join('.')}: ${text}`);
    expect(told.join('\n')).toContain(message);
  });
});

describe('label', () => {
  const labels = new Map([['environment', 'prod']]);

  test.each<[Tree, readonly unknown[]]>([
    [{ 'label/environment': 'prod' }, [true, 'label-ok']],
    [{ 'label/environment': { in: ['test', 'staging'] } }, [false, 'label-unauthorized']],
    [{ 'label/class': { not: 'secret' } }, [false, 'label-unauthorized']],
  ])('%j', (criterion, expected) => {
    expect(judge(criterion, { labels }, { labels })).toEqual(expected);
  });

  test('that the route does not have is a warning, one without a key an error', () => {
    expect(warningsOf({ 'label/environment': 'prod' }, { labels })).toEqual([]);
    expect(warningsOf({ 'label/env': 'prod' }, { labels })).toEqual(['the route has no label `env`: this never holds']);
    expect(errorsOf({ label: 'prod' }).join()).toContain('name the label after a slash');
    expect(errorsOf({ 'label/': 'prod' }).join()).toContain('name the label after a slash');
  });
});

describe('header', () => {
  const http = (lines: { readonly [name: string]: readonly string[] }): Partial<PolicyFacts> => ({
    http: anHttpRequest({ header: (name) => lines[name] ?? [] }),
  });

  test.each<[Tree, { readonly [name: string]: readonly string[] }, readonly unknown[]]>([
    [{ 'header/X-Posture': 'healthy' }, { 'x-posture': ['healthy'] }, [true, 'header-ok']],
    [{ 'header/x-posture': 'healthy' }, { 'x-posture': ['Healthy'] }, [false, 'header-unauthorized']],
    [{ 'header/x-posture': { not: 'sick' } }, {}, [false, 'header-unauthorized']],
    [{ 'header/x-posture': { not: 'sick' } }, { 'x-posture': [''] }, [true, 'header-ok']],
    [{ 'header/x-posture': 'healthy' }, { 'x-posture': ['healthy', 'healthy'] }, [undefined, 'header-ambiguous']],
  ])('%j of %j', (criterion, lines, expected) => {
    expect(judge(criterion, http(lines))).toEqual(expected);
  });

  test('of a request that is not HTTP is unknown under strict, and absent under pomerium', () => {
    const facts = someFacts({ http: undefined });
    const policy = { allow: { or: [{ 'header/x-a': 'b' }] } };
    expect(load(policy).policy.evaluate(facts).allow).toEqual({ value: undefined, reasons: ['request-not-http'] });
    expect(load(policy, { semantics: 'pomerium' }).policy.evaluate(facts).allow).toEqual({
      value: false,
      reasons: ['header-unauthorized'],
    });
  });

  test.each([
    ['header', 'is no header name'],
    ['header/', 'is no header name'],
    ['header/x y', 'is no header name'],
    ['header/:path', 'is no header name'],
    ['header/X-Forwarded-For', 'any client can write it'],
    ['header/x-envoy-external-address', 'any client can write it'],
    ['header/x-original-url', 'any client can write it'],
    ['header/x-real-ip', 'any client can write it'],
    ['header/forwarded', 'any client can write it'],
    ['header/host', 'use `from`'],
    ['header/Cookie', 'carries credentials'],
    ['header/authorization', 'carries credentials'],
    ['header/x-pomerium-claim-email', 'Doorward sets `x-pomerium-claim-email` itself'],
    ['header/X-User', 'Doorward sets `x-user` itself'],
  ])('%s does not load', (name, message) => {
    expect(errorsOf({ [name]: 'x' }, { ownHeaders: new Set(['x-user']) }).join('\n')).toContain(message);
  });
});

describe('http_query', () => {
  const judged = (data: Tree, query: string) => judge({ http_query: data }, { http: anHttpRequest({ query }) });
  const ok = [true, 'http-query-ok'];
  const no = [false, 'http-query-unauthorized'];
  const ambiguous = [undefined, 'http-query-ambiguous'];

  test.each<[Tree, string, readonly unknown[]]>([
    [{ action: 'read' }, 'action=read', ok],
    [{ action: 'read' }, '&page=1&&action=read&', ok],
    [{ action: 'read' }, 'action=write', no],
    [{ action: 'read' }, '', no],
    [{ action: { not: 'write' } }, '', no],
    [{ action: { not: 'write' } }, 'action', ok],
    [{ q: 'a b+c' }, 'q=a+b%2Bc', ok],
    [{ 'a b': 'é' }, 'a%20b=%C3%A9', ok],
    [{ action: 'read', page: { in: ['1', '2'] } }, 'action=read&page=2', ok],
    [{ action: 'read', page: { in: ['1', '2'] } }, 'action=read&page=3', no],
    // Applications differ.
    [{ action: 'read' }, 'action=read&action=write', ambiguous],
    [{ action: 'read' }, 'action=read&action=read', ambiguous],
    [{ action: 'read' }, 'action=read&Action=write', ambiguous],
    [{ action: 'read' }, 'action[]=read', ambiguous],
    [{ action: 'read' }, 'action=read&action%5B0%5D=write', ambiguous],
    [{ action: 'read' }, 'action=read&action.x=write', ambiguous],
    [{ action: 'read' }, 'action=read&[action]=write', ambiguous],
    [{ action: 'read' }, 'action=read&action%00x=write', ambiguous],
    [{ user_id: '1' }, 'user_id=1&user.id=2', ambiguous],
    [{ user_id: '1' }, 'user_id=1&user+id=2', ambiguous],
    [{ user_id: '1' }, 'user_id=1&user[id=2', ambiguous],
    [{ action: 'read' }, 'action=read;action=write', ambiguous],
    [{ action: 'read' }, 'action=read&x=%zz', ambiguous],
    [{ action: 'read' }, 'action=read&%ff=1', ambiguous],
    [{ action: 'read' }, `action=read${'&x=1'.repeat(200)}`, ambiguous],
    [{ action: 'read', page: '1' }, 'action=read&action=write&page=2', no],
    [{ action: 'read', page: '1' }, 'action=read&action=write&page=1', ambiguous],
    [{ action: 'read', page: '1' }, 'action=read&page=1&page=2', ambiguous],
  ])('%j of ?%s', (data, query, expected) => {
    expect(judged(data, query)).toEqual(expected);
  });

  test('a parameter may be named as arrays are written', () => {
    expect(judged({ 'ids[]': '1' }, 'ids[]=1')).toEqual(ok);
    expect(onlyValue(parseQuery('__proto__=1') ?? new Map(), '__proto__')).toEqual({ value: '1' });
  });

  test.each<[Tree, string]>([
    ['action=read', 'expected a mapping of parameters to matchers'],
    [{}, 'name at least one parameter'],
    [{ action: { like: 'x' } }, 'action.like: `like` is not an operator here'],
  ])('%j does not load', (data, message) => {
    expect(errorsOf({ http_query: data }).join('\n')).toContain(message);
  });

  test('whoever lists what is read gets the parameters', () => {
    const { policy } = load({ allow: { or: [{ http_query: { action: 'read' } }] } });
    expect(policy.reads).toEqual(['query/action']);
    expect(httpQuery.reads({ data: 'x', subPath: undefined })).toEqual([]);
    expect(load({ allow: { or: [{ 'header/X-A': 'b' }, { 'label/x': 'y' }] } }).policy.reads).toEqual([
      'header/x-a',
      'label/x',
    ]);
  });
});
