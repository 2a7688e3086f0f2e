/** Ends single sessions: what the user is told is over, and what a login leaves behind. */

import { isDependencyError, type RevocationReason } from '../core/ports.ts';
import { assertConfirmed } from '../core/session/revocation.ts';
import type { SessionHandle } from '../core/units.ts';
import type { EndpointPorts } from './endpoint.ts';

/** A session that may go on somewhere is never told as over. undefined = there is none. @throws DependencyError store-unavailable | store-corrupt where it is not confirmed */
export async function endSession(
  handle: SessionHandle | undefined,
  why: RevocationReason,
  { sessions }: Pick<EndpointPorts, 'sessions'>,
): Promise<void> {
  if (handle !== undefined) assertConfirmed(await sessions.revoke({ kind: 'session', handle }, why));
}

/**
 * Ends what a login takes the place of. Nobody is told that it is over, and the new session is stored by then: so an end that is not confirmed
 * is logged, and the login goes on. Nothing is asked of the store where the session is not live. Does not throw for an outage.
 */
export async function endSuperseded(
  handle: SessionHandle | undefined,
  why: Extract<RevocationReason, 'renewed' | 'over-limit'>,
  { sessions, logger }: Pick<EndpointPorts, 'sessions' | 'logger'>,
): Promise<void> {
  if (handle === undefined) return;
  try {
    if (await isThere(handle, sessions)) await endSession(handle, why, { sessions });
  } catch (error) {
    if (!isDependencyError(error)) throw error;
    logger.warn(
      { session: handle, why, code: error.code, reason: error.message },
      'a login went on, and the end of an older session is not confirmed',
    );
  }
}

/** A session whose record is damaged is there: it is ended as well. @throws DependencyError store-unavailable */
async function isThere(handle: SessionHandle, sessions: EndpointPorts['sessions']): Promise<boolean> {
  try {
    return (await sessions.get(handle)) !== undefined;
  } catch (error) {
    if (isDependencyError(error) && error.code === 'store-corrupt') return true;
    throw error;
  }
}
