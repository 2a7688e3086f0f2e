/** What a step-up asks for: joined over rules, the strictest of what is needed together, the first of what is enough. */

import { describe, expect, test } from '@jest/globals';
import type { PolicySemantics } from '../../../src/core/config.ts';
import { joinStepUps, meetsStepUp } from '../../../src/core/policy/step-up.ts';
import type { Tree } from '../../../src/core/problem.ts';
import { aSubject, load, someFacts } from './builders.ts';

const demandOf = (policy: Tree, semantics: PolicySemantics) =>
  load(policy, { semantics }).policy.evaluate(someFacts({ subject: aSubject({ acr: 'bronze', authTime: undefined }) }))
    .stepUp;

describe.each<PolicySemantics>(['strict', 'pomerium'])('%s', (semantics) => {
  test.each<[Tree, unknown]>([
    [{ allow: { and: [{ auth_age: '15m' }, { auth_age: '5m' }] } }, { acrValues: undefined, maxAge: 300 }],
    [{ allow: { and: [{ auth_age: '15m' }, { acr: 'gold' }] } }, { acrValues: ['gold'], maxAge: 900 }],
    [{ allow: { and: [{ acr: ['a', 'b'] }, { acr: ['b', 'c'] }] } }, { acrValues: ['b'], maxAge: undefined }],
    [{ allow: { and: [{ acr: 'a' }, { acr: 'b' }] } }, undefined],
    [{ allow: { or: [{ acr: 'a' }, { auth_age: '15m' }] } }, { acrValues: ['a'], maxAge: undefined }],
    [{ allow: { or: [{ device: { type: 'any' } }, { auth_age: '15m' }] } }, { acrValues: undefined, maxAge: 900 }],
    [{ allow: { and: [{ device: { type: 'any' } }, { auth_age: '15m' }] } }, undefined],
    [{ allow: { or: [{ acr: { starts_with: 'g' } }] } }, undefined],
    [
      { allow: { or: [{ accept: true }] }, deny: { nor: [{ auth_age: '15m' }, { acr: 'a' }] } },
      { acrValues: ['a'], maxAge: 900 },
    ],
    [
      { allow: { or: [{ accept: true }] }, deny: { not: [{ auth_age: '15m' }, { acr: 'a' }] } },
      { acrValues: undefined, maxAge: 900 },
    ],
    [
      { allow: { or: [{ acr: 'a' }] }, deny: { not: [{ auth_age: '15m' }] } },
      { acrValues: ['a'], maxAge: 900 },
    ],
    [{ allow: { not: [{ auth_age: '15m' }] } }, undefined],
    [{ allow: { nor: [{ device: { type: 'any' } }, { acr: 'a' }] } }, undefined],
    [{ allow: { or: [{ accept: true }] }, deny: { or: [{ acr: 'a' }] } }, undefined],
    [{ allow: { or: [{ accept: true }] } }, undefined],
  ])('%j asks for %j', (policy, expected) => expect(demandOf(policy, semantics)).toEqual(expected));
});

test('what is the same is joined to itself', () => {
  const one = { acrValues: ['a'], maxAge: 5 };
  expect(joinStepUps('all', one, one)).toBe(one);
});

test.each([
  [{ acr: 'a', authTime: 90 }, true],
  [{ acr: 'a', authTime: 89 }, false],
  [{ acr: 'a', authTime: 160 }, true],
  [{ acr: 'a', authTime: 161 }, false],
  [{ acr: 'a', authTime: undefined }, false],
  [{ acr: 'b', authTime: 95 }, false],
  [{ acr: undefined, authTime: 95 }, false],
])('%j meets a demand for a within 10 seconds: %j', (signedIn, expected) =>
  expect(meetsStepUp({ acrValues: ['a'], maxAge: 10 }, signedIn, 100)).toBe(expected),
);
