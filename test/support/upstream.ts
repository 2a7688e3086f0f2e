/**
 * The application behind Envoy: it answers every request with what it received, line by line and byte by byte. One listener for
 * HTTP/1.1, one for HTTP/2, which also answers gRPC by sending each message back.
 */

import { createServer as createHttp2Server } from 'node:http2';
import type { Http2Session } from 'node:http2';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { dechunk } from './raw-http.ts';

export type Received = {
  readonly method: string;
  readonly path: string;
  /** As received, in order; values read byte by byte (latin1). HTTP/2 pseudo headers included. */
  readonly headerLines: readonly (readonly [name: string, value: string])[];
  readonly body: string;
};

export type Upstream = {
  readonly port: number;
  readonly http2Port: number;
  /** Everything received so far, in order. */
  received(): readonly Received[];
  stop(): Promise<void>;
};

/** The values of a header, of any case, in order. */
export const linesOf = (received: Received, name: string): readonly string[] =>
  received.headerLines.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);

const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** JSON for programs; a page that says the same for browsers. */
const render = (received: Received): { readonly type: string; readonly body: string } => {
  const json = JSON.stringify({ app: 'upstream', ...received }, undefined, 2);
  return linesOf(received, 'accept').some((value) => value.includes('text/html'))
    ? {
        type: 'text/html; charset=utf-8',
        body: `<!doctype html><title>Application</title><h1>The application received</h1><pre id="received">${escapeHtml(json)}</pre>\n`,
      }
    : { type: 'application/json', body: `${json}\n` };
};

/** Reads one request from the start of `bytes`: undefined while it is not complete. */
function parseRequest(bytes: Buffer): { readonly received: Received; readonly rest: Buffer } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [requestLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const [method = '', path = ''] = requestLine.split(' ');
  const headerLines = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
  });
  const head: Received = { method, path, headerLines, body: '' };
  if (linesOf(head, 'transfer-encoding').includes('chunked')) {
    const chunked = dechunk(bytes, headEnd + 4);
    if (chunked === undefined) return undefined;
    return { received: { ...head, body: chunked.body.toString('utf8') }, rest: bytes.subarray(chunked.end) };
  }
  const end = headEnd + 4 + Number(linesOf(head, 'content-length')[0] ?? '0');
  if (bytes.length < end) return undefined;
  return { received: { ...head, body: bytes.toString('utf8', headEnd + 4, end) }, rest: bytes.subarray(end) };
}

function serveHttp1(record: (received: Received) => void): { readonly server: Server; readonly sockets: Set<Socket> } {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let pending = Buffer.alloc(0);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (let request = parseRequest(pending); request !== undefined; request = parseRequest(pending)) {
        pending = Buffer.from(request.rest);
        record(request.received);
        const { type, body } = render(request.received);
        const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
        socket.write(request.received.method === 'HEAD' ? head : head + body);
      }
    });
  });
  return { server, sockets };
}

function serveHttp2(record: (received: Received) => void) {
  const sessions = new Set<Http2Session>();
  const server = createHttp2Server((request, response) => {
    const parts: Buffer[] = [];
    request.on('error', () => request.destroy());
    request.on('data', (chunk: Buffer) => parts.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const { rawHeaders } = request;
      const headerLines = rawHeaders.flatMap((name, index): (readonly [string, string])[] =>
        index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : [],
      );
      const received: Received = {
        method: request.method,
        path: request.url,
        headerLines,
        body: body.toString('utf8'),
      };
      record(received);
      if (request.headers['content-type']?.startsWith('application/grpc') === true) {
        response.writeHead(200, { 'content-type': 'application/grpc' });
        response.addTrailers({ 'grpc-status': '0' });
        response.end(body);
        return;
      }
      const { type, body: text } = render(received);
      response.writeHead(200, { 'content-type': type });
      response.end(text);
    });
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  return { server, sessions };
}

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

export async function startUpstream(ports: { readonly port?: number } = {}): Promise<Upstream> {
  const all: Received[] = [];
  const record = (received: Received): void => {
    all.push(received);
  };
  const http1 = serveHttp1(record);
  const http2 = serveHttp2(record);
  const port = await listen(http1.server, ports.port ?? 0);
  const http2Port = await listen(http2.server, 0);
  return {
    port,
    http2Port,
    received: () => all,
    stop: async () => {
      for (const socket of http1.sockets) socket.destroy();
      for (const session of http2.sessions) session.destroy();
      await Promise.all([
        new Promise((resolve) => http1.server.close(resolve)),
        new Promise((resolve) => http2.server.close(resolve)),
      ]);
    },
  };
}
