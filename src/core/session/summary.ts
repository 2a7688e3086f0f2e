/** What of a session may be shown to whoever administers sessions: no token, no claim, no id. */

import type { SessionSummary } from '../ports.ts';
import type { Session } from './session.ts';

export const summaryOf = (session: Session): SessionSummary => ({
  handle: session.handle,
  idp: session.idp,
  issuer: session.issuer,
  subject: session.subject,
  email: session.email,
  name: session.name,
  createdAt: session.createdAt,
  expiresAt: session.expiresAt,
  lastSeenAt: session.lastSeenAt,
});
