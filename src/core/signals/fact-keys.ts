/** How owners of facts are named in stores. */

import { createHash } from 'node:crypto';
import { userKeyOf } from '../session/revocation.ts';
import type { FactHolder, FactOwner } from './user-fact.ts';

/** Names an owner in stores; 43 characters. */
export const ownerKeyOf = (owner: FactOwner): string =>
  owner.kind === 'user'
    ? userKeyOf(owner)
    : createHash('sha256')
        .update(JSON.stringify(['fact-email', owner.email]))
        .digest('base64url');

/** One holder's session lives long, and is asked about by every request; its keys go with it. */
const keysOfHolders = new WeakMap<FactHolder, readonly [user: string, email: string]>();

/** The keys of the owners whose facts count for it. */
export function holderKeysOf(holder: FactHolder): readonly [user: string, email: string] {
  const known = keysOfHolders.get(holder);
  if (known !== undefined) return known;
  const keys = [
    ownerKeyOf({ kind: 'user', issuer: holder.issuer, subject: holder.subject }),
    ownerKeyOf({ kind: 'email', email: holder.email }),
  ] as const;
  keysOfHolders.set(holder, keys);
  return keys;
}
