/**
 * An application whose answers do not end by themselves: a WebSocket that ticks, server-sent events, a chunked download, and one with a length.
 * It tells when each of them was closed.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { WebSocketServer } from 'ws';

/** Between two ticks of any stream. */
export const TICK_MS = 10;
const SIZED_BYTES = 200_000_000;

export type OpenStream = {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  closedAtMs: number | undefined;
};

export type StreamingUpstream = {
  readonly port: number;
  /** All that were opened, in order. `closedAtMs`: by `performance.now()`. */
  streams(): readonly OpenStream[];
  stop(): Promise<void>;
};

/** `/quiet` paths of every kind send nothing after their beginning. */
export async function startStreamingUpstream(): Promise<StreamingUpstream> {
  const streams: OpenStream[] = [];
  const opened = (path: string, headers: OpenStream['headers']): OpenStream => {
    const stream: OpenStream = { path, headers, closedAtMs: undefined };
    streams.push(stream);
    return stream;
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const stream = opened(path, request.headers);
    response.on('close', () => {
      stream.closedAtMs = performance.now();
    });
    if (path.startsWith('/short')) {
      response.end('short');
      return;
    }
    response.writeHead(200, {
      'content-type': path.startsWith('/sse') ? 'text/event-stream' : 'application/octet-stream',
      ...(path.startsWith('/sized') ? { 'content-length': SIZED_BYTES } : {}),
    });
    response.write('data: hello\n\n');
    if (path.includes('quiet')) return;
    const ticking = setInterval(() => response.write('data: tick\n\n'), TICK_MS);
    response.on('close', () => {
      clearInterval(ticking);
    });
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    const path = request.url ?? '';
    const stream = opened(path, request.headers);
    socket.on('error', () => undefined);
    socket.send('hello');
    const ticking = path.includes('quiet') ? undefined : setInterval(() => socket.send('tick'), TICK_MS);
    socket.on('close', () => {
      stream.closedAtMs = performance.now();
      clearInterval(ticking);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    streams: () => streams,
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
