/** Which of the identity providers a logout message is of. */

import { isDependencyError, type DependencyError, type IdentityProvider, type LogoutTrust } from '../../core/ports.ts';

/**
 * What the providers with exactly this issuer are trusted by, in configured order; several where one provider knows Doorward as several
 * clients. @throws DependencyError where there is none, and one that is not discovered yet could be it
 */
export async function trustedBy(issuer: string, idps: readonly IdentityProvider[]): Promise<readonly LogoutTrust[]> {
  const found: LogoutTrust[] = [];
  let failure: DependencyError | undefined;
  for (const outcome of await Promise.all(idps.map(trustOrFailure))) {
    if (isDependencyError(outcome)) failure = outcome;
    else if (outcome.issuer === issuer) found.push(outcome);
  }
  if (found.length === 0 && failure !== undefined) throw failure;
  return found;
}

async function trustOrFailure(idp: IdentityProvider): Promise<LogoutTrust | DependencyError> {
  try {
    return await idp.trust();
  } catch (error) {
    if (isDependencyError(error)) return error;
    throw error;
  }
}
