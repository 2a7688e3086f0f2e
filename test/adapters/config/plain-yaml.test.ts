/** What the fast reader reads, the whole parser reads as the same, at the same places; everything else it leaves to that one. */

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';

import { parsePlainYaml } from '../../../src/adapters/config/plain-yaml.ts';
import { entriesOf } from '../../../src/adapters/config/tree.ts';
import { parseWholeYaml, parseYamlTree } from '../../../src/adapters/config/yaml-tree.ts';
import type { YamlTree } from '../../../src/adapters/config/yaml-tree.ts';
import type { Tree, TreePath } from '../../../src/core/problem.ts';

const isPlain = (text: string): boolean => parsePlainYaml(text).ok;

/** Each value with the place of itself and of its key. */
function placesOf({ tree, positionOf }: YamlTree): readonly string[] {
  const places: string[] = [];
  const walk = (value: Tree, path: TreePath): void => {
    const [at, key] = [positionOf(path, false), positionOf(path, true)];
    places.push(`${JSON.stringify(path)} ${at.line}:${at.column} ${key.line}:${key.column}`);
    for (const [step, inner] of entriesOf(value)) walk(inner, [...path, step]);
  };
  walk(tree, []);
  return places;
}

/** Whether the fast reader has read it. */
function agrees(text: string): boolean {
  if (!isPlain(text)) return false;
  const fast = parseYamlTree(text);
  const whole = parseWholeYaml(text);
  if (!fast.ok || !whole.ok) throw new Error(`only the fast reader takes ${JSON.stringify(text)}`);
  expect(JSON.stringify(fast.value.tree)).toBe(JSON.stringify(whole.value.tree));
  expect(placesOf(fast.value)).toEqual(placesOf(whole.value));
  return true;
}

const CONFIGURATION = `# Written by people.
cookie_secret: "MDEyMzQ1Njc4OWFiY2Rl+/ZmdoaWprbG1ub3BxcnN0dXY="
idps:
  - { name: corp, url: https://idp.example.com/, client_id: doorward, client_secret: "\${SECRET}" }
signing_key: |
  -----BEGIN KEY-----
  MDEyMzQ1

  -----END KEY-----
session_lifetime: 14h # as long as a day
trusted_proxies: [10.0.0.0/8, "::1"]

routes:
- from: https://a.example.com
  prefix: /
  description: 'It''s for everyone: all of them'
  regex: ^/v[0-9]+(/.*)?$
  labels: {}
  policy:
    - allow:
        and:
          - groups: { has: sre }
          - claim/department: [a, "b, c",
              # and
              -7, 12, true]
      deny:
          or:
            -
              email: { is: eve@example.com }
            - - nested
              - list
- from: https://b.example.com
  allow_public_unauthenticated_access: true
  policy: []`;

