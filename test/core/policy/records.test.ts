/** Records: tables out of JSON and CSV, and the criterion `record` on them. */

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { PolicyFacts } from '../../../src/core/policy/facts.ts';
import type { RecordRow, RecordTable } from '../../../src/core/policy/record-snapshot.ts';
import type { ForeignKey } from '../../../src/core/policy/records.ts';
import { createRecordTable, findRecord, parseJsonRecords, recordsOfCells } from '../../../src/core/policy/records.ts';
import type { Tree } from '../../../src/core/problem.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { aSubject, kindOf, load, NOW, problemsOf, someFacts } from './builders.ts';

const form = (foreignKey: ForeignKey = 'user.id', key = 'id') => ({ key, foreignKey, rowsMax: 5 });

function tableOf(rows: readonly RecordRow[], foreignKey: ForeignKey = 'user.id'): RecordTable {
  const table = createRecordTable(rows, form(foreignKey));
  if (!table.ok) throw new Error(table.error);
  return table.value;
}

const FINGERPRINT = 'ab'.repeat(32);
const MAX_AGE = 60;

/** Facts with one source, `hr`. */
const factsWith = (
  rows: readonly RecordRow[],
  {
    foreignKey = 'user.id',
    age = 0,
    ...changes
  }: Partial<PolicyFacts> & { foreignKey?: ForeignKey; age?: number } = {},
): PolicyFacts =>
  someFacts({
    records: new Map([['hr', { table: tableOf(rows, foreignKey), asOf: epochSeconds(NOW - age) }]]),
    ...changes,
  });

const sources = (foreignKey: ForeignKey = 'user.id', format: 'json' | 'csv' = 'json') => ({
  recordSources: new Map([['hr', { foreignKey, maxAgeSeconds: MAX_AGE, format }]]),
});

