/**
 * `ssh_username_matches_email`: the login name is the part of the subject's e-mail address before the `@`. Takes no data.
 * Reasons: ssh-username-ok, ssh-username-unauthorized, user-unauthenticated. Source: docs/policy-language.md.
 */

import { identityCriterion } from '../criterion.ts';
import { nothing } from '../data.ts';

export const sshUsernameMatchesEmail = identityCriterion({
  name: 'ssh_username_matches_email',
  data: nothing,
  reads: ['ssh', 'email'],
  reasons: { pass: 'ssh-username-ok', fail: 'ssh-username-unauthorized', unknown: 'request-not-ssh' },
  compile: (_data, { semantics }) => {
    const isStrict = semantics === 'strict';
    return (subject, { ssh }) => {
      if (isStrict && ssh === undefined) return undefined;
      const [localPart = ''] = (subject?.email ?? '').split('@', 1);
      // An empty name belongs to nobody.
      return (ssh?.username ?? '') === localPart && !(isStrict && localPart === '');
    };
  },
});
