import { describe, expect, test } from '@jest/globals';
import type { PolicySource } from '../../../src/core/policy/compile.ts';
import { compilePolicy } from '../../../src/core/policy/compile.ts';
import type { Tree } from '../../../src/core/problem.ts';
import { aSource, load } from './builders.ts';

const said = (policy: Tree, changes: Partial<PolicySource> = {}): readonly string[] =>
  load(policy, changes).warnings.map(
    ({ severity, path, message }) => `${severity} ${path.slice(3).join('.')}: ${message}`,
  );

const errors = (policy: Tree): readonly string[] => {
  const result = compilePolicy(aSource(policy));
  return result.ok ? [] : result.error.filter(({ severity }) => severity === 'error').map(({ message }) => message);
};

describe('what the loader says of the two semantics', () => {
  test('nothing where they cannot decide differently', () => {
    for (const policy of [
      { allow: { or: [{ accept: true }] } },
      { allow: { or: [{ authenticated_user: true }] } },
      { allow: { or: [{ email: { in: ['a@example.com'] } }, { user: 'bob' }, { groups: 'eng' }] } },
      { allow: { and: [{ http_path: '/x' }, { source_ip: '10.0.0.0/8' }] } },
      { allow: { or: [{ auth_age: '15m' }] } },
    ])
      expect(said(policy)).toEqual([]);
  });

  test.each<[string, Tree, string]>([
    [
      'a matcher that holds without identity',
      { allow: { or: [{ email: { not: 'a' } }] } },
      'warning allow.or.0.email: for a request without identity this is unknown under `strict`, and holds under `pomerium`',
    ],
    [
      'a device that need not be there',
      { allow: { or: [{ device: { approved: false } }] } },
      'warning allow.or.0.device: for a request without identity this is unknown',
    ],
    [
      'identity that is negated beside something else',
      [{ allow: { or: [{ accept: true }] } }, { allow: { not: [{ user: 'x' }] } }],
      'warning 1.allow.not: a request without identity (or device) that is allowed by something else',
    ],
    [
      'identity in a deny rule that something else may exempt from',
      { deny: { and: [{ groups: 'x' }, { source_ip: '10.0.0.0/8' }] } },
      'warning deny.and: a request without identity (or device) that another criterion of this `and` exempts',
    ],
    [
      'a sign-in that is negated beside something else',
      [{ allow: { or: [{ accept: true }] } }, { allow: { nor: [{ auth_age: '15m' }] } }],
      'warning 1.allow.nor: a request without identity (or device), or whose sign-in is too old or too weak, that is allowed by something else is allowed under `strict`; under `pomerium` `auth_age` in `nor` still asks for a login or a step-up',
    ],
    [
      'a sign-in in a deny rule that something else may exempt from',
      { deny: { and: [{ acr: 'gold' }, { source_ip: '10.0.0.0/8' }] } },
      'warning deny.and: a request without identity (or device), or whose sign-in is too old or too weak, that another criterion of this `and` exempts is not denied under `strict`; under `pomerium` `acr` still asks for a login or a step-up',
    ],
    [
      'a sign-in that allows only who is refused by it',
      { allow: { not: [{ auth_age: '15m' }] } },
      'warning allow.not.0.auth_age: `auth_age` lets nobody in here: whoever does not meet it is refused for want of a step-up, and whoever meets it gains nothing',
    ],
    [
      'a sign-in that is denied once it is met',
      { deny: { or: [{ acr: 'bronze' }] } },
      'warning deny.or.0.acr: `acr` lets nobody in here',
    ],
    [
      'a step-up that another criterion makes useless',
      { allow: { and: [{ auth_age: '15m' }, { http_path: '/x' }] } },
      'notice allow.and: `strict` and `pomerium` decide differently on these requests: without identity or device, or whose sign-in is too old or too weak, but refused by another criterion of the same `and`: `strict` refuses, `pomerium` asks for a login or a step-up',
    ],
    [
      'an acr that cannot be compared',
      { allow: { and: [{ acr: ['gold'] }] } },
      'notice allow.and: `strict` and `pomerium` decide differently on these requests: with a text that is not UTF-8',
    ],
    [
      'a tool that is denied',
      { deny: { or: [{ mcp_tool: 'x' }] } },
      'warning deny.or.0.mcp_tool: a message that is absent, cut short or unreadable is unknown',
    ],
    [
      'a certificate that no CA stands behind',
      { allow: { or: [{ client_certificate: { san_dns: 'x' } }] } },
      'warning allow.or.0.client_certificate: no client CA is configured',
    ],
    [
      'invalid certificates without a CA',
      { deny: { or: [{ invalid_client_certificate: true }] } },
      'warning deny.or.0.invalid_client_certificate: no client CA is configured: under `strict` every certificate',
    ],
    [
      'a reject that denies nothing',
      { deny: { or: [{ reject: true }] } },
      'warning deny.or.0.reject: `reject` never holds',
    ],
    [
      'how a request is refused',
      { allow: { and: [{ user: 'x' }, { http_path: '/x' }] } },
      'notice allow.and: `strict` and `pomerium` decide differently on these requests: without identity or device, but refused',
    ],
  ])('%s', (_what, policy, message) => {
    for (const semantics of ['strict', 'pomerium'] as const)
      expect(said(policy, { semantics })).toContainEqual(expect.stringContaining(message));
  });

  test('with a CA whose invalid certificates are refused, a certificate means the same in both', () => {
    const policy = { allow: { or: [{ client_certificate: { san_dns: 'x' } }] } };
    expect(said(policy, { hasClientCa: true, denyInvalidCertificate: true })).toEqual([]);
    expect(said(policy, { hasClientCa: true })).toContainEqual(expect.stringContaining('that was validated'));
  });

  test('an invalid certificate that a deny rule exempts', () => {
    const policy = { deny: { not: [{ invalid_client_certificate: true }] } };
    expect(said(policy, { hasClientCa: true })).toContainEqual(
      expect.stringContaining('status 495 by its reason alone'),
    );
  });

  test('what strict refuses is a warning under pomerium', () => {
    expect(said({ allow: { or: [{ accept: 1 }], action: 1 } }, { semantics: 'pomerium' })).toEqual([
      'warning allow.action: `policy_semantics: strict` does not load this: `action` has no effect inside a rule: leave it out',
      'warning allow.or.0.accept: `policy_semantics: strict` does not load this: no data is looked at here, so a number would be misleading: write `true`',
    ]);
  });

  test('one notice holds every kind of rare request', () => {
    const policy = [
      { allow: { not: [{ invalid_client_certificate: true }] } },
      {
        allow: {
          or: [
            { mcp_tool: 'x' },
            { domain: 'x' },
            { http_method: 'GET' },
            { source_ip: '10.0.0.0/8' },
            { ssh_username: { starts_with: 'x' } },
          ],
        },
      },
    ];
    const notices = said(policy, { hasClientCa: true }).filter((text) => text.startsWith('notice'));
    expect(notices).toHaveLength(1);
    for (const kind of ['UTF-8', 'more than one `@`', 'address is not known', 'not SSH', 'not HTTP', 'MCP message'])
      expect(notices[0]).toContain(kind);
  });
});

