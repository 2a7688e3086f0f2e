import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { flattenClaims } from '../../../src/core/session/claims.ts';
import type { ClaimValue } from '../../../src/core/session/session.ts';

type RawClaims = Readonly<Record<string, ClaimValue>>;

const flatten = (json: string): object => Object.fromEntries(flattenClaims(JSON.parse(json) as RawClaims));

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('flattening', () => {
  test.each([
    ['{"a":1}', { a: [1] }],
    ['{"a":null,"b":false,"c":"x"}', { a: [null], b: [false], c: ['x'] }],
    ['{"a":[1,"x",null]}', { a: [1, 'x', null] }],
    ['{"a":[]}', { a: [] }],
    ['{"a":[{"b":1},[2]]}', { a: [{ b: 1 }, [2]] }],
    ['{"a":{"b":{"c":["d"]}}}', { 'a.b.c': ['d'] }],
    ['{"a":{"b":{}}}', {}],
    ['{"":1,"a":{"":2}}', { '': [1], 'a.': [2] }],
    ['{"https://x.test/roles":{"a":["r"]}}', { 'https://x.test/roles.a': ['r'] }],
  ])('%s', (json, expected) => {
    expect(flatten(json)).toEqual(expected);
  });

  test('lets the less nested of two ways to one name win, whatever their order', () => {
    expect(flatten('{"a":{"b":1},"a.b":2}')).toEqual({ 'a.b': [2] });
    expect(flatten('{"a.b":2,"a":{"b":1}}')).toEqual({ 'a.b': [2] });
    expect(flatten('{"a":{"b":{"c":1},"b.c":2}}')).toEqual({ 'a.b.c': [2] });
  });

  test('takes __proto__, constructor and toString for names like any other', () => {
    const claims = flattenClaims(
      JSON.parse('{"__proto__":{"admin":true},"constructor":["x"],"a":{"__proto__":"y"}}') as RawClaims,
    );
    expect([...claims]).toEqual([
      ['constructor', ['x']],
      ['__proto__.admin', [true]],
      ['a.__proto__', ['y']],
    ]);
    expect(claims.get('toString')).toBeUndefined();
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });
});

describe('claims beyond the limits are refused whole', () => {
  const refused = (json: string): void => {
    expect(() => flatten(json)).toThrow(expect.objectContaining({ name: 'DependencyError', code: 'idp-refused' }));
  };

  test('deeper than sixteen objects or lists', () => {
    expect(flatten(nested(16))).toEqual({ 'a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a': [1] });
    refused(nested(17));
    refused(nested(2_000));
    refused(`{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`);
    refused(`{"a":[${nested(20)}]}`);
  });

  test('more than ten thousand values', () => {
    expect(flatten(`{"g":[${Array(9_000).fill('1').join()}]}`)).toHaveProperty('g.length', 9_000);
    refused(`{"g":[${Array(10_000).fill('1').join()}]}`);
    refused(`{${Array.from({ length: 10_001 }, (_, index) => `"${index}":1`).join()}}`);
  });

  test('more characters than a session may have', () => {
    expect(flatten(`{"g":"${'x'.repeat(131_000)}"}`)).toHaveProperty('g.0.length', 131_000);
    refused(`{"g":"${'x'.repeat(131_072)}"}`);
    refused(`{"${'x'.repeat(131_073)}":1}`);
    // Prefixes count each time: short text, long names.
    refused(`{"${'x'.repeat(1_000)}":{${Array.from({ length: 200 }, (_, index) => `"${index}":1`).join()}}}`);
  });
});

test('flattening is total: a map of lists without nested names, or a refusal', () => {
  const json = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' });
  const key = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('__proto__', 'constructor', '', 'a', 'a.b'));
  fc.assert(
    fc.property(fc.dictionary(key, json), (claims) => {
      const raw = JSON.parse(JSON.stringify(claims)) as RawClaims;
      for (const [name, values] of flattenClaims(raw)) {
        expect(typeof name).toBe('string');
        expect(Array.isArray(values)).toBe(true);
        const given = Object.hasOwn(raw, name) ? raw[name] : undefined;
        if (Array.isArray(given)) expect(values).toEqual(given);
        else if (given !== undefined && (given === null || typeof given !== 'object')) expect(values).toEqual([given]);
      }
    }),
  );
});
