/** The criteria about how a user signed in: how long ago, and how strongly. */

import { describe, expect, test } from '@jest/globals';
import type { PolicySemantics } from '../../../src/core/config.ts';
import type { Subject } from '../../../src/core/policy/facts.ts';
import type { Tree } from '../../../src/core/problem.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { aSubject, load, NOW, problemsOf, someFacts } from './builders.ts';

const semanticsOfBoth: readonly PolicySemantics[] = ['strict', 'pomerium'];

const signedIn = (changes: Partial<Subject>) => someFacts({ subject: aSubject(changes) });
const ago = (seconds: number): Partial<Subject> => ({ authTime: epochSeconds(NOW - seconds) });

function judge(policy: Tree, subject: Partial<Subject> | undefined, semantics: PolicySemantics) {
  const facts = subject === undefined ? someFacts({ subject: undefined }) : signedIn(subject);
  const { kind, allow } = load(policy, { semantics }).policy.evaluate(facts);
  return [kind, ...allow.reasons];
}

const errorsOf = (criterion: Tree): readonly string[] =>
  problemsOf({ allow: { or: [criterion] } }).map(({ path, message }) => `${path.slice(6).join('.')}: ${message}`);

describe.each(semanticsOfBoth)('%s', (semantics) => {
  test.each<[Tree, Partial<Subject> | undefined, readonly string[]]>([
    [{ auth_age: '15m' }, ago(900), ['allow', 'auth-age-ok']],
    [{ auth_age: '15m' }, ago(901), ['step-up', 'auth-age-exceeded']],
    [{ auth_age: { max: '1h30m' } }, ago(5400), ['allow', 'auth-age-ok']],
    [{ auth_age: { max: 60 } }, ago(61), ['step-up', 'auth-age-exceeded']],
    [{ auth_age: 60 }, ago(-5), ['allow', 'auth-age-ok']],
    [{ auth_age: 60 }, ago(-60), ['allow', 'auth-age-ok']],
    [{ auth_age: 60 }, ago(-61), ['step-up', 'auth-age-exceeded']],
    [{ auth_age: 60 }, { authTime: epochSeconds(NOW * 1000) }, ['step-up', 'auth-age-exceeded']],
    [{ auth_age: '15m' }, { authTime: undefined }, ['step-up', 'auth-age-exceeded']],
    [{ auth_age: '15m' }, undefined, ['login', 'user-unauthenticated']],
    [{ acr: 'gold' }, { acr: 'gold' }, ['allow', 'acr-ok']],
    [{ acr: 'gold' }, { acr: 'Gold' }, ['step-up', 'acr-insufficient']],
    [{ acr: ['silver', 'gold'] }, { acr: 'gold' }, ['allow', 'acr-ok']],
    [{ acr: ['silver', 'gold'] }, { acr: 'bronze' }, ['step-up', 'acr-insufficient']],
    [{ acr: { starts_with: 'urn:' } }, { acr: 'urn:gold' }, ['allow', 'acr-ok']],
    [{ acr: { not: 'bronze' } }, { acr: undefined }, ['step-up', 'acr-insufficient']],
    [{ acr: 'gold' }, undefined, ['login', 'user-unauthenticated']],
  ])('%j for %j: %j', (criterion, subject, expected) => {
    expect(judge({ allow: { and: [criterion] } }, subject, semantics)).toEqual(expected);
  });

  test('a deny rule that asks for a recent sign-in leads to a step-up, and lets pass what meets it', () => {
    const policy = { allow: { or: [{ accept: true }] }, deny: { not: [{ auth_age: '15m' }, { acr: 'gold' }] } };
    expect(judge(policy, { ...ago(901), acr: 'bronze' }, semantics)[0]).toBe('step-up');
    expect(judge({ ...policy, deny: { nor: [{ auth_age: '15m' }] } }, ago(10), semantics)[0]).toBe('allow');
  });

  test('both at once give both reasons', () => {
    expect(judge({ allow: { and: [{ auth_age: '15m' }, { acr: 'gold' }] } }, ago(901), semantics)).toEqual([
      'step-up',
      'acr-insufficient',
      'auth-age-exceeded',
    ]);
  });
});

test('in `strict` a step-up is not asked for where it could open nothing', () => {
  const policy = { allow: { and: [{ auth_age: '15m' }, { user: 'bob' }] } };
  expect(judge(policy, ago(901), 'strict')).toEqual(['deny', 'user-unauthorized']);
});

test('an acr with bytes that are not UTF-8 is neither met nor curable in `strict`', () => {
  expect(judge({ allow: { or: [{ acr: { not: 'gold' } }] } }, { acr: 'g\uFFFD' }, 'strict')).toEqual([
    'deny',
    'text-not-utf8',
  ]);
});

test.each<[Tree, string]>([
  [{ auth_age: 'soon' }, ': expected a duration of whole seconds, up to ten years, such as 15m'],
  [{ auth_age: '0s' }, 'not `0s`'],
  [{ auth_age: '500ms' }, 'not `500ms`'],
  [{ auth_age: '15m ' }, 'not `15m `'],
  [{ auth_age: 0.5 }, 'not `0.5`'],
  [{ auth_age: 0 }, 'not `0`'],
  [{ auth_age: -1 }, 'not `-1`'],
  [{ auth_age: '999999d' }, 'not `999999d`'],
  [{ auth_age: null }, 'expected a duration'],
  [{ auth_age: ['15m'] }, 'expected a duration'],
  [{ auth_age: {} }, 'expected a duration'],
  [{ auth_age: { max: '15m', min: '1m' } }, 'min: `min` says nothing about an age here'],
  [{ acr: [] }, 'no value is accepted'],
  [{ acr: [1] }, 'expected a text, not a number'],
  [{ acr: { at_least: 'gold' } }, '`at_least` is not an operator here'],
])('%j does not load', (criterion, message) => {
  expect(errorsOf(criterion).join('\n')).toContain(message);
});
