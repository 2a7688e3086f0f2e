/** HTTP/1.1 over plain sockets: the bytes that a test writes are the bytes that are sent, malformed ones included. */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import type { Certificate } from './certificates.ts';

export type Target = {
  readonly port: number;
  /** Undefined = plain http. `ca` is PEM. */
  readonly tls?: { readonly ca: string; readonly servername: string; readonly certificate?: Certificate };
};

export type RawResponse = {
  readonly status: number;
  /** As received, in order; names lower-case, values read byte by byte (latin1). */
  readonly headerLines: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  header(name: string): string | undefined;
  headerAll(name: string): readonly string[];
};

const TIMEOUT_MS = 15_000;

const open = ({ port, tls }: Target): Socket =>
  tls === undefined
    ? connect({ port, host: '127.0.0.1' })
    : connectTls({
        port,
        host: '127.0.0.1',
        ca: tls.ca,
        servername: tls.servername,
        ...(tls.certificate === undefined ? {} : { cert: tls.certificate.cert, key: tls.certificate.key }),
      });

/** The content of a chunked body that starts at `from`, and where it ends; undefined while there is more to come. */
export function dechunk(bytes: Buffer, from: number): { readonly body: Buffer; readonly end: number } | undefined {
  const parts: Buffer[] = [];
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error('bad chunk size');
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return { body: Buffer.concat(parts), end: next };
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}

/** One whole response, undefined while there is more to come. `isClosed`: the server has ended the connection. */
function parseResponse(bytes: Buffer, isClosed: boolean, isHead: boolean): RawResponse | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
  if (status >= 100 && status < 200 && status !== 101)
    return parseResponse(bytes.subarray(headEnd + 4), isClosed, isHead);

  const headerLines = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const headerAll = (name: string): readonly string[] =>
    headerLines.filter(([key]) => key === name).map(([, value]) => value);
  const header = (name: string): string | undefined => headerAll(name)[0];

  const rest = bytes.subarray(headEnd + 4);
  const length = header('content-length');
  let body: Buffer | undefined;
  if (isHead || status === 204 || status === 304) body = Buffer.alloc(0);
  else if (header('transfer-encoding') === 'chunked') body = dechunk(rest, 0)?.body;
  else if (length !== undefined) body = rest.length >= Number(length) ? rest.subarray(0, Number(length)) : undefined;
  else if (isClosed) body = rest;
  return body === undefined ? undefined : { status, headerLines, body: body.toString('utf8'), header, headerAll };
}

/**
 * Sends bytes on a new connection and reads one response. Text is written as latin1, so `\xff` is one byte.
 * @throws Error when the connection ends without a response; a test that expects that says so by `rejects`.
 */
export const sendRaw = (target: Target, bytes: string | Buffer): Promise<RawResponse> =>
  new Promise((resolve, reject) => {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    const isHead = data.toString('latin1', 0, 5) === 'HEAD ';
    const socket = open(target);
    let received = Buffer.alloc(0);
    const settle = (isClosed: boolean): void => {
      try {
        const response = parseResponse(received, isClosed, isHead);
        if (response !== undefined) resolve(response);
        else if (isClosed) reject(new Error(`closed without a response (${received.length} bytes received)`));
        else return;
      } catch (error) {
        reject(error instanceof Error ? error : new Error('unreadable response'));
      }
      socket.destroy();
    };
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no response within ${TIMEOUT_MS / 1000} s`)));
    socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => socket.write(data));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      settle(false);
    });
    socket.once('error', reject);
    socket.once('close', () => settle(true));
  });

export type RawRequest = {
  readonly method?: string;
  /** As sent; default `/`. */
  readonly path?: string;
  /** Undefined = no Host line. */
  readonly host: string | undefined;
  /** Whole lines without the line end, in order: `Name: value`. */
  readonly lines?: readonly string[];
  readonly body?: string;
};

/** A request in its usual form. What the test adds in `lines` goes out as it is written. */
export const rawRequest = ({ method = 'GET', path = '/', host, lines = [], body }: RawRequest): string =>
  [
    `${method} ${path} HTTP/1.1`,
    ...(host === undefined ? [] : [`Host: ${host}`]),
    ...lines,
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`]),
    'Connection: close',
    '',
    body ?? '',
  ].join('\r\n');

/** GET of a path from a server that we run ourselves. */
export const fetchText = (target: Target, path: string): Promise<RawResponse> =>
  sendRaw(target, rawRequest({ path, host: '127.0.0.1' }));
