/** Ends the session of a request, or fails: a session that may go on somewhere is never told as over. */

import type { RevocationReason } from '../core/ports.ts';
import { assertConfirmed } from '../core/session/revocation.ts';
import type { SessionHandle } from '../core/units.ts';
import type { EndpointPorts } from './endpoint.ts';

/** undefined = there is none. @throws DependencyError store-unavailable | store-corrupt where it is not confirmed */
export async function endSession(
  handle: SessionHandle | undefined,
  why: RevocationReason,
  { sessions }: Pick<EndpointPorts, 'sessions'>,
): Promise<void> {
  if (handle !== undefined) assertConfirmed(await sessions.revoke({ kind: 'session', handle }, why));
}
