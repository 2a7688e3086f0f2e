/**
 * The admin listener: JSON over HTTP on a unix socket that only its owner can open (0600), which is all the authentication there is. It lists and
 * ends sessions. No token, no session id and no claim is in an answer.
 */

import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';

import { isDependencyError, type Logger, type SessionStore } from '../../core/ports.ts';
import { sessionHandle } from '../../core/units.ts';

export type AdminServerOptions = {
  readonly socketPath: string;
  readonly sessions: SessionStore;
  readonly logger: Logger;
};

export interface AdminServer {
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 8 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const LIST_MAX = 1_000;
const LIST_DEFAULT = 100;
/** base64url of SHA-256. */
const HANDLE = /^[A-Za-z0-9_-]{43}$/;
const TEXT_MAX = 1_024;

type Answer = { readonly status: number; readonly body: unknown };

const answerOf = (status: number, body: unknown): Answer => ({ status, body });
const fault = (status: number, error: string): Answer => answerOf(status, { error });

/** @throws Error with a sentence when the socket cannot be made, or another process listens on it. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { socketPath, logger } = options;
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
  await removeStaleSocket(socketPath);
  const server = createServer((request, response) => {
    answer(request, options)
      .catch((error: unknown) => {
        if (isDependencyError(error)) return fault(503, 'the session store cannot be reached now');
        logger.error({ error }, 'a fault in the admin listener');
        return fault(500, 'internal error');
      })
      .then(
        (result) => {
          send(response, result);
        },
        () => response.destroy(),
      );
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  await listen(server, socketPath);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** The mask holds while the socket is made, so that there is no moment in which others could open it. */
async function listen(server: Server, path: string): Promise<void> {
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        reject(new Error(`the admin listener cannot bind ${path} (${error.code ?? error.name})`));
      });
      server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
  } finally {
    process.umask(mask);
  }
}

/** A socket that nobody listens on is what a killed process left. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there and is no socket`);
  const isInUse = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => {
      resolve(false);
    });
  });
  if (isInUse) throw new Error(`another process listens on ${path}`);
  unlinkSync(path);
}

async function answer(request: IncomingMessage, { sessions, logger }: AdminServerOptions): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://admin');
  const [version, kind, name, action, ...rest] = url.pathname.split('/').slice(1);
  if (version !== 'v1' || rest.length > 0) return fault(404, 'not found');
  const route = `${request.method ?? ''} ${kind ?? ''}${name === undefined ? '' : '/*'}${action === undefined ? '' : `/${action}`}`;
  switch (route) {
    case 'GET sessions':
      return list(url.searchParams, sessions);
    case 'GET sessions/*':
      return show(name ?? '', sessions);
    case 'POST sessions/*/revoke': {
      const why = await readBody(request, ['why']);
      if (typeof why === 'string') return fault(400, why);
      if (!HANDLE.test(name ?? '')) return fault(400, 'not a session handle');
      const revoked = await sessions.revoke(sessionHandle(name ?? ''), 'admin');
      logger.info({ session: name, by: 'local socket', why: why['why'], ...revoked }, 'a session was revoked');
      return answerOf(200, revoked);
    }
    case 'POST users/*': {
      if (name !== 'revoke') return fault(404, 'not found');
      const user = await readBody(request, ['issuer', 'subject', 'why']);
      if (typeof user === 'string') return fault(400, user);
      const { issuer, subject, why } = user;
      if (issuer === undefined || subject === undefined) return fault(400, 'issuer and subject are needed');
      const revoked = await sessions.revokeUser({ issuer, subject }, 'admin');
      logger.info({ issuer, subject, by: 'local socket', why, ...revoked }, 'all sessions of a user were revoked');
      return answerOf(200, revoked);
    }
    default:
      return fault(404, 'not found');
  }
}

async function list(query: URLSearchParams, sessions: SessionStore): Promise<Answer> {
  const limitText = query.get('limit') ?? String(LIST_DEFAULT);
  const limit = /^[1-9][0-9]{0,3}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > LIST_MAX) return fault(400, `limit is a number from 1 to ${LIST_MAX}`);
  const user = query.get('user');
  return answerOf(200, { sessions: await sessions.list({ limit, ...(user === null ? {} : { user }) }) });
}

async function show(name: string, sessions: SessionStore): Promise<Answer> {
  if (!HANDLE.test(name)) return fault(400, 'not a session handle');
  const session = await sessions.get(sessionHandle(name));
  if (session === undefined) return fault(404, 'there is no such session');
  const { handle, idp, issuer, subject, email, createdAt, expiresAt, lastSeenAt, authTime } = session;
  const summary = { handle, idp, issuer, subject, email, name: session.name, createdAt, expiresAt, lastSeenAt };
  return answerOf(200, { ...summary, authTime, claims: [...session.claims.keys()].sort() });
}

/** The named members, all texts, of a JSON object; a sentence where it is none. */
async function readBody(
  request: IncomingMessage,
  names: readonly string[],
): Promise<Readonly<Record<string, string | undefined>> | string> {
  if (!/^application\/json(?:;|$)/.test(request.headers['content-type'] ?? ''))
    return 'the body must be application/json';
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return 'the body is too large';
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return 'the body is not JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'the body must be an object';
  const entries = Object.entries(value as Record<string, unknown>);
  const unknown = entries.find(
    ([name, text]) => !names.includes(name) || typeof text !== 'string' || text.length > TEXT_MAX,
  );
  if (unknown !== undefined) return `the body may have ${names.join(', ')}, each a text`;
  return Object.fromEntries(entries) as Record<string, string>;
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
