/**
 * The admin listener: JSON over HTTP on a unix socket that only its owner can open, which is all the authentication there is. It lists and
 * ends sessions. No token, no session id and no value of a claim is in an answer; each change is a record of the
 * audit.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { changeRecordOf, type Administrator, type ChangeRecord } from '../../core/audit/change-record.ts';
import {
  isDependencyError,
  type AuditSink,
  type Clock,
  type Logger,
  type NotConfirmed,
  type Revocation,
  type RevocationTarget,
  type SessionStore,
} from '../../core/ports.ts';
import { summaryOf } from '../../core/session/summary.ts';
import { idpName, sessionHandle } from '../../core/units.ts';
import { listenPrivately } from './admin-socket.ts';

export type AdminServerOptions = {
  readonly socketPath: string;
  readonly sessions: SessionStore;
  /** Names of the identity providers that are configured now. */
  readonly idps: () => readonly string[];
  /** Gets one record per change that was asked of the store. */
  readonly audit: AuditSink<ChangeRecord>;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
};

export interface AdminServer {
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 8 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 32;
const LIST_MAX = 1_000;
const LIST_DEFAULT = 100;
/** base64url of SHA-256. */
const HANDLE = /^[A-Za-z0-9_-]{43}$/;
const TEXT_MAX = 1_024;
/** As the socket is open to nobody else (admin-socket.ts). */
const socketOwner = (): Administrator => ({ via: 'socket', uid: process.getuid?.() });

type Answer = { readonly status: number; readonly body: unknown; readonly allow?: 'GET' | 'POST' };

const fault = (status: number, error: string): Answer => ({ status, body: { error } });
const found = (body: unknown): Answer => ({ status: 200, body });

/** @throws Error with a sentence when the socket cannot be made, or another process listens on it. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const server = createServer((request, response) => {
    answer(request, options)
      .catch((error: unknown) => failed(error, options.logger))
      .then((result) => send(request, response, result))
      .catch(() => response.destroy());
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.maxConnections = CONNECTIONS_MAX;
  await listenPrivately(server, options.socketPath);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function failed(error: unknown, logger: Logger): Answer {
  if (isDependencyError(error)) {
    logger.warn(
      { code: error.code, reason: error.message },
      'a request of the admin listener failed at the session store',
    );
    return error.code === 'store-corrupt'
      ? fault(503, 'what the session store holds cannot be read')
      : fault(503, 'the session store cannot be reached now');
  }
  logger.error({ error }, 'a fault in the admin listener');
  return fault(500, 'internal error');
}

async function answer(request: IncomingMessage, options: AdminServerOptions): Promise<Answer> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const endpoint = endpointOf(path.split('/').slice(1));
  if (endpoint === undefined) return fault(404, 'not found');
  if (request.method !== endpoint.method)
    return { ...fault(405, `only ${endpoint.method} here`), allow: endpoint.method };
  return endpoint.answer(request, new URLSearchParams(query), options);
}

type Endpoint = {
  readonly method: 'GET' | 'POST';
  readonly answer: (request: IncomingMessage, query: URLSearchParams, options: AdminServerOptions) => Promise<Answer>;
};

function endpointOf(segments: readonly string[]): Endpoint | undefined {
  const [version, kind, name, action, ...rest] = segments;
  if (version !== 'v1' || rest.length > 0) return undefined;
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

async function list(query: URLSearchParams, sessions: SessionStore): Promise<Answer> {
  const limitText = query.get('limit') ?? String(LIST_DEFAULT);
  const limit = /^[1-9][0-9]{0,3}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > LIST_MAX) return fault(400, `limit is a number from 1 to ${LIST_MAX}`);
  const user = query.get('user');
  return found({ sessions: await sessions.list({ limit, ...(user === null ? {} : { user }) }) });
}

async function show(name: string, sessions: SessionStore): Promise<Answer> {
  if (!HANDLE.test(name)) return fault(400, 'not a session handle');
  const session = await sessions.get(sessionHandle(name));
  if (session === undefined) return fault(404, 'there is no such session');
  return found({ ...summaryOf(session), authTime: session.authTime, claims: [...session.claims.keys()].sort() });
}

async function revoke(name: string, request: IncomingMessage, options: AdminServerOptions): Promise<Answer> {
  if (!HANDLE.test(name)) return fault(400, 'not a session handle');
  const body = await readBody(request, ['reason']);
  if (!('fields' in body)) return body;
  return carryOut({ kind: 'session', handle: sessionHandle(name) }, body.fields['reason'], options);
}

type Texts = Readonly<Partial<Record<string, string>>>;

/** What ends more than one session: the members that name it, and what they come to. */
type WideChange = {
  readonly names: readonly string[];
  readonly targetOf: (fields: Texts, options: AdminServerOptions) => RevocationTarget | Answer;
};

const wideChanges: ReadonlyMap<string, WideChange> = new Map([
  [
    'users',
    {
      names: ['issuer', 'subject'],
      targetOf: ({ issuer, subject }: Texts) =>
        issuer === undefined || subject === undefined
          ? fault(400, 'issuer and subject are needed')
          : { kind: 'user', issuer, subject },
    },
  ],
  [
    'idps',
    {
      names: ['idp'],
      targetOf: ({ idp }: Texts, { idps }: AdminServerOptions) => {
        if (idp === undefined) return fault(400, 'idp is needed');
        // A name that is mistyped would end nothing, and be told as done.
        if (!idps().includes(idp)) return fault(404, 'no identity provider of that name is configured');
        return { kind: 'idp', idp: idpName(idp) };
      },
    },
  ],
  ['all', { names: [], targetOf: () => ({ kind: 'all' }) }],
]);

async function revokeWidely(
  { names, targetOf }: WideChange,
  request: IncomingMessage,
  options: AdminServerOptions,
): Promise<Answer> {
  const body = await readBody(request, [...names, 'reason']);
  if (!('fields' in body)) return body;
  const target = targetOf(body.fields, options);
  return 'kind' in target ? carryOut(target, body.fields['reason'], options) : target;
}

async function carryOut(
  target: RevocationTarget,
  reason: string | undefined,
  { sessions, audit, clock, logger }: AdminServerOptions,
): Promise<Answer> {
  if (audit.isFull()) return fault(503, 'the audit takes no further record, so nothing was changed');
  const about = { target, by: socketOwner(), reason };
  let revocation: Revocation | undefined;
  try {
    revocation = await sessions.revoke(target, 'admin');
  } finally {
    // Whatever came of it.
    audit.write(changeRecordOf({ ...about, revocation, now: clock.now() }));
  }
  return revoked(revocation, about, logger);
}

const NOT_CONFIRMED: Readonly<Record<NotConfirmed, string>> = {
  unreachable: 'the session store did not answer, so it is not known whether it is revoked: ask again',
  'not-on-all-nodes':
    'it is revoked, but not yet on all nodes of the session store, and a failover could undo it: ask again',
  'history-changed': 'the session store changed over meanwhile, so it is not known whether it is revoked: ask again',
};

/** SECURITY: what is not confirmed is never told as done. */
function revoked(revocation: Revocation, about: Readonly<Record<string, unknown>>, logger: Logger): Answer {
  const { sessions, tookMs } = revocation;
  if (revocation.kind === 'not-confirmed') {
    logger.warn({ ...about, tookMs, not_confirmed: revocation.why }, 'a revocation is not confirmed');
    return fault(503, NOT_CONFIRMED[revocation.why]);
  }
  const { acknowledged, members } = revocation;
  logger.info({ ...about, sessions, acknowledged, members, tookMs }, 'sessions were revoked');
  return found({ sessions, acknowledged, members, tookMs });
}

type Fields = { readonly fields: Texts };

/** The named members, all texts, of a JSON object; what to answer where it is none. */
async function readBody(request: IncomingMessage, names: readonly string[]): Promise<Fields | Answer> {
  if (!/^application\/json(?:; *charset=utf-8)?$/i.test(request.headers['content-type'] ?? '')) {
    return fault(415, 'the body must be application/json');
  }
  const bytes = await bytesOf(request);
  if (bytes === undefined) return fault(413, `the body may have ${BODY_BYTES_MAX} bytes`);
  const value = parseJson(bytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fault(400, 'the body must be a JSON object');
  const entries = Object.entries(value);
  const isForm = entries.every(
    ([name, text]) => names.includes(name) && typeof text === 'string' && text !== '' && text.length <= TEXT_MAX,
  );
  if (!isForm) return fault(400, `the body may have ${names.join(', ')}, each a text of up to ${TEXT_MAX} characters`);
  return { fields: Object.fromEntries(entries) };
}

/** undefined for a body that is too long; the rest of it is not read. */
const bytesOf = (request: IncomingMessage): Promise<Buffer | undefined> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= BODY_BYTES_MAX) chunks.push(chunk);
      else {
        request.pause();
        resolve(undefined);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });

/** undefined for what is not JSON in UTF-8. */
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, allow }: Answer): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(allow === undefined ? {} : { allow }),
    // A body that was not read to its end cannot be followed by another request.
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(text);
}
