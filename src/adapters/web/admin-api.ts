/**
 * The admin API, whatever it is asked over: lists and ends sessions. No token, no session id and no value of a claim is in an answer; each change
 * is a record of the audit.
 */

import { setTimeout as sleep } from 'node:timers/promises';

import { changeRecordOf, type Administrator, type ChangeRecord } from '../../core/audit/change-record.ts';
import {
  isDependencyError,
  type ChangeAudit,
  type Clock,
  type Entropy,
  type Logger,
  type NotConfirmed,
  type Revocation,
  type RevocationTarget,
  type SessionStore,
} from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { summaryOf } from '../../core/session/summary.ts';
import type { HeldStreams } from '../../core/streams/held-stream.ts';
import { idpName, sessionHandle } from '../../core/units.ts';

export type AdminApiOptions = {
  readonly sessions: Pick<SessionStore, 'list' | 'get' | 'revoke'>;
  /** Names of the identity providers that are configured now. */
  readonly idps: () => readonly string[];
  /** Held by this process; undefined = there is no process that holds any. */
  readonly streams?: HeldStreams;
  /** Gets two records per change that is asked of the store: one before, one after. */
  readonly audit: ChangeAudit<ChangeRecord>;
  readonly entropy: Entropy;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
};

export type AdminRequest = {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Who asks; whoever calls has made sure of it. */
  readonly by: Administrator;
  /** The JSON value of the body, or what to answer where there is none. Asked for only where a body is needed. */
  readonly body: () => Promise<Result<unknown, AdminAnswer>>;
};

export type AdminAnswer = {
  readonly status: number;
  /** For JSON; `{ error }` with any status but 200. */
  readonly body: unknown;
  /** The method that there is, with 405. */
  readonly allow?: 'GET' | 'POST';
};

/** Never rejects. */
export type AdminApi = (request: AdminRequest) => Promise<AdminAnswer>;

const LIST_MAX = 1_000;
const LIST_DEFAULT = 100;
/** base64url of SHA-256. */
const HANDLE = /^[A-Za-z0-9_-]{43}$/;
const TEXT_MAX = 1_024;

export const adminFault = (status: number, error: string): AdminAnswer => ({ status, body: { error } });
const found = (body: unknown): AdminAnswer => ({ status: 200, body });

export const createAdminApi =
  (options: AdminApiOptions): AdminApi =>
  (request) =>
    answer(request, options).catch((error: unknown) => failed(error, options.logger));

function failed(error: unknown, logger: Logger): AdminAnswer {
  if (isDependencyError(error)) {
    logger.warn(
      { code: error.code, reason: error.message },
      'a request of an administrator failed at the session store',
    );
    return error.code === 'store-corrupt'
      ? adminFault(503, 'what the session store holds cannot be read')
      : adminFault(503, 'the session store cannot be reached now');
  }
  logger.error({ error }, 'a fault in the admin API');
  return adminFault(500, 'internal error');
}

async function answer(request: AdminRequest, options: AdminApiOptions): Promise<AdminAnswer> {
  const [path = '', query = ''] = request.target.split('?', 2);
  const endpoint = endpointOf(path.split('/').slice(1));
  if (endpoint === undefined) return adminFault(404, 'not found');
  if (request.method !== endpoint.method)
    return { ...adminFault(405, `only ${endpoint.method} here`), allow: endpoint.method };
  return endpoint.answer(request, new URLSearchParams(query), options);
}

type Endpoint = {
  readonly method: 'GET' | 'POST';
  readonly answer: (request: AdminRequest, query: URLSearchParams, options: AdminApiOptions) => Promise<AdminAnswer>;
};

