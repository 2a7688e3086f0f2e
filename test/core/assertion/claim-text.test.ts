import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  encodeElement,
  goNumber,
  pomeriumHeaderText,
  sendableText,
  strictHeaderText,
} from '../../../src/core/assertion/claim-text.ts';

const sendable = /^(?:[!-~](?:[\t -~]*[!-~])?)?$/;

describe('a claim as a header in the strict semantics', () => {
  test.each([
    ['plain text', 'plain text'],
    ['alice@example.com', 'alice@example.com'],
    ['a+b=c;d:e/f?g', 'a+b=c;d:e/f?g'],
    ['', ''],
    ['Smith, Bob', 'Smith%2C Bob'],
    ['100%', '100%25'],
    ['"quoted"', '%22quoted%22'],
    [' admin ', '%20admin%20'],
    ['   ', '%20%20%20'],
    ['Zoë', 'Zo%C3%AB'],
    ['😀', '%F0%9F%98%80'],
    ['a\r\nX-Admin: 1', 'a%0D%0AX-Admin: 1'],
    ['a\0b\tc\x7f', 'a%00b%09c%7F'],
    ['\u2028\u0085', '%E2%80%A8%C2%85'],
    ['half \ud83d pair', 'half %EF%BF%BD pair'],
  ])('%j is %j', (text, expected) => {
    expect(encodeElement(text)).toBe(expected);
    expect(strictHeaderText(text)).toBe(expected);
  });

  test('joins the scalars of a list and leaves out what has no text', () => {
    expect(strictHeaderText(['a', 1.5, true, null, { x: 1 }, ['y'], 'b,c'])).toBe('a,1.5,true,b%2Cc');
    expect(strictHeaderText([])).toBe('');
    expect(strictHeaderText({ x: 1 })).toBe('');
    expect(strictHeaderText(null)).toBe('');
    expect(strictHeaderText(1234567)).toBe('1234567');
  });

  test('gives back the elements by splitting at commas and decoding each, and is always sendable', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const element = fc.oneof(text, fc.constantFrom(',', '%2C', ' ', '"a,b"', '\r\n', '\0', 'a, b', '%'));
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 6 }), (elements) => {
        const header = strictHeaderText(elements);
        expect(header).toMatch(sendable);
        expect(header.split(',').map(decodeURIComponent)).toEqual(elements);
        // Readers that trim around commas, or that know quoted strings, see the same.
        expect(header.split(',').map((part) => part.trim())).toEqual(header.split(','));
        expect(header).not.toContain('"');
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (anything) => {
        expect(strictHeaderText(anything)).toMatch(sendable);
      }),
    );
  });
});

describe('a claim as a header in the Pomerium semantics', () => {
  test('joins elements as they are', () => {
    expect(pomeriumHeaderText(['a', 1, true, null, { x: 1 }, ['y'], 'b,c'])).toBe('a,1,true,b,c');
    expect(pomeriumHeaderText('x')).toBe('x');
    expect(pomeriumHeaderText([null])).toBe('');
  });

  test.each([
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1, '-1'],
    [100, '100'],
    [999999, '999999'],
    [1000000, '1e+06'],
    [1234567, '1.234567e+06'],
    [123456789012, '1.23456789012e+11'],
    [9007199254740991, '9.007199254740991e+15'],
    [1e20, '1e+20'],
    [1e21, '1e+21'],
    [0.1, '0.1'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [0.000123456789, '0.000123456789'],
    [-2.5e-7, '-2.5e-07'],
    [999999.5, '999999.5'],
    [9999999.5, '9.9999995e+06'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [5e-324, '5e-324'],
  ])('prints %d as %s', (value, expected) => {
    expect(goNumber(value)).toBe(expected);
  });
});

test('blanks cost no more than other characters', () => {
  const started = performance.now();
  for (const text of [
    ' '.repeat(100_000),
    `a${' '.repeat(100_000)}b`,
    `,${' '.repeat(100_000)},`,
    `é${'\t'.repeat(100_000)}é`,
  ]) {
    encodeElement(text);
    sendableText(text);
  }
  expect(performance.now() - started).toBeLessThan(500);
});

describe('what is sent', () => {
  test.each([
    ['é€ 😀', 'é€ 😀'],
    ['a\tb', 'a\tb'],
    [' Bearer ', 'Bearer'],
    ['a\r\nb\0\x1f\x7f', 'a%0D%0Ab%00%1F%7F'],
    ['\x80\x9f', '%C2%80%C2%9F'],
    ['\ud83d', '%EF%BF%BD'],
    ['\ude00\ud83d', '%EF%BF%BD%EF%BF%BD'],
  ])('%j is %j', (text, expected) => {
    expect(sendableText(text)).toBe(expected);
  });

  test('never has a control or a blank at an end, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(sendableText(text)).not.toMatch(/(?!\t)[\p{Cc}\p{Cs}]|^[ \t]|[ \t]$/u);
      }),
    );
  });
});
