/**
 * `ssh_username_matches_claim`: the login name is one of the values of the claim that the data names.
 * Reasons: ssh-username-ok, ssh-username-unauthorized, user-unauthenticated. Source: docs/policy-language.md.
 */

import { identityCriterion } from '../criterion.ts';
import { text } from '../data.ts';
import { claimValues } from './claim.ts';

export const sshUsernameMatchesClaim = identityCriterion({
  name: 'ssh_username_matches_claim',
  data: text('name of a claim'),
  reads: ({ data }) => ['ssh', `claim/${typeof data === 'string' ? data : ''}`],
  reasons: { pass: 'ssh-username-ok', fail: 'ssh-username-unauthorized', unknown: 'request-not-ssh' },
  compile: (name, { semantics }) => {
    const isStrict = semantics === 'strict';
    return (subject, { ssh }) =>
      isStrict && ssh === undefined ? undefined : claimValues(subject, name).includes(ssh?.username ?? '');
  },
});
