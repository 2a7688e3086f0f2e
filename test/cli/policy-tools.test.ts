import { afterAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';

import { caseOfOptions } from '../../src/cli/case-options.ts';
import { explainCommand } from '../../src/cli/explain.ts';
import { testCommand } from '../../src/cli/test.ts';
import { loadCase, loadGeneration, loadTests, testFiles } from '../../src/compose/policy-cases.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const config = folder.file('doorward.yaml');
writeFileSync(
  config,
  `cookie_secret: \${SECRET}
shared_secret: \${SECRET}
idp_provider: oidc
idp_provider_url: https://idp.example.com
idp_client_id: doorward
idp_client_secret: x
pass_identity_headers: true
jwt_claims_headers: { X-Email: email }
records:
  hr: { file: hr.json, key: id, foreign_key: user.id, max_age: 1h }
routes:
  - id: hr
    from: https://hr.example.com
    policy: { allow: { and: [{ record: { source: hr, field: department, is: sales } }] } }
  - { id: public, from: https://app.example.com, prefix: /public/, allow_public_unauthenticated_access: true }
  - id: night
    from: https://app.example.com
    prefix: /night
    policy: { allow: { and: [{ time_of_day: { after: '22:00', timezone: UTC } }] } }
  - id: app
    from: https://app.example.com
    policy:
      - allow: { and: [{ groups: eng }, { http_method: GET }] }
      - deny: { or: [{ groups: contractors }] }
  - { id: closed, from: https://closed.example.com }
  - id: careful
    from: https://careful.example.com
    policy: { allow: { and: [{ groups: eng }, { risk: medium }] } }
`,
);
const SECRET = 'a-secret-of-32-characters-or-more-1';
const env = { SECRET };

const testsFile = (name: string, text: string): string => {
  const file = folder.file(name);
  writeFileSync(file, text);
  return file;
};

async function runTests(file: string, output: 'text' | 'json' = 'text', color = false) {
  let text = '';
  const code = await testCommand({
    files: () => testFiles([file]),
    load: (each) => loadTests(each, {}),
    write: (more) => (text += more),
    writeError: (more) => (text += more),
    output,
    color,
  });
  return { code, text };
}

const head = `config: doorward.yaml\nenv: { SECRET: ${SECRET} }\n`;
const given = 'subject: { user: u1, email: a@example.com, groups: [eng] }, request: { url: https://app.example.com/ }';

describe('doorward test', () => {
  test('passes where everything is as expected', async () => {
    const file = testsFile(
      'a.test.yaml',
      `${head}given: { ${given} }
cases:
  - { name: reads, expect: { verdict: allow, route: app, rule: 'allow[0].and', reasons: groups-ok, headers: { X-Email: a@example.com } } }
  - { name: anonymous, given: { subject: null }, expect: login }
  - { name: own, given: { request: { url: https://app.example.com/.doorward/ } }, expect: own }
  - { name: nowhere, given: { request: { url: https://other.example.com/ } }, expect: not-found }
  - { name: closed, given: { request: { url: https://closed.example.com/ } }, expect: deny }
  - { name: calm, given: { subject: { risk: medium }, request: { url: https://careful.example.com/ } }, expect: allow }
  - { name: risky, given: { subject: { risk: high }, request: { url: https://careful.example.com/ } }, expect: { verdict: deny, reasons: risk-too-high } }
  - { name: unsaid, given: { request: { url: https://careful.example.com/ } }, expect: deny }
`,
    );
    expect(await runTests(file)).toEqual({ code: 0, text: `ok   ${file}: 8 cases\n8 passed, 0 failed\n` });
  });

  test('says what differs, with the criteria that decided, and exits with 1', async () => {
    const file = testsFile(
      'b.test.yaml',
      `${head}cases:
  - name: writes
    given: { subject: { user: u1, groups: [eng] }, request: { method: PUT, url: https://app.example.com/ } }
    expect: { verdict: allow, rule: 'allow[0].and', reasons: [claim-ok], route: night }
`,
    );
    const { code, text } = await runTests(file);
    expect(code).toBe(1);
    expect(text).toContain(`${file}:4: writes`);
    expect(text).toContain('verdict: expected allow, got deny');
    expect(text).toContain('route: expected night, got app');
    expect(text).toContain('rule: expected allow[0].and, got none');
    expect(text).toContain('reasons: expected claim-ok, got http-method-unauthorized');
    expect(text).toContain('[1] http_method: "GET" -> does not hold (http-method-unauthorized)');
    expect(text).toContain('0 passed, 1 failed');
    expect((await runTests(file, 'text', true)).text).toContain('\u001b[31m');
    const json = JSON.parse((await runTests(file, 'json')).text) as { ok: boolean; cases: { passed: boolean }[] };
    expect(json.ok).toBe(false);
    expect(json.cases.map(({ passed }) => passed)).toEqual([false]);
  });

  test('says where a header that the upstream is told differs', async () => {
    const file = testsFile(
      'h.test.yaml',
      `${head}given: { ${given} }
cases:
  - { name: other, expect: { verdict: allow, headers: { X-Email: b@example.com } } }
  - { name: none, expect: { verdict: allow, headers: { X-Email: null } } }
`,
    );
    const { code, text } = await runTests(file);
    expect(code).toBe(1);
    expect(text).toContain('header x-email: expected b@example.com, got a@example.com');
    expect(text).toContain('header x-email: expected not told, got a@example.com');
  });

  test('a policy that looks at the time is not judged by the clock of the machine', async () => {
    const file = testsFile(
      'c.test.yaml',
      `${head}given: { request: { url: https://app.example.com/night } }
cases:
  - { name: no time, expect: deny }
  - { name: late, given: { time: 2026-03-04T23:00:00Z }, expect: allow }
  - { name: noon, given: { time: 2026-03-04T12:00:00Z }, expect: deny }
`,
    );
    const { code, text } = await runTests(file);
    expect(code).toBe(1);
    expect(text).toContain('time: expected a `time` in `given`, since the policy looks at it, got none');
    expect(text).toContain('2 passed, 1 failed');
  });

  test.each([
    ['no cases', `${head}cases: []\n`, 'there are no `cases`'],
    ['no cases at all', head, 'there are no `cases`'],
    ['no configuration', 'cases: [{}]\n', '`config` is missing'],
    ['not a mapping', '[]\n', 'expected a mapping with config'],
    ['an unknown key', `${head}case: []\n`, 'unknown key `case`; did you mean `cases`?'],
    [
      'an unknown verdict',
      `${head}cases: [{ name: x, given: { ${given} }, expect: allowed }]\n`,
      'did you mean `allow`?',
    ],
    ['no expectation', `${head}cases: [{ name: x, given: { ${given} } }]\n`, '`expect` is missing'],
    ['no verdict', `${head}cases: [{ name: x, given: { ${given} }, expect: {} }]\n`, '`verdict` is missing'],
    [
      'an unknown reason',
      `${head}cases: [{ name: x, given: { ${given} }, expect: { verdict: deny, reasons: email-okay } }]\n`,
      'did you mean `email-ok`?',
    ],
    [
      'headers of a refusal',
      `${head}cases: [{ name: x, given: { ${given} }, expect: { verdict: deny, headers: { a: b } } }]\n`,
      'only a request that is allowed',
    ],
    [
      'a header that is no text',
      `${head}cases: [{ name: x, given: { ${given} }, expect: { verdict: allow, headers: { a: 5 } } }]\n`,
      'must be a text, or null',
    ],
    ['no name', `${head}cases: [{ given: { ${given} }, expect: allow }]\n`, '`name` is missing'],
    [
      'a name twice',
      `${head}given: { ${given} }\ncases: [{ name: x, expect: allow }, { name: x, expect: allow }]\n`,
      'another case has the name `x`',
    ],
    [
      'an environment that is no text',
      `config: doorward.yaml\nenv: { SECRET: 5 }\ncases: [{ name: x, given: { ${given} }, expect: allow }]\n`,
      '`SECRET` must be a text',
    ],
    ['no YAML', 'cases: [\n', ':'],
    [
      'an unset variable',
      `config: doorward.yaml\ncases: [{ name: x, given: { ${given} }, expect: allow }]\n`,
      'SECRET',
    ],
  ])('%s is an error with its place, and exits with 2', async (_what, text, message) => {
    const file = testsFile('bad.test.yaml', text);
    const result = await runTests(file);
    expect(result.code).toBe(2);
    expect(result.text).toContain(message);
    expect(result.text).toMatch(/\.yaml:\d+:\d+: error: /);
    expect(result.text).toContain('1 of 1 files could not be judged');
  });

  test.each([
    ['request: { url: app.example.com }', '`url` must be a URL'],
    ['request: { url: 5 }', '`url` must be a text, not a number'],
    ['request: { path: / }', 'say `url`, or `host` and `path`'],
    ['request: { url: https://a.example.com, path: / }', 'not both'],
    ['request: { url: https://a.example.com, methd: GET }', 'unknown key `methd`; did you mean `method`?'],
    ['request: { url: https://a.example.com, method: "G T" }', '`method` must be an HTTP method'],
    ['request: { url: https://a.example.com, headers: { A: a, a: b } }', 'is there twice'],
    ['request: { url: https://a.example.com, headers: { "a b": a } }', 'is no name of a header'],
    ['request: { url: https://a.example.com, headers: { a: 5 } }', 'must be a text, or a list of texts'],
    ['request: { url: https://a.example.com, headers: x }', '`headers` must be a mapping, not a text'],
    ['request: { url: https://a.example.com, certificate: { valid: yes please } }', '`valid` must be true or false'],
    ['request: { url: https://a.example.com, certificate: x }', 'expected a mapping with valid'],
    [
      'request: { url: https://a.example.com, certificate: { san_dns: [5] } }',
      '`san_dns` must be a text or a list of texts',
    ],
    ['request: x', 'expected a mapping with method'],
    ['subject: {}, request: { url: https://a.example.com }', 'a subject has `user`, `email` or both'],
    ['subject: x, request: { url: https://a.example.com }', 'expected a mapping with user'],
    [
      'subject: { user: u, claims: { groups: [x] } }, request: { url: https://a.example.com }',
      '`groups` is `groups` of the subject',
    ],
    [
      'subject: { user: u, auth_time: 2026-03-04T10:00:00Z }, request: { url: https://a.example.com }',
      '`auth_time` says nothing without the `time`',
    ],
    ['subject: { user: u, risk: none }, request: { url: https://a.example.com }', '`risk` must be low, medium or high'],
    ['records: { hr: 5 }, request: { url: https://a.example.com }', '`hr` must be a list of rows'],
    ['records: { hrr: [] }, request: { url: https://a.example.com }', 'no `records` named `hrr`; did you mean `hr`?'],
    ['records: { hr: [{}] }, request: { url: https://a.example.com }', '`records` of `hr` has no usable `id` in row 1'],
    ['time: 2026-03-04, request: { url: https://a.example.com }', '`time` must be an instant'],
    ['time: 2026-03-04T10:00:00Z', '`request` is missing'],
  ])('a case is refused: %s', async (text, message) => {
    const file = testsFile('case.test.yaml', `${head}cases: [{ name: x, given: { ${text} }, expect: deny }]\n`);
    const result = await runTests(file);
    expect(result.code).toBe(2);
    expect(result.text).toContain(message);
  });

  test('claims that no login would take are refused', async () => {
    const deep = '{ a: '.repeat(20) + '1' + ' }'.repeat(20);
    const file = testsFile(
      'deep.test.yaml',
      `${head}cases: [{ name: x, given: { subject: { user: u, claims: ${deep} }, request: { url: https://a.example.com } }, expect: deny }]\n`,
    );
    expect((await runTests(file)).text).toContain('no login takes so many claims');
  });

  test('records are what a case says, and a source that it does not name was never read', async () => {
    const file = testsFile(
      'records.test.yaml',
      `${head}given: { subject: { user: u1 }, request: { url: https://hr.example.com/ }, time: 2026-03-04T10:00:00Z }
cases:
  - { name: in, given: { records: { hr: [{ id: u1, department: sales }] } }, expect: { verdict: allow, reasons: record-ok } }
  - { name: out, given: { records: { hr: [{ id: u2, department: sales }] } }, expect: { verdict: deny, reasons: record-unauthorized } }
  - { name: unread, expect: { verdict: deny, reasons: criterion-error } }
`,
    );
    expect(await runTests(file)).toMatchObject({ code: 0 });
  });

  test('a folder without tests, and a path that leads nowhere, exit with 2', async () => {
    const empty = temporaryFolder();
    expect(await runTests(empty.path)).toEqual({
      code: 2,
      text: `doorward test: there is no file *.test.yaml in ${empty.path}\n`,
    });
    const json = await runTests(empty.path, 'json');
    expect(json.code).toBe(2);
    expect(JSON.parse(json.text)).toEqual({ ok: false, error: `there is no file *.test.yaml in ${empty.path}` });
    expect((await runTests(empty.file('none'))).text).toContain('does not exist');
    empty.remove();
  });
});

async function explain(url: string, options: Parameters<typeof caseOfOptions>[1], output: 'text' | 'json' = 'text') {
  let text = '';
  const code = await explainCommand({
    given: () => Promise.resolve(caseOfOptions(url, options)),
    load: () => loadGeneration({ configFile: config, env }),
    write: (more) => (text += more),
    writeError: (more) => (text += more),
    output,
    color: false,
  });
  return { code, text };
}

describe('doorward explain', () => {
  test('says the route, why others were not chosen, each criterion and what would have to change', async () => {
    const { code, text } = await explain('https://app.example.com/x', {
      user: 'a@example.com',
      group: ['eng'],
      method: 'PUT',
    });
    expect(code).toBe(0);
    expect(text).toBe(`request  PUT app.example.com/x
subject  a@example.com (groups eng; by default)
route    app: https://app.example.com, prefix /
         not public: https://app.example.com, prefix /public/: path does not match
         not night: https://app.example.com, prefix /night: path does not match
  allow[0].and (all must hold): does not hold
    [0] groups: "eng" -> holds (groups-ok)
    [1] http_method: "GET" -> does not hold (http-method-unauthorized)
  deny[0].or (one must hold): does not hold
    [0] groups: "contractors" -> does not hold (groups-unauthorized)
verdict  deny (http-method-unauthorized)
to be allowed
  - allow[0].and must hold: http_method "GET" must hold
`);
  });

  test('says what the upstream is told of an allowed request', async () => {
    const { text } = await explain('https://app.example.com/x', { user: 'u1', email: 'a@example.com', group: ['eng'] });
    expect(text).toContain('verdict  allow (allow[0].and, groups-ok, http-method-ok)');
    expect(text).toContain('x-email: a@example.com');
    expect(text).toContain('x-pomerium-jwt-assertion: (assertion)');
  });

  test('a listed route that would match too comes later', async () => {
    const { text } = await explain('https://app.example.com/public/x', { ip: '10.0.0.1' });
    expect(text).toContain('request  GET app.example.com/public/x from 10.0.0.1');
    expect(text).toContain('not app: https://app.example.com, prefix /: comes later');
  });

  test('a pinned route is chosen whatever the path', async () => {
    const { text } = await explain('https://app.example.com/x', { route: 'public' });
    expect(text).toContain('route    public');
    expect(text).toContain('another route is pinned');
  });

  test('nobody is signed in: that comes first', async () => {
    const { text } = await explain('https://app.example.com/x', {});
    expect(text).toContain('subject  nobody is signed in');
    expect(text).toContain('to be allowed\n  - somebody must be signed in\n  - deny[0].or must not hold');
  });

  test('a route without any rule allows nobody', async () => {
    expect((await explain('https://closed.example.com/', {})).text).toContain(
      'some rule must allow: this route has none',
    );
  });

  test('what no policy judged says why', async () => {
    expect((await explain('https://app.example.com/a//b', {})).text).toContain('verdict  bad-request');
    // No route was looked for, so none was passed over.
    expect((await explain('https://app.example.com/a/../b', {})).text).toMatch(
      /\nroute {4}none\nverdict {2}bad-request\n/,
    );
    expect((await explain('https://other.example.com/', {})).text).toContain('no route covers this host and path');
    expect((await explain('https://app.example.com/.doorward/', {})).text).toContain("a path of Doorward's own (home)");
  });

  test('JSON has all of it', async () => {
    const { text } = await explain(
      'https://app.example.com/x',
      { user: 'u1', claim: ['a=1', 'a=x'], header: ['X-A: b'] },
      'json',
    );
    expect(JSON.parse(text)).toMatchObject({
      subject: 'u1',
      verdict: 'deny',
      route: 'app',
      passed_over: [{ route: 'public' }, { route: 'night' }],
      to_be_allowed: {
        deny: [],
        allow: [{ rule: 'allow[0].and', rule_must: 'hold', of: 'each', must: 'hold', criteria: ['allow[0].and[0]'] }],
      },
    });
  });

  test('a policy that looks at the time needs one', async () => {
    const url = 'https://app.example.com/night';
    expect(await explain(url, {})).toMatchObject({ code: 2, text: expect.stringContaining('--time') });
    expect((await explain(url, { time: '2026-03-04T23:00:00Z' })).text).toContain('time     2026-03-04T23:00:00.000Z');
  });

  test.each([
    [{ claim: ['x'], user: 'u' }, 'write name=value'],
    [{ header: ['x'] }, 'write "name: value"'],
    [{ group: ['x'] }, 'there is no --user'],
    [{ time: 'now' }, '`time` must be an instant'],
    [{ ip: '999.1.1.1' }, '`ip` must be an address'],
  ])('options that say nothing sensible exit with 2: %j', async (options, message) => {
    expect(await explain('https://app.example.com/', options)).toMatchObject({
      code: 2,
      text: expect.stringContaining(message),
    });
    const { errors } = JSON.parse((await explain('https://app.example.com/', options, 'json')).text) as {
      readonly errors: readonly string[];
    };
    expect(errors.join()).toContain(message);
  });

  test('a case can stand in a file', async () => {
    const file = testsFile('case.yaml', `{ ${given} }\n`);
    const loaded = await loadCase(file);
    expect(loaded.ok && loaded.value.subject?.user).toBe('u1');
    expect(await loadCase(testsFile('case.yaml', 'request: 5\n'))).toMatchObject({ ok: false });
    expect(await loadCase(folder.file('none.yaml'))).toMatchObject({ ok: false });
  });

  test('records that the configuration does not have exit with 2', async () => {
    const loaded = await loadCase(
      testsFile('case.yaml', '{ request: { url: https://hr.example.com/ }, records: { x: [] } }\n'),
    );
    let text = '';
    const code = await explainCommand({
      given: () => Promise.resolve(loaded.ok ? loaded : { ok: false, error: [] }),
      load: () => loadGeneration({ configFile: config, env }),
      write: (more) => (text += more),
      writeError: (more) => (text += more),
      output: 'text',
      color: false,
    });
    expect({ code, text }).toEqual({ code: 2, text: 'the configuration has no `records` named `x`\n' });
  });

  test('a configuration that cannot be used exits with 2', async () => {
    expect(await loadGeneration({ configFile: config, env: {} })).toMatchObject({ ok: false });
  });
});
