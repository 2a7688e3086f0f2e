/**
 * `authenticated_user`: anyone who is signed in. Takes no data.
 * Reasons: user-ok, user-unauthorized (a session that names no user), user-unauthenticated. Source: docs/policy-language.md.
 */

import { identityCriterion } from '../criterion.ts';
import { nothing } from '../data.ts';

export const authenticatedUser = identityCriterion({
  name: 'authenticated_user',
  data: nothing,
  reads: ['user'],
  reasons: { pass: 'user-ok', fail: 'user-unauthorized' },
  compile: () => (subject) => subject !== undefined && subject.userId !== '',
});
