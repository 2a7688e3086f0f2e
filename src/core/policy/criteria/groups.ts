/**
 * `groups`: the groups that the subject is in. Where nothing says anything about groups, no matcher holds. List matcher.
 * Reasons: groups-ok, groups-unauthorized, user-unauthenticated. Source: docs/policy-language.md "groups".
 */

import { identityCriterion } from '../criterion.ts';
import { stringListMatcher } from '../matchers.ts';

export const groups = identityCriterion({
  name: 'groups',
  data: stringListMatcher,
  reads: ['user', 'groups'],
  reasons: { pass: 'groups-ok', fail: 'groups-unauthorized' },
  compile: (matches) => (subject) =>
    subject?.groups === undefined || subject.userId === '' ? false : matches(subject.groups),
});
