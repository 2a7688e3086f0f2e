/** The admin API on a TCP port, with TLS or on loopback without; who may ask there is for admin-gate.ts to say. */

import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { SecureContextOptions } from 'node:tls';

import type { ListenAddress } from '../../core/listen-address.ts';
import type { Clock } from '../../core/ports.ts';
import { createAdminApi, type AdminApiOptions } from './admin-api.ts';
import { createAdminGate } from './admin-gate.ts';
import { adminHttpOptions, closeAdminServer, serveAdminApi, type Admit } from './admin-http.ts';
import { boundStrangers } from './strangers.ts';

/** What the certificate files hold; `context` is for TLS, and has the certificate as PEM. */
export type AdminTlsMaterial = { readonly context: SecureContextOptions };

export type AdminTls = {
  readonly material: AdminTlsMaterial;
  /** Tells of what takes its place; returns how to stop. */
  readonly watch: (onChange: (material: AdminTlsMaterial) => void) => () => void;
  /** undefined = no certificate of clients is asked for; empty = all that the authorities vouch for. */
  readonly clientNames: readonly string[] | undefined;
};

export type AdminListenerOptions = AdminApiOptions & {
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>;
  readonly address: Extract<ListenAddress, { readonly kind: 'tcp' }>;
  /** Read at each request; undefined = no token is asked for. */
  readonly tokenFile: string | undefined;
  /** undefined = none, which is for loopback. */
  readonly tls: AdminTls | undefined;
};

export interface AdminListener {
  readonly port: number;
  close(): Promise<void>;
}

const HANDSHAKE_TIMEOUT_MS = 5_000;

/** @throws Error with a sentence when it cannot bind. */
export async function startAdminListener(options: AdminListenerOptions): Promise<AdminListener> {
  const { address, tokenFile, tls, clock, logger } = options;
  // SECURITY: the configuration is refused before; this holds whoever calls.
  if (tokenFile === undefined && tls?.clientNames === undefined)
    throw new Error('the admin address needs a token, or certificates of clients');
  const held = { material: tls?.material };
  const server = tls === undefined ? createServer(adminHttpOptions) : createTlsServer(tlsOptions(tls));
  const gate = createAdminGate({
    tokenFile,
    clientNames: tls?.clientNames,
    ownCertificate: () => held.material?.context.cert?.toString(),
    clock,
    logger,
  });
  const strangers = boundStrangers(server);
  const admit: Admit = async (request) => {
    const by = await gate(request);
    if (by.ok) strangers.admitted(request.socket);
    return by;
  };
  serveAdminApi(server, { api: createAdminApi(options), admit, logger });
  await listen(server, address);
  const stop = tls?.watch((material) => {
    held.material = material;
    if ('setSecureContext' in server) server.setSecureContext(material.context);
    // Each question has a connection of its own, so with these gone whoever is trusted no more is refused from now on.
    strangers.dismiss();
    logger.info({}, 'the new files of admin_tls are in use');
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : address.port,
    close: () => {
      stop?.();
      const closed = closeAdminServer(server);
      // Those in the handshake are no connections of HTTP yet.
      strangers.dismiss();
      return closed;
    },
  };
}

const tlsOptions = ({ material, clientNames }: AdminTls): ServerOptions => ({
  ...adminHttpOptions,
  ...material.context,
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  requestCert: clientNames !== undefined,
  rejectUnauthorized: clientNames !== undefined,
});

const listen = (server: Server, { host, port }: AdminListenerOptions['address']): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new Error(`the admin listener cannot bind ${host} port ${port} (${error.code ?? error.name})`));
    });
    server.listen(port, host, resolve);
  });
