/** `records` and `groups` of the configuration file. */

import { describe, expect, test } from '@jest/globals';
import { loaded, ROUTES, SECRETS, told } from './support.ts';

const file = (yaml: string): string => `${SECRETS}${ROUTES}${yaml}`;

describe('records', () => {
  test('have defaults, and forms by the end of their names', async () => {
    const { access } = await loaded(
      file(`records:
  hr: { file: people.CSV }
  api: { url: "https://hr.example.com/x?y=.csv", headers: { Authorization: "Bearer \${KEY}" }, foreign_key: user.email }
groups: { source: hr }
`),
      { env: { KEY: 'k' } },
    );
    const common = { key: 'id', interval: 60, timeout: 10, max_bytes: 4_194_304, max_rows: 100_000, max_age: 900 };
    expect(access.records).toEqual([
      {
        name: 'hr',
        from: { kind: 'file', path: expect.stringMatching(/^\/.*people\.CSV$/) },
        format: 'csv',
        foreign_key: 'user.id',
        ...common,
      },
      {
        name: 'api',
        from: { kind: 'http', url: 'https://hr.example.com/x?y=.csv', headers: { authorization: 'Bearer k' } },
        format: 'json',
        foreign_key: 'user.email',
        ...common,
      },
    ]);
    expect(access.groups).toEqual({ source: 'hr', field: 'groups' });
  });

  test('groups come from several claims', async () => {
    expect((await loaded(file('groups: { claims: [groups, roles] }\n'))).access.groups).toEqual({
      claims: ['groups', 'roles'],
    });
  });

  test.each([
    ['records: { hr: {} }', '`records.hr` needs a `file` or a `url`'],
    ['records: { hr: { file: a, url: "https://a.example" } }', '`records.hr.url` and `file` are both given'],
    ['records: { hr: { file: a, ca_file: b } }', '`records.hr.ca_file` is for a `url`'],
    ['records: { hr: { url: "http://hr.example.com/" } }', '`records.hr.url` must be an https URL'],
    ['records: { hr: { url: "https://u:p@hr.example.com/" } }', '`records.hr.url` must be an https URL'],
    ['records: { hr: { url: "hr" } }', '`records.hr.url` must be an https URL'],
    ['records: { hr: { url: "https://a.example", headers: { Host: x } } }', 'has `Host`, which Doorward sets itself'],
    ['records: { hr: { url: "https://a.example", headers: { a: x, A: y } } }', 'has `A`, which is given twice'],
    ['records: { hr: { url: "https://a.example", header_files: { a: none } } }', 'of `a`: the file does not exist'],
    ['records: { hr: { file: a, interval: 1h, max_age: 1m } }', '`records.hr.max_age` is shorter than `interval`'],
    ['records: { hr: { file: a, interval: 99999999d } }', '`records.hr.interval` must be more than zero'],
    ['records: { hr: { file: a, foreign_key: mail } }', 'must be user.id, user.email, request.ip or'],
    ['records: { "h r": { file: a } }', 'must have names of letters'],
    ['groups: {}', '`groups` needs `claims` or a `source`'],
    ['groups: { source: a, claims: b }', '`groups.claims` and `groups.source` are both given'],
    ['groups: { claims: b, field: c }', '`groups.field` is for a `source`'],
  ])('%s is refused', async (yaml, message) => {
    expect((await told(`${yaml}\n`)).join('\n')).toContain(message);
  });
});