function endpointOf(segments: readonly string[]): Endpoint | undefined {
  const [version, kind, name, action, ...rest] = segments;
  if (version !== 'v1' || rest.length > 0) return undefined;
  if (kind === 'streams' && action === undefined) {
    if (name === undefined) return { method: 'GET', answer: (_, query, options) => listStreams(query, options) };
    if (name === 'cut') return { method: 'POST', answer: (request, _, options) => cutStreams(request, options) };
    return undefined;
  }
  if (kind !== 'sessions') {
    const change = kind === undefined ? undefined : wideChanges.get(kind);
    if (change === undefined || name !== 'revoke' || action !== undefined) return undefined;
    return { method: 'POST', answer: (request, _, options) => revokeWidely(change, request, options) };
  }
  if (name === undefined) return { method: 'GET', answer: (_, query, { sessions }) => list(query, sessions) };
  if (action === undefined) return { method: 'GET', answer: (_, __, { sessions }) => show(name, sessions) };
  if (action !== 'revoke') return undefined;
  return { method: 'POST', answer: (request, _, options) => revoke(name, request, options) };
}

const noStreams = adminFault(404, 'streams are held by a service: there is none here');
const badLimit = adminFault(400, `limit is a number from 1 to ${LIST_MAX}`);

/** undefined: none that is taken. */
function limitIn(query: URLSearchParams): number | undefined {
  const text = query.get('limit') ?? String(LIST_DEFAULT);
  const limit = /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : 0;
  return limit < 1 || limit > LIST_MAX ? undefined : limit;
}

