/** Asks the admin listener of a running Doorward over its unix socket. */

import { request, type IncomingMessage } from 'node:http';

export type AdminReply = { readonly status: number; readonly body: unknown };

/** @throws Error with a sentence when nobody answers on the socket, or not as Doorward does. */
export type AskAdmin = (
  method: 'GET' | 'POST',
  path: string,
  body?: Readonly<Record<string, string>>,
) => Promise<AdminReply>;

const TIMEOUT_MS = 10_000;
/** A thousand sessions are about half a MiB. */
const REPLY_BYTES_MAX = 8 * 1024 * 1024;

export const createAdminClient =
  (socketPath: string, timeoutMs = TIMEOUT_MS): AskAdmin =>
  (method, path, body) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers =
        body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      const signal = AbortSignal.timeout(timeoutMs);
      const call = request({ socketPath, method, path, headers, signal, agent: false }, (response) => {
        readJson(response).then(
          (value) => resolve({ status: response.statusCode ?? 0, body: value }),
          () => reject(new Error(`what answers on ${socketPath} is not Doorward, or broke off`)),
        );
      });
      call.on('error', (error: NodeJS.ErrnoException) => {
        reject(new Error(`no Doorward answers on ${socketPath}: ${explained(error.code)}`));
      });
      call.end(text);
    });

function explained(code: string | undefined): string {
  if (code === 'ENOENT') return 'there is no such socket; is it running, and with this admin_socket?';
  if (code === 'ECONNREFUSED') return 'nobody listens; is it running?';
  if (code === 'EACCES') return 'you may not open the socket; only its owner may';
  if (code === 'ABORT_ERR') return 'it took too long';
  return code ?? 'the connection failed';
}

/** @throws for what is no JSON, too long or cut off */
async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > REPLY_BYTES_MAX) throw new Error('too long');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
