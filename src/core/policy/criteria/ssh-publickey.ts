/**
 * `ssh_publickey`: the client's SSH key is one of these, written as in `authorized_keys`.
 * Reasons: ssh-publickey-ok, ssh-publickey-unauthorized. Source: docs/policy-language.md "ssh_publickey".
 */

import { createTextListParser } from '../data.ts';
import { sshCriterion } from '../ssh-criterion.ts';
import { parseAuthorizedKey } from '../ssh-key.ts';

export const sshPublickey = sshCriterion({
  name: 'ssh_publickey',
  data: createTextListParser('key or list of keys', parseAuthorizedKey),
  reasons: { pass: 'ssh-publickey-ok', fail: 'ssh-publickey-unauthorized' },
  compile: (keys) => {
    const accepted = new Set(keys);
    return ({ publicKey }) => accepted.has(Buffer.from(publicKey).toString('base64'));
  },
});