describe('the fast reader of plain YAML', () => {
  test('reads what people write', () => {
    expect(agrees(CONFIGURATION)).toBe(true);
    expect(agrees(`---\n${CONFIGURATION}\n\n# the end`)).toBe(true);
    expect(agrees('{"a":1,"b":[{"c":"d\\u00e9\\n"}]}'.replace('{', 'x: {'))).toBe(true);
  });

  test.each([
    ['an anchor', 'a: &x 1'],
    ['an alias', 'a: *x'],
    ['a tag', 'a: !!str 1'],
    ['a folded text', 'a: >\n  x'],
    ['a chomped text', 'a: |-\n  x'],
    ['a text without lines', 'a: |\nb: 1'],
    ['a text with a wider first line', 'a: |\n    x\n  y'],
    ['a text of several lines', 'a: x\n  y'],
    ['a quoted text of several lines', 'a: "x\n  y"'],
    ['an unusual escape', 'a: "\\x41"'],
    ['a tab', 'a:\tb'],
    ['CR LF', 'a: b\r\n'],
    ['another document', 'a: b\n---\nc: d'],
    ['the end of a document', 'a: b\n...\n'],
    ['a directive', '%YAML 1.2\n---\na: b'],
    ['an explicit key', '? a\n: b'],
    ['a key without a value', 'a:\nb: 1'],
    ['a key at the end', 'a:'],
    ['a key given twice', 'a: 1\na: 2'],
    ['a key given twice in braces', 'a: { b: 1, b: 2 }'],
    ['a key that is a word', 'true: 1'],
    ['a very long key', `${'k'.repeat(1001)}: 1`],
    ['a colon in a text', 'a: b: c'],
    ['a colon in brackets', 'a: [b: c]'],
    ['a colon at the end', 'a: b:'],
    ['a number of another form', 'a: 1.5'],
    ['minus zero', 'a: -0'],
    ['a large number', 'a: 12345678901234567890'],
    ['a bracket that is open', 'a: [b'],
    ['a bracket that is open before a comment', 'a: [b #'],
    ['a comma too many', 'a: [b,,c]'],
    ['a comma too few', 'a: ["b" "c"]'],
    ['a name in braces', 'a: { b }'],
    ['brackets that go on too far out', 'a: [b,\nc]'],
    ['a sign with a meaning', 'a: @b'],
    ['a dash in the column of a key', 'a: 1\n- b'],
    ['an item that is missing', '- a\n-'],
    ['lines that are further in than they may be', 'a: 1\n  b: 2'],
    ['lines that are less far in than they may be', '  a: 1\nb: 2'],
    ['lines that are in between', 'a:\n    b: 1\n  c: 2'],
    ['something after a value', 'a: "b" c'],
    ['a comment without a blank', 'a: [b]# c'],
    ['a text alone', 'a'],
    ['a line that is no key', 'a: 1\nb'],
    ['nothing', '# nothing'],
    ['what is deeper than anything', `a: ${'['.repeat(70)}${']'.repeat(70)}`],
  ])('leaves %s to the whole parser', (_what, text) => {
    expect(isPlain(text)).toBe(false);
  });

  test('agrees on whatever it reads of texts that are nearly YAML', () => {
    const part = fc.constantFrom(
      ...[
        'a',
        'b',
        'key',
        'x y',
        '1',
        '-3',
        '0x1f',
        '1e3',
        '.5',
        'true',
        'null',
        '~',
        'http://x',
        '#',
        ' #',
        ': ',
        ':',
        ' ',
      ],
      ...[
        '- ',
        '-',
        '  ',
        '    ',
        '\n',
        '\n',
        '\n  ',
        '\n    ',
        '\n- ',
        '\n  - ',
        '\na: ',
        '\nb:\n  ',
        '[',
        ']',
        '{',
        '}',
      ],
      ...[
        ', ',
        ',',
        '"',
        "'",
        '""',
        '"a"',
        "'a'",
        '\\',
        '|\n',
        '---\n',
        'é',
        '&',
        '*',
        '!',
        '?',
        '<<',
        '=',
        '^/v.*$',
        '@',
        '%',
      ],
    );
    let read = 0;
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        if (agrees(`a: ${parts.join('')}`) || agrees(parts.join(''))) read += 1;
      }),
      { numRuns: 3000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test('agrees on a configuration in which something was changed', () => {
    let read = 0;
    fc.assert(
      fc.property(
        fc.nat(CONFIGURATION.length),
        fc.nat(4),
        fc.constantFrom(
          '',
          ' ',
          '\n',
          '  ',
          ':',
          ': ',
          '#',
          ' #',
          '-',
          '- ',
          "'",
          '"',
          '[',
          '}',
          ',',
          '|',
          'x',
          '1',
          '\n\n',
        ),
        (at, removed, put) => {
          if (agrees(CONFIGURATION.slice(0, at) + put + CONFIGURATION.slice(at + removed))) read += 1;
        },
      ),
      { numRuns: 1000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test('agrees on what programs write', () => {
    let read = 0;
    const key = fc.stringMatching(/^[a-z_/]{1,4}$/);
    const leaf = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null));
    const inner = fc.oneof(leaf, fc.array(leaf), fc.dictionary(key, leaf), fc.array(fc.dictionary(key, leaf)));
    const value = fc.dictionary(key, inner, { minKeys: 1, maxKeys: 4 });
    fc.assert(
      fc.property(value, fc.boolean(), (data, isFlow) => {
        const plain: unknown = JSON.parse(JSON.stringify(data));
        const text = isFlow ? JSON.stringify({ plain }) : stringify(plain, { aliasDuplicateObjects: false });
        if (agrees(isFlow ? `x: ${text}` : text)) read += 1;
      }),
      { numRuns: 500 },
    );
    expect(read).toBeGreaterThan(50);
  });
});
