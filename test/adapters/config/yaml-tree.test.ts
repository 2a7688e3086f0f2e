import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { parseYamlTree } from '../../../src/adapters/config/yaml-tree.ts';
import type { TreePath } from '../../../src/core/problem.ts';

const treeOf = (text: string): unknown => {
  const parsed = parseYamlTree(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return JSON.parse(JSON.stringify(parsed.value.tree));
};

const faultsOf = (text: string): readonly string[] => {
  const parsed = parseYamlTree(text);
  return parsed.ok ? [] : parsed.error.faults.map(({ line, column, message }) => `${line}:${column} ${message}`);
};

const positionOf = (text: string, path: TreePath, atKey = false): string => {
  const parsed = parseYamlTree(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const { line, column } = parsed.value.positionOf(path, atKey);
  return `${line}:${column}`;
};

describe('values', () => {
  test.each([
    ['a: 1\nb: [x, true, null, 1.5]\n', { a: 1, b: ['x', true, null, 1.5] }],
    ['a:\nb: ""', { a: null, b: '' }],
    ['no: no\nyes: yes\non: on', { no: 'no', yes: 'yes', on: 'on' }],
    ['date: 2026-01-01\nversion: 1.10\noctal: 0o14', { date: '2026-01-01', version: 1.1, octal: 12 }],
    ['1: one\ntrue: yes', { '1': 'one', true: 'yes' }],
    ['a: |\n  x\n  y\nb: >-\n  x\n  y', { a: 'x\ny\n', b: 'x y' }],
    ['a: &x { b: 1 }\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
    ['a: &x 1\nb: &x 2\nc: *x', { a: 1, b: 2, c: 2 }],
    ['<<: { a: 1 }', { '<<': { a: 1 } }],
    ['a: !!str 5', { a: '5' }],
    ['"text"', 'text'],
    ['', null],
    ['# nothing but a comment', null],
  ])('%j is read as YAML 1.2 core', (text, tree) => {
    expect(treeOf(text)).toEqual(tree);
  });

  test('a key named __proto__ is a key and nothing else', () => {
    const parsed = parseYamlTree('__proto__: { polluted: true }\nconstructor: x');
    expect(parsed.ok && Object.keys(parsed.value.tree as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('whatever JSON holds comes back from YAML as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        expect(treeOf(stringify(plain, { aliasDuplicateObjects: false }))).toEqual(plain);
      }),
      { numRuns: 200 },
    );
  });

  test('whatever text it is given, it answers', () => {
    const soup = fc.array(
      fc.constantFrom(
        'a',
        ': ',
        '- ',
        '\n',
        ' ',
        '[',
        ']',
        '{',
        '}',
        '&a ',
        '*a ',
        '"',
        "'",
        '|',
        '!x ',
        '#',
        '---\n',
        '\t',
        '${',
      ),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          soup.map((parts) => parts.join('')),
        ),
        (text) => {
          const parsed = parseYamlTree(text);
          if (parsed.ok) return;
          expect(parsed.error.faults.length).toBeGreaterThan(0);
          for (const { line, column } of parsed.error.faults) expect(Math.min(line, column)).toBeGreaterThanOrEqual(1);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('positions', () => {
  const text = 'a:\n  - b: 1\n  - {c: x, "d":\n     y}\nalias: &z [1, {k: v}]\nuse: *z\n';

  test.each<[TreePath, string, string]>([
    [[], '1:1', '1:1'],
    [['a'], '2:3', '1:1'],
    [['a', 0], '2:5', '2:5'],
    [['a', 0, 'b'], '2:8', '2:5'],
    [['a', 1, 'c'], '3:9', '3:6'],
    [['a', 1, 'd'], '4:6', '3:12'],
    [['use'], '6:6', '6:1'],
    [['use', 1, 'k'], '5:19', '5:16'],
    [['a', 7, 'x'], '2:3', '2:3'],
    [['none'], '1:1', '1:1'],
  ])('%j stands at %s, its key at %s', (path, value, key) => {
    expect(positionOf(text, path)).toBe(value);
    expect(positionOf(text, path, true)).toBe(key);
  });

  test('lines that end with CR LF count once', () => {
    expect(positionOf('a: 1\r\nb:\r\n  c: 2\r\n', ['b', 'c'])).toBe('3:6');
  });
});

describe('faults', () => {
  test.each([
    ['a: 1\na: 2', ['2:1 this key was given before in the same map']],
    ['a: !vault x', ['1:4 tags such as `!name` are not supported']],
    ['a: !!binary aGk=', ['1:4 tags such as `!name` are not supported']],
    ['a: *b', ['1:4 an alias must follow the anchor that it names']],
    ['a: &a [*a]', ['1:8 an alias must not stand inside what it names']],
    ['a: 1\n---\nb: 2', ['2:1 a configuration is one YAML document: remove what follows `---`']],
    ['? [x]\n: 1', ['1:3 a key must be text']],
    ['a: .nan\nb: .inf', ['1:4 this is not a finite number', '2:4 this is not a finite number']],
    ['a:\n\t- b', ['2:1 tabs must not indent: use blanks']],
    ['a: b: c', ['1:4 two keys in one line, or a value with `: ` in it: put the value in quotes']],
    ['a: "x', ['1:6 something is missing here: a quote, a bracket, a colon, a comma or a blank']],
    ['a: @x', ['1:4 a plain text must not start with this character: put the text in quotes']],
    ['a: "\\q"', ['1:5 an unknown escape in a double-quoted text: write `\\\\` for a backslash, or use single quotes']],
  ])('%j', (text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  test.each<[string, unknown]>([
    ['a: !x b\nc: .nan\nd: 1\nd: 2', { a: 'b', c: null, d: 1 }],
    ['1: x\nb: !!js/function c', { '1': 'x', b: 'c' }],
    ['a: *b', undefined],
    ['a: "x', undefined],
    ['a: !x b\nc: "', undefined],
    [`a: !x b\nc: ${'['.repeat(60)}${']'.repeat(60)}\nd: *e`, undefined],
    [Array.from({ length: 40 }, () => 'a: 1').join('\n'), undefined],
  ])('in single keys and values leave the rest, to look for more: %#', (text, rest) => {
    const parsed = parseYamlTree(text);
    expect(parsed.ok ? parsed : parsed.error.rest?.tree).toEqual(rest);
  });

  test('no fault quotes what stands in the file', () => {
    for (const text of [
      'a: "hunter2',
      'a: [hunter2',
      'hunter2: *hunter2',
      'a: !hunter2 hunter2',
      'a: hunter2: hunter2',
      '%hunter2\n---\na',
    ])
      expect(faultsOf(text).join('\n')).not.toContain('hunter2');
  });
});

describe('bounds', () => {
  test('a line of JSON may have many keys', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, { a: index }]));
    expect(treeOf(`x: &x ${JSON.stringify(many)}`)).toEqual({ x: many });
  });

  test('a plain file may be large, and everything has its place', () => {
    const parsed = parseYamlTree(`routes:\n${'- from: https://a.example.com\n'.repeat(100_000)}`);
    expect(parsed.ok && parsed.value.positionOf(['routes', 99_999, 'from'], false)).toEqual({
      line: 100_001,
      column: 9,
    });
  });

  /** Nine aliases of nine, ten times over: 9^10 values if it were written out. */
  const laughs = Array.from({ length: 10 }, (_, level) =>
    level === 0
      ? 'a0: &a0 x'
      : `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
  ).join('\n');
  const quadratic = `a: &a [${Array(1000).fill('x').join(', ')}]\nb: [${Array(1000).fill('*a').join(', ')}]`;

  test.each([
    ['aliases of aliases', laughs, /once its aliases are written out/],
    ['many aliases of one long list', quadratic, /once its aliases are written out/],
    ['deep flow lists', '['.repeat(1_000_000), /nested too deeply/],
    ['deep flow maps', '{a: '.repeat(250_000), /nested too deeply/],
    ['deep lists in one line', '- '.repeat(500_000), /nested too deeply/],
    ['deep explicit keys', '? '.repeat(500_000), /nested too deeply/],
    ['deep indentation', Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), /nested too deeply/],
    [
      'depth by way of aliases',
      Array.from({ length: 100 }, (_, i) => (i === 0 ? 'a0: &a0 [x]' : `a${i}: &a${i} [*a${i - 1}]`)).join('\n'),
      /nested too deeply/,
    ],
    ['a million line breaks in tiny values', '-\n'.repeat(500_000), /more than 400000 YAML tokens/],
    [
      'more than a megabyte with a fault in it',
      `${'- a: x\n'.repeat(200_000)}b: &x 1\n`,
      /^200001:1 the file is larger than 1 MiB, and so it must be plain YAML throughout; here the indentation fits/,
    ],
    [
      'more than a megabyte with an anchor',
      `${'- a: x\n'.repeat(200_000)}- b: &x 1\n`,
      /^200001:6 the file is larger than 1 MiB, .* here a text begins with a sign/,
    ],
    ['more than sixteen megabytes', '- a: x\n'.repeat(2_500_000), /^1:1 the file is larger than 16 MiB$/],
  ])('%s are refused at once', (_, text, message) => {
    const start = performance.now();
    const faults = faultsOf(text);
    expect(performance.now() - start).toBeLessThan(4000);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(message);
  });

  test('of very many faults the first twenty are told', () => {
    expect(faultsOf(`a: [${','.repeat(1000)}]`)).toHaveLength(20);
    expect(faultsOf(Array(100).fill('a: 1').join('\n'))).toHaveLength(20);
  });

  test('what people write is far from the bounds', () => {
    const route = '- from: https://a.example.com\n  policy: [{ allow: { and: [{ email: { is: a@b.c } }] } }]\n';
    expect(faultsOf(route.repeat(8000))).toEqual([]);
    expect(faultsOf(`${'['.repeat(60)}x${']'.repeat(60)}`)).toEqual([]);
  });
});
