/**
 * `claim/<name>`: the values of a claim. Names of nested claims are joined by dots; what userinfo says wins over the ID token. List matcher.
 * Reasons: claim-ok, claim-unauthorized, user-unauthenticated. Source: docs/policy-language.md "claim".
 */

import type { ClaimValue } from '../../session/session.ts';
import type { Subject } from '../facts.ts';
import { identityCriterion } from '../criterion.ts';
import { listMatcher } from '../matchers.ts';

const noValues: readonly ClaimValue[] = [];

/** The values of that claim; none where there is no identity or no such claim. */
export const claimValues = (subject: Subject | undefined, name: string): readonly ClaimValue[] =>
  subject?.userClaims.get(name) ?? subject?.sessionClaims.get(name) ?? noValues;

export const claim = identityCriterion({
  name: 'claim',
  data: listMatcher,
  hasSubPath: true,
  reads: ({ subPath = '' }) => [`claim/${subPath}`],
  reasons: { pass: 'claim-ok', fail: 'claim-unauthorized' },
  compile: (matches, context) => {
    const name = context.subPath ?? '';
    if (name === '') context.strictly(context.path, 'name the claim after a slash, for example `claim/department`');
    return (subject) => matches(claimValues(subject, name));
  },
});
