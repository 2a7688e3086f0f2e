import { describe, expect, test } from '@jest/globals';
import { STREAM_BOUND_HEADER, streamBoundMs, withStreamBound } from '../../../src/core/streams/bound.ts';
import { aSession, secondsAfter } from '../session/a-session.ts';

const noLimits = { sessionLifetimeSeconds: 86_400, maxStreamSeconds: undefined };

describe('streamBoundMs', () => {
  test.each([
    { at: 0, limits: noLimits, ms: 3_600_000 },
    { at: 1000.5, limits: noLimits, ms: 2_599_500 },
    { at: 0, limits: { ...noLimits, sessionLifetimeSeconds: 60 }, ms: 60_000 },
    { at: 0, limits: { ...noLimits, maxStreamSeconds: 300 }, ms: 300_000 },
    { at: 3500, limits: { ...noLimits, maxStreamSeconds: 300 }, ms: 100_000 },
    { at: 0, limits: { sessionLifetimeSeconds: 60, maxStreamSeconds: 300 }, ms: 60_000 },
  ])('$at s into a session of an hour, under $limits, it is $ms ms', ({ at, limits, ms }) => {
    expect(streamBoundMs(aSession(), secondsAfter(at), limits)).toBe(ms);
  });

  test.each([3599.9999, 3600, 5000])('it is never the 0 by which Envoy means "for ever", also at %s s', (at) => {
    expect(streamBoundMs(aSession(), secondsAfter(at), noLimits)).toBe(1);
  });
});

describe('withStreamBound', () => {
  const changes = { set: [['x-a', '1']], remove: ['x-b'], setCookies: ['c=1'] } as const;

  test('adds the bound', () => {
    expect(withStreamBound(changes, 1500)).toEqual({
      set: [
        ['x-a', '1'],
        [STREAM_BOUND_HEADER, '1500'],
      ],
      remove: ['x-b'],
      setCookies: ['c=1'],
    });
  });

  test('without a session takes away what the client sent, and sets none', () => {
    expect(withStreamBound(changes, undefined)).toEqual({ ...changes, remove: ['x-b', STREAM_BOUND_HEADER] });
  });

  test.each([
    { bound: 1500, set: [[STREAM_BOUND_HEADER, '1500']], remove: [] },
    { bound: undefined, set: [], remove: [STREAM_BOUND_HEADER] },
  ])('wins over what a route sets or removes: $bound', ({ bound, set, remove }) => {
    const told = { set: [[STREAM_BOUND_HEADER, '0']], remove: [], setCookies: [] } as const;
    expect(withStreamBound(told, bound)).toMatchObject({ set, remove });
    const removed = { set: [], remove: [STREAM_BOUND_HEADER], setCookies: [] } as const;
    expect(new Set(withStreamBound(removed, bound).remove)).toEqual(new Set(remove));
  });
});
