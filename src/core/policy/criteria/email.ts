/**
 * `email`: the subject's e-mail address; empty where nothing says one. String matcher.
 * Reasons: email-ok, email-unauthorized, user-unauthenticated. Source: docs/policy-language.md "email".
 */

import { identityCriterion } from '../criterion.ts';
import { stringMatcher } from '../matchers.ts';

export const email = identityCriterion({
  name: 'email',
  data: stringMatcher,
  reads: ['email'],
  reasons: { pass: 'email-ok', fail: 'email-unauthorized' },
  compile: (matches) => (subject) => matches(subject?.email ?? ''),
});
