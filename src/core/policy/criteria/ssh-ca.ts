/**
 * `ssh_ca`: the client's SSH key is a user certificate, valid now and for the login name, signed by one of these keys (`authorized_keys` form).
 * Reasons: ssh-publickey-ok, ssh-publickey-unauthorized. Source: docs/policy-language.md "ssh_ca".
 */

import { createTextListParser } from '../data.ts';
import { sshCriterion } from '../ssh-criterion.ts';
import { isCertifiedUser } from '../ssh-certificate.ts';
import { parseAuthorizedKey } from '../ssh-key.ts';

export const sshCa = sshCriterion({
  name: 'ssh_ca',
  data: createTextListParser('key or list of keys', parseAuthorizedKey),
  reasons: { pass: 'ssh-publickey-ok', fail: 'ssh-publickey-unauthorized' },
  compile: (authorities) => {
    const signers = new Set(authorities);
    return ({ publicKey, username }, { now }) => isCertifiedUser(publicKey, { authorities: signers, username, now });
  },
});
