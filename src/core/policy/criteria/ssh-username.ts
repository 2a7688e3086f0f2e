/**
 * `ssh_username`: the login name that an SSH client asks for. String matcher.
 * Reasons: ssh-username-ok, ssh-username-unauthorized. Source: docs/policy-language.md "ssh_username".
 */

import { sshCriterion } from '../ssh-criterion.ts';
import { stringMatcher } from '../matchers.ts';

export const sshUsername = sshCriterion({
  name: 'ssh_username',
  data: stringMatcher,
  reasons: { pass: 'ssh-username-ok', fail: 'ssh-username-unauthorized' },
  compile: (matches) => (ssh) => matches(ssh.username),
});
