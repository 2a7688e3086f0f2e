/** What is wrong with the rules for client certificates themselves: authorities that cannot vouch, lists that revoke nothing. Pure. */

import type { Problem, TreePath } from '../problem.ts';
import type { EpochSeconds } from '../units.ts';
import { isSignedBy, isStale } from './certificate.ts';
import type { Certificate, ClientCertificateRules, RevocationList } from './certificate.ts';

/** Authorities of which none can vouch for anybody now are an error; where others can, each is a warning. */
export function problemsOfAuthorities(
  authorities: readonly Certificate[],
  path: TreePath,
  now: EpochSeconds,
): readonly Problem[] {
  const key = String(path.at(-1));
  const faults = authorities.flatMap((authority, index) => {
    const fault = faultOf(authority, now);
    return fault === undefined
      ? []
      : [`certificate ${index + 1} of \`${key}\` ${fault}: no certificate is valid by it`];
  });
  const severity = faults.length === authorities.length ? 'error' : 'warning';
  return faults.map((message) => ({ severity, path, message }));
}

function faultOf(authority: Certificate, now: EpochSeconds): string | undefined {
  if (authority.notAfter < now) return 'has expired';
  if (authority.notBefore > now) return 'is not valid yet';
  if (authority.hasUnknownCritical) return 'has a critical extension that Doorward does not know';
  return undefined;
}

/** `authorities`: of the installation and of routes. */
export function problemsOfLists(
  { revocationLists, depthMax, refusesStaleLists }: ClientCertificateRules,
  authorities: readonly Certificate[],
  path: TreePath,
  now: EpochSeconds,
): readonly Problem[] {
  return revocationLists.flatMap((list, index): readonly Problem[] => {
    const name = `revocation list ${index + 1} of \`crl\``;
    const fault = faultOfList(list, authorities, depthMax);
    if (fault !== undefined) return [{ severity: 'error', path, message: `${name} ${fault}` }];
    if (!isStale(list, now)) return [];
    const meaning = refusesStaleLists
      ? 'every certificate of its issuer is refused until there is a newer one'
      : 'what was revoked since is not known';
    return [{ severity: 'warning', path, message: `${name} should have been replaced by a newer one: ${meaning}` }];
  });
}

/** A list of an authority that only clients send (an intermediate) has a meaning where chains may be longer. */
function faultOfList(list: RevocationList, authorities: readonly Certificate[], depthMax: number): string | undefined {
  const issuers = authorities.filter(({ subject }) => subject === list.issuer);
  if (issuers.some((issuer) => isSignedBy(list, issuer))) return undefined;
  if (issuers.length > 0) return 'bears the name of an authority in `ca` that did not sign it';
  return depthMax === 1 ? 'is of another issuer than the authorities in `ca`: it would revoke nothing' : undefined;
}
