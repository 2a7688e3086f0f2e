/**
 * The only place where a regular expression from a configuration is compiled: RE2 syntax, matched in time linear in the text.
 * Must not offer a way to the engine of the JavaScript runtime, whose backtracking a hostile text can make exponential.
 */

import { RE2JS } from 're2js';
import { err, ok } from './result.ts';
import type { Result } from './result.ts';

/** Characters of a pattern. Patterns are written by people; one longer than this is a mistake or an attack. */
const SOURCE_CHARS_MAX = 4096;

/** Instructions of a compiled pattern: bounds the memory and the factor of the linear time. `a{1000}` has about 1,000. */
const PROGRAM_SIZE_MAX = 20_000;

/** Tells whether a text matches. */
export type RegexMatcher = (text: string) => boolean;

/**
 * Compiles `source` to a matcher of the *whole* text, anchored at both ends as Envoy's `safe_regex` is. RE2 syntax
 * (https://github.com/google/re2/wiki/Syntax): no look-around and no back-references. The error is one sentence that names what is
 * wrong in the pattern.
 */
export function compileRegex(source: string): Result<RegexMatcher, string> {
  const program = compileProgram(source);
  return program.ok ? ok((text) => program.value.testExact(text)) : program;
}

/** The same, to a matcher of any part of the text, as CEL's `matches` is; `^` and `$` anchor it. */
export function compileRegexSearch(source: string): Result<RegexMatcher, string> {
  const program = compileProgram(source);
  return program.ok ? ok((text) => program.value.test(text)) : program;
}

function compileProgram(source: string): Result<RE2JS, string> {
  if (source.length > SOURCE_CHARS_MAX)
    return err(`the regular expression is longer than ${SOURCE_CHARS_MAX} characters`);
  try {
    const program = RE2JS.compile(source);
    if (program.programSize() > PROGRAM_SIZE_MAX)
      return err('the regular expression is too large once its repetitions are written out');
    return ok(program);
  } catch (error) {
    return err(`not a regular expression in RE2 syntax: ${describeSyntaxError(error)}`);
  }
}

/** RE2JS prefixes its messages; the rest names the fault and quotes the part of the pattern. */
function describeSyntaxError(error: unknown): string {
  return String(error instanceof Error ? error.message : error).replace(/^error parsing regexp: /, '');
}
