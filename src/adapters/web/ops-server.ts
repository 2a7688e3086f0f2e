/**
 * The listener for operators: /metrics, /livez, /readyz. It shares nothing with the Check listener and answers nothing else. It tells states and
 * numbers only; no name of a user, no address of a client.
 */

import type { ListenAddress } from '../../core/listen-address.ts';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { removeStaleSocket } from './admin-socket.ts';

/** One thing that readiness speaks of. Only what is `required` makes Doorward not ready; the rest is told by `?verbose`. */
export type Component = {
  readonly name: string;
  readonly required: boolean;
  readonly ok: boolean;
  /** In words, for a person; no secret. */
  readonly detail: string;
};

export type OpsServerOptions = {
  readonly expose: () => Promise<{ readonly contentType: string; readonly text: string }>;
  readonly components: () => Promise<readonly Component[]>;
};

export interface OpsServer {
  /** As bound; undefined for a unix socket. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

/** What may be asked takes milliseconds; who keeps a connection busy longer than this loses it. */
const REQUEST_TIMEOUT_MS = 5_000;

/** @throws Error (with `code`, or with a sentence) when it cannot bind. */
export async function startOpsServer(address: ListenAddress, options: OpsServerOptions): Promise<OpsServer> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch(() => {
      end(response, 500, 'internal error\n');
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = REQUEST_TIMEOUT_MS;
  if (address.kind === 'unix') await removeStaleSocket(address.path);
  await listen(server, address);
  const bound = server.address();
  return {
    port: typeof bound === 'object' ? bound?.port : undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

const listen = (server: Server, address: ListenAddress): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    const onListening = (): void => {
      server.off('error', reject);
      resolve();
    };
    if (address.kind === 'unix') server.listen(address.path, onListening);
    else server.listen(address.port, address.host, onListening);
  });

async function answer(request: IncomingMessage, response: ServerResponse, options: OpsServerOptions): Promise<void> {
  const [path = '', query] = (request.url ?? '').split('?', 2);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    end(response, 405, 'method not allowed\n');
  } else if (path === '/livez') {
    end(response, 200, 'ok\n');
  } else if (path === '/readyz') {
    const components = await options.components();
    const isReady = components.every(({ ok, required }) => ok || !required);
    end(
      response,
      isReady ? 200 : 503,
      isVerbose(query) ? verbose(components, isReady) : isReady ? 'ok\n' : 'not ready\n',
    );
  } else if (path === '/metrics') {
    const { contentType, text } = await options.expose();
    end(response, 200, text, contentType);
  } else {
    end(response, 404, 'not found\n');
  }
}

const isVerbose = (query: string | undefined): boolean =>
  query?.split('&').some((part) => /^verbose(?:=|$)/.test(part)) ?? false;

function verbose(components: readonly Component[], isReady: boolean): string {
  const lines = components.map(({ name, ok, required, detail }) => {
    const mark = ok ? '[+]' : '[-]';
    return `${mark} ${name}: ${detail}${ok || required ? '' : ' (does not make Doorward unready)'}\n`;
  });
  return `${lines.join('')}${isReady ? 'ready' : 'not ready'}\n`;
}

function end(response: ServerResponse, status: number, text: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}
