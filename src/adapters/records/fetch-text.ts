/** One GET of a source: https (or this machine), bounded in time and size, no redirect followed, nothing decompressed. Errors hold no URL. */

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export type Validators = { readonly etag: string | undefined; readonly lastModified: string | undefined };

export type Fetched =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'new'; readonly bytes: Uint8Array; readonly validators: Validators };

export type FetchOptions = {
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  /** PEM; undefined = the authorities of the system. */
  readonly ca: string | undefined;
  readonly validators: Validators | undefined;
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly signal: AbortSignal;
};

/** What went wrong, in words that may be logged. */
export class SourceError extends Error {}

/** @throws SourceError */
export function fetchText(options: FetchOptions): Promise<Fetched> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  return new Promise((resolve, reject) => {
    const failed = (): void => {
      reject(new SourceError(signal.aborted ? 'did not answer in time' : 'could not be reached, or broke off'));
    };
    const isTls = options.url.startsWith('https:');
    const common = { method: 'GET', headers: headersOf(options), signal, agent: false } as const;
    const asked = isTls
      ? httpsRequest(options.url, { ...common, ...(options.ca === undefined ? {} : { ca: options.ca }) })
      : httpRequest(options.url, common);
    asked.on('error', failed);
    asked.on('response', (response) => {
      readAnswer(response, options).then(resolve, (error: unknown) => {
        asked.destroy();
        if (error instanceof SourceError) reject(error);
        else failed();
      });
    });
    asked.end();
  });
}

const headersOf = ({ headers, validators }: FetchOptions): Record<string, string> => ({
  ...headers,
  'accept-encoding': 'identity',
  ...(validators?.etag === undefined ? {} : { 'if-none-match': validators.etag }),
  ...(validators?.lastModified === undefined ? {} : { 'if-modified-since': validators.lastModified }),
});

async function readAnswer(response: IncomingMessage, { validators, bytesMax }: FetchOptions): Promise<Fetched> {
  const { statusCode: status = 0, headers } = response;
  const isConditional = validators?.etag !== undefined || validators?.lastModified !== undefined;
  if (status === 304 && isConditional) {
    response.resume();
    return { kind: 'unchanged' };
  }
  if (status !== 200) throw new SourceError(`answered ${status}`);
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    throw new SourceError('sent a compressed answer that was not asked for');
  if (/^\s*text\/html/i.test(headers['content-type'] ?? '')) throw new SourceError('answered with a page of HTML');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new SourceError(`is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new SourceError('broke off');
  const { etag, 'last-modified': lastModified } = headers;
  return { kind: 'new', bytes: Buffer.concat(chunks), validators: { etag, lastModified } };
}
