import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseHeaderTemplate } from '../../../src/core/assertion/header-template.ts';

/** Shows each reference as `<a|b|c>`. */
const shown = (source: string): string => parseHeaderTemplate(source).render((path) => `<${path.join('|')}>`);

describe('a header template', () => {
  test.each([
    ['$a', '<a>'],
    ['$a.b-c._9', '<a|b-c|_9>'],
    ['$-', '<->'],
    ['${a}', '<a>'],
    ['${a.b.c}', '<a|b|c>'],
    ['${ a . b\t}', '<a|b>'],
    ['${a["b c"]}', '<a|b c>'],
    ['${a [ "b" ] [ "c" ] . d }', '<a|b|c|d>'],
    ['${a["\\"\\\\\\x"]}', '<a|"\\x>'],
    ['${a[""]}', '<a|>'],
    ['${a["}"]}', '<a|}>'],
    ['${a["é€😀"]}', '<a|é€😀>'],
    ['Bearer ${a} and $b/c', 'Bearer <a> and <b>/c'],
    ['$a$b', '<a><b>'],
    ['é$a€', 'é<a>€'],
  ])('reads references: %j is %j', (source, expected) => {
    expect(shown(source)).toBe(expected);
  });

  test.each([
    ['$$', '$'],
    ['$$$', '$$'],
    ['$$$$', '$$'],
    ['$$a', '$a'],
    ['$${a}', '${a}'],
    ['$$$a', '$<a>'],
  ])('reads two dollars as one: %j is %j', (source, expected) => {
    expect(shown(source)).toBe(expected);
  });

  test.each([
    '',
    'static',
    '$',
    'a$',
    '$.',
    '$ a',
    '$a.',
    '$a..b',
    '${',
    '${}',
    '${ }',
    '${a',
    '${a b}',
    '${.a}',
    '${a.}',
    '${a..b}',
    '${\na}',
    '${"a".b}',
    '${a[b]}',
    "${a['b']}",
    '${a["b}',
    '${a["b"}',
    '${a["b\\',
    '${a["b\0"]}',
    '${a[]}',
    '${é}',
    '%{a}',
    '{a}',
  ])('leaves broken syntax as text: %j', (source) => {
    expect(shown(source)).toBe(source);
    expect(parseHeaderTemplate(source).references).toEqual([]);
  });

  test('goes on reading right behind a dollar that begins nothing', () => {
    expect(shown('${a ${b}')).toBe('${a <b>');
    expect(shown('${$a}')).toBe('${<a>}');
    expect(shown('$a.$b')).toBe('$a.<b>');
    expect(shown('x ${a} y ${b y')).toBe('x <a> y ${b y');
  });

  test('names its references in order, and is constant without any', () => {
    expect(parseHeaderTemplate('${b.c} $a ${b["c"]}').references).toEqual([['b', 'c'], ['a'], ['b', 'c']]);
    const constant = parseHeaderTemplate('a$$b${');
    expect(constant.references).toEqual([]);
    expect(constant.render(() => 'resolved')).toBe('a$b${');
  });

  test('is total, and linear in its length', () => {
    const piece = fc.constantFrom(
      '$',
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      '.',
      ' ',
      '\t',
      'a',
      'b-',
      '_',
      '\0',
      'é',
      '${a',
      '["',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const source = pieces.join('');
        const template = parseHeaderTemplate(source);
        const seen: (readonly string[])[] = [];
        const rendered = template.render((reference) => (seen.push(reference), ''));
        expect(seen).toEqual(template.references);
        expect(rendered.length).toBeLessThanOrEqual(source.length);
      }),
      { numRuns: 2_000 },
    );
    const started = performance.now();
    for (const hostile of ['$', '${', '${a.', '${a["', '${a["\\', '$a.', '${ ']) shown(hostile.repeat(20_000));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
