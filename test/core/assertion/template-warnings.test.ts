import { expect, test } from '@jest/globals';
import { templateWarnings } from '../../../src/core/assertion/template-warnings.ts';

const path = ['routes', 0, 'set_request_headers'];
const KNOWN =
  'known are those below `pomerium.`, `doorward.`, `user.`, `claims.`, and `groups`; write `$$` for a dollar sign';

test.each(['plain', '$$5', '${pomerium.jwt}', 'Bearer ${pomerium.id_token}', '${user.email} ${claims.a.b}', '$groups'])(
  '%s is as it is meant',
  (value) => {
    expect(templateWarnings({ 'X-A': value }, path)).toEqual([]);
  },
);

test.each([
  ['${pomerium.jwtt}', 'its reference'],
  ['$nobody', 'its reference'],
  ['${user.email} ${user.mail}', 'reference 2'],
  ['pa$$word pa$word', 'its reference'],
])('%s has a reference that stands for nothing', (value, which) => {
  expect(templateWarnings({ 'X-A': '${user.id}', 'X-B': value }, path)).toEqual([
    { severity: 'warning', path: [...path, 'X-B'], message: `\`X-B\`: ${which} stands for nothing: ${KNOWN}` },
  ]);
});

test('what might be part of a secret is not told', () => {
  const [warning] = templateWarnings({ Authorization: 'Basic abc$hunter2' }, path);
  expect(warning?.message).not.toContain('hunter2');
});
