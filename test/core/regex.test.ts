import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { compileRegex, compileRegexSearch } from '../../src/core/regex.ts';

function matches(source: string, text: string): boolean {
  const compiled = compileRegex(source);
  if (!compiled.ok) throw new Error(compiled.error);
  return compiled.value(text);
}

function fault(source: string): string {
  const compiled = compileRegex(source);
  if (compiled.ok) throw new Error('compiled');
  return compiled.error;
}

describe('regular expressions', () => {
  test.each([
    ['/a/(b|c+)', '/a/ccc', true],
    ['/a/(b|c+)', '/a/cccx', false],
    ['/a/(b|c+)', 'x/a/b', false],
    ['a|ab', 'ab', true],
    ['a', 'a\n', false],
    ['', '', true],
    ['', 'a', false],
    ['(?i)abc', 'aBC', true],
    ['.*', 'line\nline', false],
    ['[^/]+', 'été', true],
  ])('%j matches the whole of %j: %j', (source, text, expected) => expect(matches(source, text)).toBe(expected));

  test('a pattern that would backtrack for ever elsewhere is answered at once', () => {
    expect(matches('(a+)+', `${'a'.repeat(50_000)}b`)).toBe(false);
  });

  test.each([
    ['an open group', '(', /missing closing \)/],
    ['look-ahead', '(?=a)', /Perl syntax/],
    ['a back-reference', '\\1', /escape sequence/],
    ['a repetition of repetitions', '(a{1000}){1000}', /repeat count/],
    ['a very long pattern', 'a'.repeat(4097), /longer than 4096 characters/],
    ['a pattern that unfolds to a large program', 'a{1000}'.repeat(30), /too large once its repetitions/],
  ])('%s is refused, and the fault is named', (_what, source, message) => expect(fault(source)).toMatch(message));

  test('compiling never throws, whatever the pattern', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 40 }), (source, text) => {
        const compiled = compileRegex(source);
        if (compiled.ok) expect(typeof compiled.value(text)).toBe('boolean');
        else expect(compiled.error).not.toBe('');
      }),
    );
  });
});

describe('a search', () => {
  test.each([
    ['b', 'abc', true],
    ['^b', 'abc', false],
    ['c$', 'abc', true],
    ['', '', true],
    ['(x+x+)+y', 'x'.repeat(5000), false],
  ])('%j is somewhere in the text', (source, text, expected) => {
    const compiled = compileRegexSearch(source);
    expect(compiled.ok && compiled.value(text)).toBe(expected);
  });

  test('of something that is no pattern does not compile', () => {
    expect(compileRegexSearch('(').ok).toBe(false);
  });
});