describe('a table of records', () => {
  test.each<[string, string, string]>([
    ['text that is no JSON', '<html>', 'is not JSON'],
    ['a cut text', '[{"id":"a"}', 'is not JSON'],
    ['an object', '{"id":"a"}', 'is not a list of objects'],
    ['a list of texts', '["a"]', 'has an entry that is not an object'],
    ['a list of lists', '[[]]', 'has an entry that is not an object'],
    ['a list of nothing', '[null]', 'has an entry that is not an object'],
    ['a row without a key', '[{"id":"a"},{"name":"b"}]', 'has no usable `id` in row 2'],
    ['an empty key', '[{"id":""}]', 'has no usable `id` in row 1'],
    ['a key that is a list', '[{"id":["a"]}]', 'has no usable `id` in row 1'],
    ['a key that is no whole number', '[{"id":1.5}]', 'has no usable `id` in row 1'],
    ['a key twice', '[{"id":"a"},{"id":"a"}]', 'has the `id` of row 2 twice'],
    ['a key as a text and as a number', '[{"id":"7"},{"id":7}]', 'has the `id` of row 2 twice'],
    ['a field twice', '[{"id":"a","x":1,"x":1}]', 'names a field twice'],
    ['a field twice, once in other letters', '[{"id":"a","x":1,"\\u0078" : 2}]', 'names a field twice'],
    ['a field twice further in', '[{"id":"a","x":[{"y":{"z":1,"z":2}}]}]', 'names a field twice'],
    ['too many rows', JSON.stringify([1, 2, 3, 4, 5, 6].map((id) => ({ id }))), 'has more than 5 rows'],
  ])('is not made of %s', (_name, text, error) => {
    expect(parseJsonRecords(text, form())).toEqual({ ok: false, error });
  });

  test.each<[string, readonly (readonly string[])[], string]>([
    ['nothing', [], 'has no line with the names of the columns'],
    ['two columns of one name', [['id', 'id']], 'names a column twice'],
    ['columns without the key', [['name'], ['a']], 'has no column `id`'],
    ['a short line', [['id', 'name'], ['a']], 'has a line with more or fewer cells than columns'],
    [
      'an empty key',
      [
        ['id', 'name'],
        ['', 'a'],
      ],
      'has no usable `id` in row 1',
    ],
  ])('is not made of cells with %s', (_name, cells, error) => {
    expect(recordsOfCells(cells, form())).toEqual({ ok: false, error });
  });

  test('holds the rows of JSON and of CSV', () => {
    const json = parseJsonRecords('[{"id":7,"ok":true}]', form());
    expect(json.ok && json.value.find('7')).toEqual({ id: 7, ok: true });
    const cells = recordsOfCells(
      [
        ['id', '__proto__'],
        ['a', ''],
        ['b', 'x'],
      ],
      form(),
    );
    expect(cells.ok && cells.value.rows).toBe(2);
    expect(cells.ok && Object.entries(cells.value.find('a') ?? {})).toEqual([
      ['id', 'a'],
      ['__proto__', null],
    ]);
  });

  test.each<[ForeignKey, string, string]>([
    ['request.ip', '10.0.0.1', '10.0.0.1/32'],
    ['request.ip', '10.0.0.0/8', '10.1.2.3/8'],
    ['request.ip', '::ffff:10.0.0.1', '10.0.0.1'],
    ['request.client_certificate.fingerprint', 'ab'.repeat(32), 'AB'.repeat(32)],
  ])('of %s takes %s and %s as the same key', (foreignKey, one, other) => {
    expect(createRecordTable([{ id: one }, { id: other }], form(foreignKey))).toEqual({
      ok: false,
      error: 'has the `id` of row 2 twice',
    });
  });

  test.each<[ForeignKey, string]>([
    ['request.ip', '10.0.0.0/33'],
    ['request.ip', 'office'],
    ['request.client_certificate.fingerprint', 'abcd'],
  ])('of %s has no key %s', (foreignKey, id) => {
    expect(createRecordTable([{ id }], form(foreignKey)).ok).toBe(false);
  });

  test('finds an address in the smallest network that holds it', () => {
    const table = tableOf(
      [
        { id: '10.0.0.0/8', at: 'wide' },
        { id: '10.1.0.0/16', at: 'narrow' },
        { id: '10.1.0.9', at: 'one' },
        { id: '2001:db8::/32', at: 'six' },
      ],
      'request.ip',
    );
    const at = (address: string) => table.find(address)?.['at'];
    expect(['10.9.9.9', '10.1.2.3', '10.1.0.9', '2001:db8::1', '11.0.0.1', 'x'].map(at)).toEqual([
      ...['wide', 'narrow', 'one', 'six'],
      ...[undefined, undefined],
    ]);
  });

  test('takes no value for a name, whatever is in it', () => {
    const rows = fc.uniqueArray(fc.record({ id: fc.string({ minLength: 1 }), more: fc.jsonValue() }), {
      ...{ minLength: 1, maxLength: 5, selector: ({ id }) => id },
    });
    fc.assert(
      fc.property(rows, fc.constantFrom(undefined, 1), (list, indent) => {
        expect(parseJsonRecords(JSON.stringify(list, undefined, indent), form()).ok).toBe(true);
      }),
    );
    for (const tricky of ['":', '\\":', '\\', '\\\\": "'])
      expect(parseJsonRecords(JSON.stringify([{ id: tricky, [tricky]: [tricky] }]), form()).ok).toBe(true);
  });

  test('takes values of any depth', () => {
    const depth = 100_000;
    expect(parseJsonRecords(`[{"id":"a","x":${'['.repeat(depth)}${']'.repeat(depth)}}]`, form()).ok).toBe(true);
  });

  test('reads any text without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => typeof parseJsonRecords(text, form()).ok === 'boolean'),
    );
  });
});

describe('finding a row', () => {
  const rule = { foreignKey: 'user.id', maxAgeSeconds: MAX_AGE, format: 'json' } as const;

  test.each<[string, number, unknown]>([
    ['at its age limit', MAX_AGE, { id: 'alice' }],
    ['beyond its age limit', MAX_AGE + 1, 'unknown'],
    ['a little from the future', -60, { id: 'alice' }],
    ['far from the future', -61, 'unknown'],
  ])('in data %s', (_name, age, found) => {
    expect(findRecord(factsWith([{ id: 'alice' }], { age }), 'hr', rule)).toEqual(found);
  });

  test('in a source that was never read is not possible', () => {
    expect(findRecord(someFacts(), 'hr', rule)).toBe('unknown');
    expect(findRecord(someFacts({ records: new Map() }), 'hr', rule)).toBe('unknown');
  });

  const certificate = (valid: boolean) => ({
    presented: true,
    valid,
    leaf: { fingerprint: FINGERPRINT, spkiHash: '', sanEmail: [], sanDns: [], sanUri: [] },
  });

  test.each<[string, ForeignKey, string, Partial<PolicyFacts>, unknown]>([
    ['the user', 'user.id', 'alice', {}, true],
    ['nobody', 'user.id', 'alice', { subject: undefined }, false],
    ['the e-mail address', 'user.email', 'alice@example.com', {}, true],
    ['no e-mail address', 'user.email', 'alice@example.com', { subject: aSubject({ email: '' }) }, false],
    ['the address', 'request.ip', '10.0.0.0/24', {}, true],
    ['an unknown address', 'request.ip', '10.0.0.0/24', { sourceIp: '' }, 'unknown'],
    [
      'a valid certificate',
      'request.client_certificate.fingerprint',
      FINGERPRINT,
      { certificate: certificate(true) },
      true,
    ],
    [
      'an invalid certificate',
      'request.client_certificate.fingerprint',
      FINGERPRINT,
      { certificate: certificate(false) },
      false,
    ],
  ])('by %s', (_name, foreignKey, id, changes, expected) => {
    const found = findRecord(factsWith([{ id }], { foreignKey, ...changes }), 'hr', { ...rule, foreignKey });
    expect(found === 'unknown' ? found : found !== undefined).toBe(expected);
  });
});

