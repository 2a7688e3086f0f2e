/** Where the groups of a user come from: claims or a source of records. */

import { describe, expect, test } from '@jest/globals';
import type { RecordSourceConfig } from '../../../src/core/config.ts';
import { recordRulesOf, groupsRuleOf } from '../../../src/core/policy/record-rules.ts';
import { createRecordTable } from '../../../src/core/policy/records.ts';
import type { RecordRow } from '../../../src/core/policy/record-snapshot.ts';
import { subjectWithGroups, groupsRuleText } from '../../../src/core/policy/user-groups.ts';
import type { GroupsRule } from '../../../src/core/policy/user-groups.ts';
import type { ClaimValue } from '../../../src/core/session/session.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { aSubject, kindOf, load, NOW, someFacts } from './builders.ts';

const rule: GroupsRule = {
  kind: 'source',
  source: 'directory',
  field: 'groups',
  rule: { foreignKey: 'user.id', maxAgeSeconds: 60, format: 'json' },
};

function recordsOf(rows: readonly RecordRow[], age = 0) {
  const table = createRecordTable(rows, { key: 'id', foreignKey: 'user.id', rowsMax: 10 });
  if (!table.ok) throw new Error(table.error);
  return new Map([['directory', { table: table.value, asOf: epochSeconds(NOW - age) }]]);
}

const groupsFrom = (groups: ClaimValue) =>
  subjectWithGroups(someFacts({ records: recordsOf([{ id: 'alice', groups }]) }), rule)?.groups;

describe('groups from a source', () => {
  test.each<[ClaimValue, readonly string[] | undefined]>([
    [
      [{ id: 'g1', name: 'SRE' }, 'plain', { id: 7 }, 'plain', null, [['x']], true, ''],
      ['g1', 'SRE', 'plain', '7'],
    ],
    ['g1; SRE ;', ['g1', 'SRE']],
    [[], []],
    [7, ['7']],
    [null, undefined],
  ])('%j', (given, expected) => {
    expect(groupsFrom(given)).toEqual(expected);
  });

  test('are none where there is no row or no such field, and unknown where the source is too old or was never read', () => {
    const facts = (rows: readonly RecordRow[], age = 0) => someFacts({ records: recordsOf(rows, age) });
    expect(subjectWithGroups(facts([]), rule)).toEqual(aSubject({ groups: undefined }));
    expect(subjectWithGroups(facts([{ id: 'alice' }]), rule)).toEqual(aSubject({ groups: undefined }));
    expect(subjectWithGroups(facts([{ id: 'alice' }], 61), rule)?.groupsUnknown).toBe(true);
    expect(subjectWithGroups(someFacts(), rule)?.groupsUnknown).toBe(true);
    expect(subjectWithGroups(someFacts({ subject: undefined }), rule)).toBeUndefined();
  });

  test('make one subject for as long as the row stays, and another for another row', () => {
    const subject = aSubject();
    const records = recordsOf([{ id: 'alice', groups: 'a' }]);
    const first = subjectWithGroups(someFacts({ subject, records }), rule);
    expect(subjectWithGroups(someFacts({ subject, records }), rule)).toBe(first);
    const changed = subjectWithGroups(someFacts({ subject, records: recordsOf([{ id: 'alice', groups: 'b' }]) }), rule);
    expect(changed?.groups).toEqual(['b']);
  });

  test.each(['strict', 'pomerium'] as const)(
    'in %s, groups that nobody knows open nothing and meet a deny rule',
    (semantics) => {
      const unknown = { subject: aSubject({ groups: undefined, groupsUnknown: true }) };
      for (const operator of ['and', 'or', 'not', 'nor'])
        for (const matcher of ['sre', { exclude: 'sre' }])
          expect(kindOf({ allow: { [operator]: [{ groups: matcher }] } }, unknown, { semantics })).not.toBe('allow');
      const denied = { allow: { and: [{ accept: true }] }, deny: { or: [{ groups: 'x' }] } };
      expect(kindOf(denied, unknown, { semantics })).not.toBe('allow');
      const [explained] = load({ allow: { and: [{ groups: 'x' }] } }, { semantics }).policy.explain(
        someFacts(unknown),
      ).criteria;
      expect(explained?.reasons).toEqual(['criterion-error']);
    },
  );
});

describe('groups from claims', () => {
  const claims: GroupsRule = { kind: 'claims', names: ['roles', 'teams'] };

  test('are those of all named claims; userinfo wins claim by claim', () => {
    const subject = aSubject({
      sessionClaims: new Map([
        ['roles', ['old']],
        ['teams', [{ id: 't1', name: 'Team' }]],
      ]),
      userClaims: new Map([['roles', ['new']]]),
    });
    expect(subjectWithGroups(someFacts({ subject }), claims)?.groups).toEqual(['new', 't1', 'Team']);
    expect(subjectWithGroups(someFacts(), claims)?.groups).toBeUndefined();
  });
});

describe('the rule of the configuration', () => {
  const source: RecordSourceConfig = {
    name: 'directory',
    from: { kind: 'file', path: '/x' },
    format: 'json',
    key: 'id',
    foreign_key: 'user.id',
    ...{ interval: 1, timeout: 1, max_bytes: 1, max_rows: 1, max_age: 60 },
  };
  const rules = recordRulesOf({ records: [source, { ...source, name: 'offices', foreign_key: 'request.ip' }] });

  test('is none without the key, and names claims or a source of users', () => {
    expect(recordRulesOf({}).size).toBe(0);
    expect(groupsRuleOf({}, rules)).toEqual({ ok: true, value: undefined });
    expect(groupsRuleOf({ groups: { claims: ['a'] } }, rules)).toEqual({
      ok: true,
      value: { kind: 'claims', names: ['a'] },
    });
    expect(groupsRuleOf({ groups: { source: 'directory', field: 'groups' } }, rules)).toEqual({
      ok: true,
      value: rule,
    });
  });

  test.each([
    ['directori', '`records` has no source `directori`; did you mean `directory`?'],
    ['offices', 'groups are of users: the source needs `foreign_key: user.id` or `user.email`, not `request.ip`'],
  ])('is refused for the source %s', (name, message) => {
    const refused = groupsRuleOf({ groups: { source: name, field: 'groups' } }, rules);
    expect(refused).toEqual({ ok: false, error: { severity: 'error', path: ['groups', 'source'], message } });
  });
});

test('each rule has a text of its own, and the claim `groups` has none', () => {
  const ofSource = (foreignKey: 'user.id' | 'user.email') =>
    groupsRuleText({
      kind: 'source',
      source: 'hr',
      field: 'teams',
      rule: { foreignKey, maxAgeSeconds: 60, format: 'json' },
    });
  expect(groupsRuleText(undefined)).toBeUndefined();
  expect(groupsRuleText({ kind: 'claims', names: ['groups', 'roles'] })).toBe('{"claims":["groups","roles"]}');
  expect(ofSource('user.id')).toBe('{"source":"hr","field":"teams","foreign_key":"user.id"}');
  expect(ofSource('user.email')).not.toBe(ofSource('user.id'));
});
