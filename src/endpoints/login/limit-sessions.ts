/** Ends the oldest sessions of a user who has more than he may have. */

import type { Session } from '../../core/session/session.ts';
import { endSession } from '../end-session.ts';
import type { EndpointPorts } from '../endpoint.ts';

/** What is looked at of one user at a login; a limit that came later leaves no more than that behind. */
const LOOKED_AT_MAX = 1_000;

/**
 * `max` undefined = no limit. Costs what the user's own sessions do. All processes put them in the same order, so of logins at the same moment
 * none leaves more, and not each ends the other's. @throws DependencyError store-unavailable where an end is not confirmed
 */
export async function limitSessions(
  { issuer, subject }: Pick<Session, 'issuer' | 'subject'>,
  max: number | undefined,
  ports: Pick<EndpointPorts, 'sessions'>,
): Promise<void> {
  if (max === undefined) return;
  const found = await ports.sessions.list({ user: subject, limit: LOOKED_AT_MAX });
  const newestFirst = found
    // The list knows e-mail addresses as well, and other issuers may use the same name.
    .filter((session) => session.issuer === issuer && session.subject === subject)
    .toSorted((one, other) => other.createdAt - one.createdAt || (one.handle < other.handle ? -1 : 1));
  const over = newestFirst.slice(max).reverse();
  await Promise.all(over.map(({ handle }) => endSession(handle, 'over-limit', ports)));
}