const ROW: RecordRow = {
  id: 'alice',
  text: 'sales',
  count: 5,
  level: '5',
  yes: true,
  list: ['a', 'b'],
  one: ['a'],
  none: null,
  map: {},
};

describe('the criterion record', () => {
  const stateOf = (matcher: { readonly [key: string]: Tree }, rows: readonly RecordRow[] = [ROW]) => {
    const { policy } = load({ allow: { and: [{ record: { source: 'hr', ...matcher } }] } }, sources());
    const [explained] = policy.explain(factsWith(rows)).criteria;
    return explained?.reasons.includes('criterion-error') === true ? 'error' : explained?.value;
  };

  test.each<[{ readonly [key: string]: Tree }, unknown]>([
    [{ field: 'text', is: 'sales' }, true],
    [{ field: 'text', is: 'it' }, false],
    [{ field: 'count', is: 5 }, true],
    [{ field: 'level', is: 5 }, false],
    [{ field: 'yes', is: true }, true],
    [{ field: 'one', is: 'a' }, true],
    [{ field: 'list', is: 'a' }, false],
    [{ field: 'text', not: 'it' }, true],
    [{ field: 'text', not: 'sales' }, false],
    [{ field: 'list', not: 'a' }, 'error'],
    [{ field: 'text', contains: 'ale' }, true],
    [{ field: 'text', starts_with: 'x' }, false],
    [{ field: 'text', ends_with: 'les', starts_with: 'sal' }, true],
    [{ field: 'text', ends_with: 'les', starts_with: 'x' }, false],
    [{ field: 'count', contains: '5' }, 'error'],
    [{ field: 'text', in: ['it', 'sales'] }, true],
    [{ field: 'text', not_in: ['it'] }, true],
    [{ field: 'list', has: 'b' }, true],
    [{ field: 'text', has: 'sales' }, true],
    [{ field: 'list', exclude: 'b' }, false],
    [{ field: 'list', exclude: 'c' }, true],
    [{ field: 'count', '<': 6 }, true],
    [{ field: 'count', '<=': 5 }, true],
    [{ field: 'count', '=': 5 }, true],
    [{ field: 'level', '>': 5 }, false],
    [{ field: 'level', '>=': 5 }, true],
    [{ field: 'text', '>': 1 }, 'error'],
    [{ field: 'yes', '>': 0 }, 'error'],
    [{ field: 'text', exists: true }, true],
    [{ field: 'text', exists: false }, false],
    [{ field: 'none', exists: false }, true],
    [{ field: 'none', exists: true }, false],
    [{ field: 'absent', exists: false }, true],
    [{ field: 'absent', not: 'x' }, false],
    [{ field: 'absent', exclude: 'x' }, false],
    [{ field: 'toString', exists: true }, false],
  ])('%j', (matcher, expected) => {
    expect(stateOf(matcher)).toBe(expected);
  });

  test.each<[{ readonly [key: string]: Tree }, unknown]>([
    [{ field: 'text', exists: false }, true],
    [{ field: 'text', not: 'x' }, false],
    [{ field: 'text', is: 'x' }, false],
  ])('without a row: %j', (matcher, expected) => {
    expect(stateOf(matcher, [])).toBe(expected);
  });

  test.each<[string, Tree, string]>([
    ['no mapping', 'hr', 'expected a mapping with source, field and what must hold, not a text'],
    ['no source', { field: 'a', is: 'x' }, 'name one of `records` as a text: `source: hr`'],
    ['an unknown source', { source: 'hs', field: 'a', is: 'x' }, '`records` has no source `hs`; did you mean `hr`?'],
    [
      'two sources',
      { source: 'hr', type: 'hr', field: 'a', is: 'x' },
      '`type` is another name of `source`, which is given as well',
    ],
    ['no field', { source: 'hr', is: 'x' }, 'name the field of the row as a text: `field: department`'],
    ['an unknown operator', { source: 'hr', field: 'a', matches: 'x' }, '`matches` is not an operator here'],
    ['a list to equal', { source: 'hr', field: 'a', is: ['x'] }, 'expected a text, a number or a boolean, not a list'],
    ['a text to compare', { source: 'hr', field: 'a', '<': '5' }, 'expected a number, not a text'],
    ['a part that is no text', { source: 'hr', field: 'a', contains: 5 }, 'expected a text, not a number'],
    ['exists that is no boolean', { source: 'hr', field: 'a', exists: 'yes' }, 'expected true or false, not a text'],
    [
      'a value that is not there, and one to compare',
      { source: 'hr', field: 'a', exists: false, not: 'x' },
      'where there is no value, nothing else holds of it',
    ],
    ['nothing to hold', { source: 'hr', field: 'a' }, 'say what must hold:'],
  ])('does not load with %s', (_name, data, message) => {
    expect(
      problemsOf({ allow: { and: [{ record: data }] } }, sources()).map((problem) => problem.message),
    ).toContainEqual(expect.stringContaining(message));
  });

  test.each<[string, Tree, string]>([
    ['is', true, 'every value of CSV is a text, and a boolean equals none: write "true"'],
    ['not', false, 'every value of CSV is a text, and a boolean equals none: write "false"'],
    ['has', 5, 'every value of CSV is a text, and a number equals none: write "5", or compare numbers: `"=": 5`'],
    ['exclude', true, 'every value of CSV is a text, and a boolean equals none: write "true"'],
  ])('with %s: %j can never equal a value of CSV, and does not load', (operator, value, message) => {
    for (const semantics of ['strict', 'pomerium'] as const) {
      const rule = { record: { source: 'hr', field: 'a', [operator]: value } };
      const found = problemsOf({ deny: { or: [rule] } }, { semantics, ...sources('user.id', 'csv') });
      expect(found.filter(({ severity }) => severity === 'error')).toEqual([
        { severity: 'error', path: expect.arrayContaining(['record', operator]), message },
      ]);
    }
  });

  test('loads with texts and with bounds for a source of CSV', () => {
    const rule = { record: { source: 'hr', field: 'a', is: 'true', '>=': 2, '=': 5, exists: true } };
    expect(problemsOf({ allow: { and: [rule] } }, sources('user.id', 'csv'))).toEqual([]);
  });

  test('no source is known where the configuration has none', () => {
    expect(problemsOf({ allow: { and: [{ record: { type: 'hr', field: 'a', is: 'x' } }] } })).toHaveLength(1);
  });

  const matcher: Tree = { record: { type: 'hr', field: 'text', is: 'sales' } };

  test.each(['strict', 'pomerium'] as const)(
    'in %s, too old data opens nothing, in whatever way it is asked',
    (semantics) => {
      const stale = factsWith([ROW], { age: MAX_AGE + 1 });
      for (const operator of ['and', 'or', 'not', 'nor']) {
        const policy = { allow: { [operator]: [matcher] } };
        expect(kindOf(policy, stale, { semantics, ...sources() })).not.toBe('allow');
      }
      const denied = { allow: { and: [{ accept: true }] }, deny: { or: [matcher] } };
      expect(kindOf(denied, stale, { semantics, ...sources() })).not.toBe('allow');
      expect(kindOf({ allow: { and: [matcher] } }, factsWith([ROW]), { semantics, ...sources() })).toBe('allow');
    },
  );

  test('about a user it asks for a login, about an address it does not', () => {
    const nobody = factsWith([ROW], { subject: undefined });
    expect(kindOf({ allow: { and: [matcher] } }, nobody, sources())).toBe('login');
    expect(load({ allow: { and: [matcher] } }, sources()).policy.needs.has('subject')).toBe(true);
    const byAddress = load({ allow: { and: [matcher] } }, sources('request.ip')).policy;
    expect([...byAddress.needs]).toEqual([]);
    expect(byAddress.reads).toEqual(['source_ip', 'record/hr/text']);
    const facts = factsWith([{ id: '10.0.0.0/8', text: 'sales' }], { foreignKey: 'request.ip', subject: undefined });
    expect(byAddress.evaluate(facts).kind).toBe('allow');
  });
});
