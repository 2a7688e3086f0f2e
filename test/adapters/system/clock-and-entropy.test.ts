import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';

describe('the system clock', () => {
  test('tells seconds since 1970', () => {
    expect(Math.abs(systemClock.now() - Date.now() / 1000)).toBeLessThan(1);
  });

  test('has a monotonic reading that never goes back', () => {
    let last = systemClock.monotonicMs();
    for (let round = 0; round < 10_000; round += 1) {
      const reading = systemClock.monotonicMs();
      expect(reading).toBeGreaterThanOrEqual(last);
      last = reading;
    }
  });
});

describe('the system entropy', () => {
  test('gives as many bytes as asked, and never the same', () => {
    for (const length of [0, 1, 16, 32]) expect(systemEntropy.bytes(length)).toHaveLength(length);
    const drawn = new Set(Array.from({ length: 1_000 }, () => Buffer.from(systemEntropy.bytes(16)).toString('hex')));
    expect(drawn.size).toBe(1_000);
  });
});
