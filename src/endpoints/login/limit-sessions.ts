/** Ends the oldest sessions of a user who has more than he may have. */

import { isDependencyError, type SessionSummary } from '../../core/ports.ts';
import type { Session } from '../../core/session/session.ts';

import { endSuperseded } from '../end-session.ts';
import type { EndpointPorts } from '../endpoint.ts';

/** What is looked at of one user at a login; a limit that came later leaves no more than that behind. */
const LOOKED_AT_MAX = 1_000;

/**
 * `max` undefined = no limit. Costs what the user's own sessions do. All processes put them in the same order, so of logins at the same moment
 * none leaves more, and not each ends the other's. What cannot be ended is logged: the next login tries again.
 */
export async function limitSessions(
  { issuer, subject }: Pick<Session, 'issuer' | 'subject'>,
  max: number | undefined,
  ports: Pick<EndpointPorts, 'sessions' | 'logger'>,
): Promise<void> {
  if (max === undefined) return;
  const found = await listed(subject, ports);
  const newestFirst = found
    // The list knows e-mail addresses as well, and other issuers may use the same name.
    .filter((session) => session.issuer === issuer && session.subject === subject)
    .toSorted((one, other) => other.createdAt - one.createdAt || (one.handle < other.handle ? -1 : 1));
  const over = newestFirst.slice(max).reverse();
  await Promise.all(over.map(({ handle }) => endSuperseded(handle, 'over-limit', ports)));
}

async function listed(
  user: string,
  { sessions, logger }: Pick<EndpointPorts, 'sessions' | 'logger'>,
): Promise<readonly SessionSummary[]> {
  try {
    return await sessions.list({ user, limit: LOOKED_AT_MAX });
  } catch (error) {
    if (!isDependencyError(error)) throw error;
    logger.warn(
      { code: error.code, reason: error.message },
      'a login went on, and it is not known whether the user has more sessions than he may have',
    );
    return [];
  }
}
