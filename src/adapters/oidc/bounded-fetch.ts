/**
 * The one way in which identity providers are asked: https (or loopback), no redirect followed, answers bounded in size, and each request
 * within the deadline of the operation that it belongs to.
 */

import { AsyncLocalStorage } from 'node:async_hooks';

import type { CustomFetch } from 'openid-client';

/** Metadata, key sets and tokens are a few KiB; hundreds of groups in a userinfo answer are some ten. */
const RESPONSE_BYTES_MAX = 512 * 1024;

export type BoundedFetch = CustomFetch;

/** The deadline of the operation on whose behalf a request is made. */
const deadline = new AsyncLocalStorage<AbortSignal>();

/** Runs an operation; its requests are aborted when `ms` have passed, however many there are. */
export const runWithin = <T>(ms: number, operation: () => Promise<T>): Promise<T> =>
  deadline.run(AbortSignal.timeout(ms), operation);

/** What the token endpoint answered in an operation; undefined before it has. */
type Capture = { text: string | undefined };
const capture = new AsyncLocalStorage<Capture>();

/** Runs an operation, and keeps what the first request that it posts was answered, if that was a success; also where the operation fails later. */
export function captureAnswer<T>(operation: () => Promise<T>): {
  readonly result: Promise<T>;
  answer(): string | undefined;
} {
  const captured: Capture = { text: undefined };
  return { result: capture.run(captured, operation), answer: () => captured.text };
}

/** Whether a URL of a provider may be used, by Doorward or by a browser: https, or http for names of this machine where that is allowed. */
export function isAllowedUrl(text: string, isHttpAllowed: boolean): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (isHttpAllowed && url.protocol === 'http:' && isLoopbackName(url.hostname));
}

const isLoopbackName = (hostname: string): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127\.[0-9]+\.[0-9]+\.[0-9]+$/.test(hostname);

/** Rejects with an error whose message holds nothing of the request or the answer. */
export const createBoundedFetch =
  (isHttpAllowed: boolean): CustomFetch =>
  async (url, init) => {
    // SECURITY: the URLs come from the provider's metadata.
    if (!isAllowedUrl(url, isHttpAllowed)) throw new Error('the URL of an endpoint is not https');
    const signals = [init.signal, deadline.getStore()].filter((signal) => signal !== undefined);
    const response = await fetch(url, {
      ...init,
      body: init.body ?? null,
      redirect: 'manual',
      signal: AbortSignal.any(signals),
    });
    const body = await readBounded(response);
    const { status, headers } = response;
    const captured = capture.getStore();
    if (captured !== undefined && init.method === 'POST' && status === 200)
      captured.text ??= Buffer.from(body).toString('utf8');
    return new Response(isBodyless(status) ? null : body, { status, headers });
  };

/** `new Response` refuses a body with these (Fetch, "null body status"). */
const isBodyless = (status: number): boolean => status === 204 || status === 205 || status === 304;

/** Counted after decompression, so that a small answer cannot become a large one. */
async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > RESPONSE_BYTES_MAX) throw new Error('an answer of the identity provider is too large');
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
