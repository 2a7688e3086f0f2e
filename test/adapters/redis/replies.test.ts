import { describe, expect, test } from '@jest/globals';
import { bytesAt, flagAt, numberAt, optionalNumberAt, textAt, textsAt } from '../../../src/adapters/redis/replies.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const corrupt = expect.objectContaining({ code: 'store-corrupt' });

describe('replies', () => {
  test('give what scripts can give', () => {
    expect(bytesAt([bytes('x')], 0)).toEqual(bytes('x'));
    expect(bytesAt([], 0)).toBeUndefined();
    expect(bytesAt([null], 0)).toBeUndefined();
    expect(textAt([bytes('ä')], 0)).toBe('ä');
    expect(numberAt([bytes('9007199254740991')], 0)).toBe(Number.MAX_SAFE_INTEGER);
    expect(optionalNumberAt([bytes('')], 0)).toBeUndefined();
    expect(optionalNumberAt([bytes('0')], 0)).toBe(0);
    expect([flagAt([1], 0), flagAt([0], 0)]).toEqual([true, false]);
    expect(textsAt([[bytes('a'), bytes('b')]], 0)).toEqual(['a', 'b']);
  });

  test.each([
    ['bytes', () => bytesAt(['text'], 0)],
    ['bytes', () => bytesAt([1], 0)],
    ['a text', () => textAt([], 0)],
    ['a number', () => numberAt([bytes('-1')], 0)],
    ['a number', () => numberAt([bytes('9007199254740992')], 0)],
    ['a number', () => numberAt([bytes('1e3')], 0)],
    ['a number', () => numberAt([1], 0)],
    ['nothing or a number', () => optionalNumberAt([], 0)],
    ['nothing or a number', () => optionalNumberAt([bytes(' ')], 0)],
    ['a yes or no', () => flagAt([2], 0)],
    ['a yes or no', () => flagAt([bytes('1')], 0)],
    ['texts', () => textsAt([bytes('a')], 0)],
    ['texts', () => textsAt([[bytes('a'), null]], 0)],
  ])('where %s should be, anything else is a fault of the store', (_, read) => {
    expect(read).toThrow(corrupt);
  });
});
