/** Regular expressions of a configuration run in linear time: nothing that comes from outside reaches the engine of the JavaScript runtime. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { expect, test } from '@jest/globals';

import { PROJECT_ROOT } from '../support/project.ts';

const sources = readdirSync(join(PROJECT_ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(PROJECT_ROOT, 'src', name));

/** Each line that fits, as `file: line`. */
const linesWith = (pattern: RegExp): readonly string[] =>
  sources.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => pattern.test(line) && !/^\s*(?:\/\/|\*|\/\*)/.test(line))
      .map((line) => `${relative(PROJECT_ROOT, file)}: ${line.trim()}`),
  );

test('only one file has the library that compiles them', () => {
  expect(linesWith(/from 're2js'|import\('re2js'\)|require\('re2js'\)/)).toEqual([
    "src/core/regex.ts: import { RE2JS } from 're2js';",
  ]);
});

test('the engine of the runtime is given nothing but texts that stand in the code', () => {
  // Two constants that are put together from constants of the same file.
  const made = linesWith(/\bRegExp\s*\(|\.compile\(.*RegExp/);
  expect(made.map((line) => line.split(':')[0])).toEqual(['src/core/request/authorization.ts']);
});
