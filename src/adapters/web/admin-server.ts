/** The admin API on a unix socket that only its owner can open, which is all the authentication there is. */

import { createServer } from 'node:http';

import type { Administrator } from '../../core/audit/change-record.ts';
import { ok } from '../../core/result.ts';
import { createAdminApi, type AdminApiOptions } from './admin-api.ts';
import { adminHttpOptions, closeAdminServer, serveAdminApi } from './admin-http.ts';
import { listenPrivately } from './admin-socket.ts';

const CONNECTIONS_MAX = 32;

export type AdminServerOptions = AdminApiOptions & { readonly socketPath: string };

export interface AdminServer {
  close(): Promise<void>;
}

/** As the socket is open to nobody else (admin-socket.ts). */
const socketOwner = (): Administrator => ({ via: 'socket', uid: process.getuid?.() });

/** @throws Error with a sentence when the socket cannot be made, or another process listens on it. */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const server = createServer(adminHttpOptions);
  const admit = () => Promise.resolve(ok(socketOwner()));
  serveAdminApi(server, { api: createAdminApi(options), admit, logger: options.logger });
  server.maxConnections = CONNECTIONS_MAX;
  await listenPrivately(server, options.socketPath);
  return { close: () => closeAdminServer(server) };
}
