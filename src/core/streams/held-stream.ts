/** HeldStream: what is known of one stream that is held, what it rests on, and how it is told of. No I/O, no clock. */

import type { Administrator } from '../audit/change-record.ts';
import { STREAM, type StreamRecord } from '../audit/stream-record.ts';
import type { Findings } from '../decision.ts';
import { looksAtTime } from '../policy/looks-at-time.ts';
import type { HeldLine } from '../ports.ts';
import type { AccessRequest } from '../request/access-request.ts';
import { coverOf, type Cover } from '../revocation/invalidation.ts';
import { coversOf } from '../session/revocation.ts';
import type { Session } from '../session/session.ts';
import { holderKeysOf } from '../signals/fact-keys.ts';
import type { EpochSeconds } from '../units.ts';
import type { Indexed } from './stream-index.ts';
import type { HoldTicket } from './ticket.ts';
import type { CutReason } from './why-cut.ts';

/** Of the session that it was last allowed with. */
type Who = Pick<Session, 'handle' | 'subject' | 'email' | 'idp' | 'mark' | 'expiresAt'>;

export type HeldStream = Indexed & {
  readonly id: string;
  readonly line: HeldLine;
  readonly ticket: HoldTicket;
  readonly method: string;
  /** Canonical. */
  readonly host: string;
  readonly path: string;
  readonly since: EpochSeconds;
  who: Who | undefined;
  route: string | undefined;
  /** When it has to be judged again, whatever happens. */
  dueAt: number;
};

/** Bytes that a stream takes beside its request, about. */
const STREAM_WEIGHT = 4_096;
const METHOD_MAX = 64;
const PATH_MAX = 2_048;

/** Rests on nothing yet. */
export const newStream = (
  parts: Pick<HeldStream, 'id' | 'line' | 'ticket' | 'host' | 'since'>,
  request: Pick<AccessRequest, 'method' | 'path'>,
): HeldStream => ({
  ...parts,
  method: request.method.slice(0, METHOD_MAX),
  path: (/^[^?#]*/.exec(request.path)?.[0] ?? '').slice(0, PATH_MAX),
  weight: STREAM_WEIGHT + parts.ticket.request.length,
  covers: [],
  who: undefined,
  route: undefined,
  dueAt: Infinity,
});

/** Where a policy looks at the time, and where it looks at a certificate, which has an end. */
const TIME_SECONDS = 1;
const CERTIFICATE_SECONDS = 10;

/** What an allowed stream rests on, by what it was allowed for at `now`. */
export function foundationOf(
  { session, route, facts }: Findings,
  now: EpochSeconds,
): Pick<HeldStream, 'covers' | 'who' | 'route' | 'dueAt'> {
  const policy = route?.policy;
  const dues = [Infinity];
  if (policy !== undefined && facts !== undefined && looksAtTime(policy, facts)) dues.push(now + TIME_SECONDS);
  if (policy?.needs.has('certificate') === true) dues.push(now + CERTIFICATE_SECONDS);
  if (session === undefined) return { covers: [], who: undefined, route: route?.id, dueAt: Math.min(...dues) };
  const { handle, subject, email, idp, mark, expiresAt } = session;
  dues.push(expiresAt, session.createdAt + (route?.sessionLifetimeSeconds ?? Infinity));
  if (route?.sessionIdleSeconds !== undefined) dues.push(session.lastSeenAt + route.sessionIdleSeconds);
  const facted = policy?.needs.has('risk') === true ? holderKeysOf(session).map((key) => coverOf('fact', key)) : [];
  const covers: readonly Cover[] = [...coversOf(session), ...facted];
  return { covers, who: { handle, subject, email, idp, mark, expiresAt }, route: route?.id, dueAt: Math.min(...dues) };
}

export type Why = {
  readonly reason: CutReason;
  /** A RefusalCode, where `check` gave one. */
  readonly code?: string;
  /** Where an administrator cuts it. */
  readonly by?: Administrator;
  readonly note?: string | undefined;
};

/** `about`: as much of it as is known. */
export const streamRecordOf = (
  action: StreamRecord['action'],
  { reason, code, by, note }: Why,
  about: Partial<HeldStream>,
  at: { readonly now: EpochSeconds; readonly generation: number },
): StreamRecord => ({
  v: 2,
  kind: STREAM,
  time: at.now,
  action,
  reason,
  code,
  by,
  note,
  request_id: about.ticket?.requestId,
  route: about.route,
  subject: about.who?.subject,
  email: about.who?.email,
  idp: about.who?.idp,
  session: about.who?.handle,
  method: about.method,
  host: about.host,
  path: about.path,
  lived_s: about.since === undefined ? 0 : Math.max(0, at.now - about.since),
  policy_generation: at.generation,
});

/** As an administrator is shown it. */
export type StreamSummary = Pick<HeldStream, 'id' | 'method' | 'host' | 'path' | 'since' | 'route'> &
  Partial<Pick<Who, 'subject' | 'email' | 'idp'>> & { readonly session?: string };

export const streamSummaryOf = ({ id, method, host, path, since, route, who }: HeldStream): StreamSummary => ({
  id,
  method,
  host,
  path,
  since,
  route,
  ...(who === undefined ? {} : { session: who.handle, subject: who.subject, email: who.email, idp: who.idp }),
});

/** All of it must fit; `user` is a subject or an e-mail address. */
export type StreamQuery = { readonly id?: string; readonly session?: string; readonly user?: string };

export const isAskedFor = ({ id, who }: HeldStream, query: StreamQuery): boolean =>
  (query.id === undefined || query.id === id) &&
  (query.session === undefined || query.session === who?.handle) &&
  (query.user === undefined || (who !== undefined && [who.subject, who.email].includes(query.user)));

/** What administrators are given of the streams of this process. */
export interface HeldStreams {
  /** How many there are. */
  held(): number;
  /** At most `limit` of those that fit, oldest first. */
  list(query: StreamQuery, limit: number): readonly StreamSummary[];
  /** Ends those that fit; says how many. */
  cut(query: StreamQuery, who: { readonly by: Administrator; readonly note: string | undefined }): number;
}
