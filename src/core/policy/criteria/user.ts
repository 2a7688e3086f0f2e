/**
 * `user`: the subject's id at its issuer. String matcher.
 * Reasons: user-ok, user-unauthorized, user-unauthenticated. Source: docs/policy-language.md "user".
 */

import { identityCriterion } from '../criterion.ts';
import { stringMatcher } from '../matchers.ts';

export const user = identityCriterion({
  name: 'user',
  data: stringMatcher,
  reads: ['user'],
  reasons: { pass: 'user-ok', fail: 'user-unauthorized' },
  compile: (matches) => (subject) => (subject === undefined || subject.userId === '' ? false : matches(subject.userId)),
});
