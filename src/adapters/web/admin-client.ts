/** Asks the admin listener of a running Doorward over its unix socket. */

import { request } from 'node:http';

export type AdminReply = { readonly status: number; readonly body: unknown };

/** @throws Error with a sentence when nobody answers on the socket. */
export type AskAdmin = (
  method: 'GET' | 'POST',
  path: string,
  body?: Readonly<Record<string, string>>,
) => Promise<AdminReply>;

const TIMEOUT_MS = 10_000;

export const createAdminClient =
  (socketPath: string): AskAdmin =>
  (method, path, body) =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const headers =
        body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      const call = request({ socketPath, method, path, headers, timeout: TIMEOUT_MS }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          try {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) });
          } catch {
            reject(new Error(`what answers on ${socketPath} is not Doorward`));
          }
        });
      });
      call.on('timeout', () => call.destroy(new Error('timeout')));
      call.on('error', (error: NodeJS.ErrnoException) => {
        reject(
          new Error(
            `no Doorward answers on ${socketPath} (${error.code ?? error.message}); is it running, and may you open the socket?`,
          ),
        );
      });
      call.end(text);
    });
