import { describe, expect, test } from '@jest/globals';

import { Pauses } from '../../src/core/pauses.ts';

describe('Pauses', () => {
  test('what has not failed is not left alone', () => {
    const pauses = new Pauses<string>(10);
    pauses.probe('idp', 0);
    expect(pauses.has('idp')).toBe(false);
    expect(pauses.isPausing('idp', 0)).toBe(false);
  });

  test.each([
    [0, 750],
    [0.5, 1000],
    [1, 1250],
  ])('after a failure it is left alone for a second, a quarter more or less (%d)', (share, ms) => {
    const pauses = new Pauses<string>(10);
    pauses.fail('idp', 100, share);
    expect(pauses.has('idp')).toBe(true);
    expect(pauses.isPausing('idp', 100 + ms - 1)).toBe(true);
    expect(pauses.isPausing('idp', 100 + ms)).toBe(false);
    expect(pauses.has('idp')).toBe(true);
  });

  test('each failure in a row doubles it, up to half a minute', () => {
    const pauses = new Pauses<string>(10);
    let nowMs = 0;
    const lengths = Array.from({ length: 8 }, () => {
      pauses.fail('idp', nowMs, 0.5);
      const sinceMs = nowMs;
      while (pauses.isPausing('idp', nowMs)) nowMs += 100;
      return nowMs - sinceMs;
    });
    expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('what was begun before a failure and fails during its pause is the same failure', () => {
    const pauses = new Pauses<string>(10);
    pauses.fail('idp', 0, 0.5);
    for (let count = 0; count < 9; count += 1) pauses.fail('idp', 900, 0.5);
    expect(pauses.isPausing('idp', 1_000)).toBe(false);
  });

  test('one attempt after it keeps others away until it has come to something, and its failure counts', () => {
    const pauses = new Pauses<string>(10);
    pauses.fail('idp', 0, 0.5);
    pauses.probe('idp', 1_000);
    expect(pauses.isPausing('idp', 5_999)).toBe(true);
    pauses.fail('idp', 2_000, 0.5);
    expect(pauses.isPausing('idp', 3_999)).toBe(true);
    expect(pauses.isPausing('idp', 4_000)).toBe(false);
    pauses.probe('idp', 4_000);
    expect(pauses.isPausing('idp', 8_999)).toBe(true);
    // It came to nothing.
    expect(pauses.isPausing('idp', 9_000)).toBe(false);
  });

  test('a success ends it', () => {
    const pauses = new Pauses<string>(10);
    pauses.fail('idp', 0, 0.5);
    pauses.succeed('idp');
    expect(pauses.has('idp')).toBe(false);
    pauses.fail('idp', 0, 0.5);
    expect(pauses.isPausing('idp', 1_000)).toBe(false);
  });

  test('of more than it may remember, the one that failed longest ago is forgotten', () => {
    const pauses = new Pauses<number>(3);
    for (const key of [1, 2, 3]) pauses.fail(key, 0, 0.5);
    pauses.fail(1, 2_000, 0.5);
    pauses.fail(4, 2_000, 0.5);
    expect([1, 2, 3, 4].filter((key) => pauses.has(key))).toEqual([1, 3, 4]);
  });
});