describe('several operators in one rule', () => {
  test('strict prints both ways to write an allow rule', () => {
    const policy = {
      allow: {
        and: [{ authenticated_user: true }],
        or: [{ groups: 'a' }, { groups: 'b' }],
        not: [{ email: 'x' }],
        nor: [{ http_path: '/x' }, { http_method: 'POST' }],
      },
    };
    expect(errors(policy)).toEqual([
      '`and` and `or` and `not` and `nor` stand in one rule, and one of them would be enough. ' +
        'Write either [{allow: {and: [{"authenticated_user":true}]}}, {allow: {or: [{"groups":"a"},{"groups":"b"}]}}, ' +
        '{allow: {not: [{"email":"x"}]}}, {allow: {nor: [{"http_path":"/x"},{"http_method":"POST"}]}}] (one is enough), ' +
        'or [{allow: {and: [{"authenticated_user":true},{"groups":"a"}]}}, ' +
        '{allow: {and: [{"authenticated_user":true},{"groups":"b"}]}}, {deny: {or: [{"email":"x"}]}}, ' +
        '{deny: {and: [{"http_path":"/x"},{"http_method":"POST"}]}}] (all must hold)',
    ]);
  });

  test('what it prints loads', () => {
    const printed = [
      { allow: { and: [{ accept: true }] } },
      { deny: { or: [{ email: 'x' }] } },
      { deny: { and: [{ http_path: '/x' }] } },
    ];
    expect(errors({ allow: { not: [{ email: 'x' }], nor: [{ http_path: '/x' }] } })[0]).toContain(
      'or [{allow: {and: [{"accept":true}]}}, {deny: {or: [{"email":"x"}]}}, {deny: {and: [{"http_path":"/x"}]}}]',
    );
    expect(errors(printed)).toEqual([]);
  });

  test('for a deny rule it says how', () => {
    expect(errors({ deny: { and: [{ email: 'x' }], not: [{ http_path: '/x' }] } })[0]).toContain(
      'or one {deny: {and: [...]}} that holds the criteria of `and` and `not`, each negated one with the opposite matcher',
    );
  });

  test('long lists are not quoted', () => {
    const many = Array.from({ length: 40 }, (_, index) => ({ email: `user${index}@example.com` }));
    expect(errors({ allow: { or: many, and: [{ accept: true }] } })[0]).toContain('{allow: {or: [...]}}');
  });

  test('two rules of one policy, each with its own operator, are two rules', () => {
    expect(errors([{ allow: { and: [{ accept: true }] } }, { allow: { not: [{ accept: true }] } }])).toEqual([]);
    expect(errors({ allow: { and: [{ accept: true }] }, deny: { not: [{ accept: true }] } })).toEqual([]);
  });
});
