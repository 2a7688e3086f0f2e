import { describe, expect, test } from '@jest/globals';
import { StreamIndex, type Indexed } from '../../../src/core/streams/stream-index.ts';

const stream = (covers: readonly string[], weight = 1): Indexed => ({ covers, weight });
const roomy = { streamsMax: 10, weightMax: 100 };

describe('StreamIndex', () => {
  test('finds by each cover, until it is deleted', () => {
    const index = new StreamIndex(roomy);
    const [one, other] = [stream(['s:1', 'all']), stream(['s:2', 'all'])];
    expect([index.add(one), index.add(other)]).toEqual([true, true]);
    expect(index.covered('s:1')).toEqual([one]);
    expect(index.covered('all')).toEqual([one, other]);
    expect(index.covered('s:3')).toEqual([]);
    expect([index.delete(one), index.delete(one)]).toEqual([true, false]);
    expect(index.has(one)).toBe(false);
    expect(index.covered('all')).toEqual([other]);
    expect(index.all()).toEqual([other]);
    expect(index.size).toBe(1);
  });

  test('a stream that rests on something else is found by that alone', () => {
    const index = new StreamIndex(roomy);
    const one = stream(['s:1']);
    index.recover(one, ['s:9']);
    expect(index.covered('s:9')).toEqual([]);
    index.add(one);
    index.recover(one, ['s:1']);
    index.recover(one, ['s:1', 'u:1']);
    index.recover(one, ['u:1', 'i:1']);
    expect([index.covered('s:1'), index.covered('u:1'), index.covered('i:1')]).toEqual([[], [one], [one]]);
  });

  test('beyond its bounds nothing is taken, and nothing dropped', () => {
    const few = new StreamIndex({ streamsMax: 1, weightMax: 100 });
    expect([few.add(stream([])), few.add(stream([]))]).toEqual([true, false]);
    const light = new StreamIndex({ streamsMax: 10, weightMax: 10 });
    const first = stream(['a'], 6);
    expect([light.add(first), light.add(stream([], 5))]).toEqual([true, false]);
    light.delete(first);
    expect(light.add(stream([], 10))).toBe(true);
  });
});
