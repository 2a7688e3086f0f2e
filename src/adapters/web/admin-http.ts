/** The admin API over HTTP/1.1, whatever it listens on: bounds, bodies and answers. Who may ask is for `admit` to say, before anything is read. */

import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';

import type { Administrator } from '../../core/audit/change-record.ts';
import type { Logger } from '../../core/ports.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { adminFault, type AdminAnswer, type AdminApi } from './admin-api.ts';

const BODY_BYTES_MAX = 8 * 1024;
/** A request is a few lines; who takes longer is no administrator. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How often those are looked for. */
const TIMEOUTS_CHECKED_EACH_MS = 1_000;
/** A connection on which nothing happens; longer than any answer takes. */
const SILENCE_TIMEOUT_MS = 20_000;

/** Who asks, or what to answer to somebody who may not. */
export type Admit = (request: IncomingMessage) => Promise<Result<Administrator, AdminAnswer>>;

export const adminHttpOptions: ServerOptions = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: TIMEOUTS_CHECKED_EACH_MS,
};

export function serveAdminApi(
  server: Server,
  parts: { readonly api: AdminApi; readonly admit: Admit; readonly logger: Logger },
): void {
  const { api, admit, logger } = parts;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    admit(request)
      .then((by) => (by.ok ? api(requestOf(request, by.value)) : by.error))
      .catch((error: unknown) => {
        logger.error({ error }, 'a fault in an admin listener');
        return adminFault(500, 'internal error');
      })
      .then((answer) => send(response, answer))
      .catch(() => response.destroy());
  });
  server.setTimeout(SILENCE_TIMEOUT_MS);
  // Who asks is settled with the connection, so each question has one of its own.
  server.maxRequestsPerSocket = 1;
}

export const closeAdminServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

const requestOf = (request: IncomingMessage, by: Administrator): Parameters<AdminApi>[0] => ({
  method: request.method ?? '',
  target: request.url ?? '',
  by,
  body: () => readBody(request),
});

/** SECURITY: a page of another site cannot send this content type without asking first, and nobody answers that question. */
async function readBody(request: IncomingMessage): Promise<Result<unknown, AdminAnswer>> {
  if (!/^application\/json(?:; *charset=utf-8)?$/i.test(request.headers['content-type'] ?? ''))
    return err(adminFault(415, 'the body must be application/json'));
  const bytes = await bytesOf(request);
  if (bytes === undefined) return err(adminFault(413, `the body may have ${BODY_BYTES_MAX} bytes`));
  return ok(parseJson(bytes));
}

/** undefined for a body that is too long; the rest of it is not read. */
const bytesOf = (request: IncomingMessage): Promise<Buffer | undefined> =>
  new Promise((resolve) => {
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
    // Broken off: there is nobody to answer any more, and nothing to carry out.
    request.on('error', () => resolve(Buffer.alloc(0)));
  });

/** undefined for what is not JSON in UTF-8. */
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body, allow }: AdminAnswer): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
    ...(allow === undefined ? {} : { allow }),
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  });
  response.end(text);
}
