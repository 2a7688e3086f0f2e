/**
 * `groups`: the groups that the subject is in. Where nothing says anything about groups, no matcher holds; where what
 * would say it is too old, the criterion fails. List matcher.
 * Reasons: groups-ok, groups-unauthorized, user-unauthenticated. Source: docs/policy-language.md "groups".
 */

import { identityCriterion } from '../criterion.ts';
import { stringListMatcher } from '../matchers.ts';

const tooOld = new Error('what says the groups is too old, or was never read');

export const groups = identityCriterion({
  name: 'groups',
  data: stringListMatcher,
  reads: ['user', 'groups'],
  reasons: { pass: 'groups-ok', fail: 'groups-unauthorized' },
  compile: (matches) => (subject) => {
    if (subject?.groupsUnknown === true) throw tooOld;
    return subject?.groups === undefined || subject.userId === '' ? false : matches(subject.groups);
  },
});