function listStreams(query: URLSearchParams, { streams }: AdminApiOptions): Promise<AdminAnswer> {
  const limit = limitIn(query);
  if (streams === undefined || limit === undefined)
    return Promise.resolve(streams === undefined ? noStreams : badLimit);
  const asked = Object.fromEntries(
    ['session', 'user'].flatMap((name) => {
      const value = query.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
  return Promise.resolve(found({ streams: streams.list(asked, limit), held: streams.held() }));
}

/** SECURITY: something must name them; nothing is not everything. */
async function cutStreams(request: AdminRequest, { streams, audit }: AdminApiOptions): Promise<AdminAnswer> {
  if (streams === undefined) return noStreams;
  const fields = await readFields(request, ['id', 'session', 'user', 'reason']);
  if (!fields.ok) return fields.error;
  const { reason: note, ...named } = fields.value;
  if (Object.keys(named).length !== 1) return adminFault(400, 'name the streams by one of id, session, user');
  if (audit.isFull()) return adminFault(503, 'the audit cannot take another record: nothing was changed');
  return found({ streams: streams.cut(named, { by: request.by, note }) });
}

async function list(query: URLSearchParams, sessions: AdminApiOptions['sessions']): Promise<AdminAnswer> {
  const limit = limitIn(query);
  if (limit === undefined) return badLimit;
  const user = query.get('user');
  return found({ sessions: await sessions.list({ limit, ...(user === null ? {} : { user }) }) });
}

async function show(name: string, sessions: AdminApiOptions['sessions']): Promise<AdminAnswer> {
  if (!HANDLE.test(name)) return adminFault(400, 'not a session handle');
  const session = await sessions.get(sessionHandle(name));
  if (session === undefined) return adminFault(404, 'there is no such session');
  return found({ ...summaryOf(session), authTime: session.authTime, claims: [...session.claims.keys()].sort() });
}

async function revoke(name: string, request: AdminRequest, options: AdminApiOptions): Promise<AdminAnswer> {
  if (!HANDLE.test(name)) return adminFault(400, 'not a session handle');
  const fields = await readFields(request, ['reason']);
  if (!fields.ok) return fields.error;
  const target = { kind: 'session', handle: sessionHandle(name) } as const;
  return carryOut({ target, by: request.by, reason: fields.value['reason'] }, options);
}

type Texts = Readonly<Partial<Record<string, string>>>;

/** What ends more than one session: the members that name it, and what they come to. */
type WideChange = {
  readonly names: readonly string[];
  readonly targetOf: (fields: Texts, options: AdminApiOptions) => RevocationTarget | AdminAnswer;
};

const wideChanges: ReadonlyMap<string, WideChange> = new Map([
  [
    'users',
    {
      names: ['issuer', 'subject'],
      targetOf: ({ issuer, subject }: Texts) =>
        issuer === undefined || subject === undefined
          ? adminFault(400, 'issuer and subject are needed')
          : { kind: 'user', issuer, subject },
    },
  ],
  [
    'idps',
    {
      names: ['idp'],
      targetOf: ({ idp }: Texts, { idps }: AdminApiOptions) => {
        if (idp === undefined) return adminFault(400, 'idp is needed');
        // A name that is mistyped would end nothing, and be told as done.
        if (!idps().includes(idp)) return adminFault(404, 'no identity provider of that name is configured');
        return { kind: 'idp', idp: idpName(idp) };
      },
    },
  ],
  ['all', { names: [], targetOf: () => ({ kind: 'all' }) }],
]);

async function revokeWidely(
  { names, targetOf }: WideChange,
  request: AdminRequest,
  options: AdminApiOptions,
): Promise<AdminAnswer> {
  const fields = await readFields(request, [...names, 'reason']);
  if (!fields.ok) return fields.error;
  const target = targetOf(fields.value, options);
  return 'kind' in target ? carryOut({ target, by: request.by, reason: fields.value['reason'] }, options) : target;
}

type Change = {
  readonly target: RevocationTarget;
  readonly by: Administrator;
  readonly reason: string | undefined;
};

async function carryOut(change: Change, options: AdminApiOptions): Promise<AdminAnswer> {
  const { sessions, audit, entropy, clock, logger } = options;
  const id = Buffer.from(entropy.bytes(CHANGE_ID_BYTES)).toString('base64url');
  const tell = (revocation: Revocation | 'asked' | 'failed'): void => {
    audit.write(changeRecordOf({ ...change, id, revocation, now: clock.now() }));
  };
  if (audit.isFull() || !(await isWritten(audit, () => tell('asked'))))
    return adminFault(503, 'the audit takes no further record, so nothing was changed');
  let revocation: Revocation | 'failed' = 'failed';
  try {
    revocation = await sessions.revoke(change.target, 'admin');
    return revoked(revocation, change, logger);
  } finally {
    tell(revocation);
  }
}

const CHANGE_ID_BYTES = 16;
/** Longer than a disk that is busy, shorter than an administrator waits. */
const AUDIT_WITHIN_MS = 1_000;

/** SECURITY: what is changed must be in the audit even where this process dies in between; a destination that hangs must not hang the change. */
async function isWritten(audit: ChangeAudit<ChangeRecord>, write: () => void): Promise<boolean> {
  write();
  const written = audit.flush().then(() => !audit.isFull());
  return Promise.race([written, sleep(AUDIT_WITHIN_MS, false, { ref: false })]);
}

const NOT_CONFIRMED: Readonly<Record<NotConfirmed, string>> = {
  unreachable: 'the session store did not answer, so it is not known whether it is revoked: ask again',
  'store-corrupt':
    'what the session store holds is damaged, so it is not known whether it is revoked: mend that (docs/sessions.md), and ask again',
  'not-on-all-nodes':
    'it is revoked, but not yet on all nodes of the session store, and a failover could undo it: ask again',
  'history-changed': 'the session store changed over meanwhile, so it is not known whether it is revoked: ask again',
};

/** SECURITY: what is not confirmed is never told as done. */
function revoked(revocation: Revocation, change: Change, logger: Logger): AdminAnswer {
  const { sessions, tookMs } = revocation;
  if (revocation.kind === 'not-confirmed') {
    logger.warn({ ...change, tookMs, not_confirmed: revocation.why }, 'a revocation is not confirmed');
    return adminFault(503, NOT_CONFIRMED[revocation.why]);
  }
  const { acknowledged, members } = revocation;
  logger.info({ ...change, sessions, acknowledged, members, tookMs }, 'sessions were revoked');
  return found({ sessions, acknowledged, members, tookMs });
}

/** The named members, all texts, of the body; what to answer where it has anything else. */
async function readFields(request: AdminRequest, names: readonly string[]): Promise<Result<Texts, AdminAnswer>> {
  const read = await request.body();
  if (!read.ok) return read;
  const { value } = read;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return err(adminFault(400, 'the body must be a JSON object'));
  const entries = Object.entries(value);
  const isForm = entries.every(
    ([name, text]) => names.includes(name) && typeof text === 'string' && text !== '' && text.length <= TEXT_MAX,
  );
  if (!isForm)
    return err(adminFault(400, `the body may have ${names.join(', ')}, each a text of up to ${TEXT_MAX} characters`));
  return ok(Object.fromEntries(entries));
}
