/**
 * The gRPC server that Envoy asks: Authorization/Check, and grpc.health.v1 beside it, on a listener of their own. Sockets are opened, verified and
 * closed here and injected into grpc-js, so that who may ask is settled once per connection and certificates can change under a running listener.
 */

import { createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';

import { Server, ServerCredentials, type ConnectionInjector } from '@grpc/grpc-js';

import type { HoldHandler, Logger } from '../../core/ports.ts';
import { checkBindRules, type BindChoice, type CheckTls } from './bind-rules.ts';
import { addCheckService, AUTHORIZATION_SERVICE, type CheckServiceOptions } from './check-service.ts';
import { addHoldService, EXTERNAL_PROCESSOR_SERVICE } from './hold-service.ts';
import { isListedClient } from './client-names.ts';
import { addHealthService } from './health-service.ts';
import { openListener } from './open-listener.ts';
import { loadTlsMaterial, watchTlsFiles, type TlsMaterial } from './tls-files.ts';

/** Headers are 60 KiB and bodies 64 KiB as shipped; this leaves room for those who allow more. grpc-js refuses what is larger. */
const REQUEST_BYTES_MAX = 4 * 1024 * 1024;
/** A peer that has vanished is noticed within a minute and a half. */
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 30_000;
/** Streams that one connection of Envoy may hold beside its Checks; for more it opens another. */
const HOLDS_PER_CONNECTION = 100_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long calls may go on over connections of clients that are no longer trusted, once the client CA has changed. */
const UNTRUSTED_GRACE_MS = 5_000;
/** Strangers may try as often as they like; the log has a line for it this often. */
const REFUSALS_LOGGED_EVERY_MS = 10_000;

export type CheckServerOptions = BindChoice &
  CheckServiceOptions & {
    readonly tlsPollMs?: number;
    /** Holds streams; undefined = Process is not served. */
    readonly holds?: HoldHandler;
  };

export interface CheckServer {
  /** As bound; undefined for a unix socket. */
  readonly port: number | undefined;
  /** Checks that are being judged now. */
  inFlight(): number;
  /** Health says NOT_SERVING; calls are still taken, so that Envoy can turn away before the drain. */
  stopServing(): void;
  /** NOT_SERVING, no new connections, GOAWAY, the calls under way, then closed; what has not ended after `withinMs` is cut. */
  drain(withinMs: number): Promise<void>;
}

/** @throws Error with a sentence when it may not bind, or cannot. */
export async function createCheckServer(options: CheckServerOptions): Promise<CheckServer> {
  const allowed = checkBindRules(options);
  if (!allowed.ok) throw new Error(allowed.error);
  const { address, tls, logger, inFlightMax, holds } = options;

  const server = new Server({
    'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    // Beyond the bound Checks are told so, not queued; far beyond it Envoy has to wait.
    'grpc.max_concurrent_streams': 2 * inFlightMax + (holds === undefined ? 0 : HOLDS_PER_CONNECTION),
  });
  const checks = addCheckService(server, options);
  if (holds !== undefined) addHoldService(server, { holds, logger });
  const health = addHealthService(server, new Set(['', AUTHORIZATION_SERVICE, EXTERNAL_PROCESSOR_SERVICE]));
  const connections = createConnections(server);
  const listener =
    tls === undefined
      ? plainListener(connections)
      : tlsListener({
          tls,
          material: await loadTlsMaterial({ ...tls, setting: 'grpc_tls' }),
          connections,
          logger,
          pollMs: options.tlsPollMs,
        });
  const port = await openListener(listener.socket, address).catch((error: unknown) => {
    listener.stop();
    listener.socket.close();
    throw error;
  });

  return {
    port,
    inFlight: () => checks.inFlight(),
    stopServing: () => {
      health.stopServing();
    },
    drain: async (withinMs) => {
      health.stopServing();
      listener.stop();
      listener.socket.close();
      await connections.drain(withinMs);
      server.forceShutdown();
    },
  };
}

type Listener = { readonly socket: TcpServer; stop(): void };

function plainListener(connections: Connections): Listener {
  const socket = createTcpServer({ noDelay: true, keepAlive: true }, connections.add);
  return { socket, stop: () => undefined };
}

/** SECURITY: both sides show a certificate, and the client's is verified against client_ca before a byte of HTTP/2 is read. */
function tlsListener(parts: {
  readonly tls: CheckTls;
  readonly material: TlsMaterial;
  readonly connections: Connections;
  readonly logger: Logger;
  readonly pollMs: number | undefined;
}): Listener {
  const { tls, material, connections, logger, pollMs } = parts;
  const refusals = createRefusalLog(logger);
  const socket: TlsServer = createTlsServer(
    {
      ...material.context,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      noDelay: true,
      keepAlive: true,
    },
    (connection: TLSSocket) => {
      const names = connection.getPeerX509Certificate()?.subjectAltName;
      if (connection.authorized && isListedClient(names, tls.spiffe_ids)) {
        connections.add(connection);
        return;
      }
      refusals.add('its certificate names no listed SPIFFE ID');
      connection.on('error', () => undefined);
      connection.destroy();
    },
  );
  socket.on('tlsClientError', (error: NodeJS.ErrnoException) => {
    refusals.add(error.code ?? 'no TLS');
  });

  let trusted = material.clientCa;
  const stop = watchTlsFiles({
    files: { ...tls, setting: 'grpc_tls' },
    inUse: material,
    logger,
    ...(pollMs === undefined ? {} : { pollMs }),
    onChange: (next) => {
      socket.setSecureContext(next.context);
      const isTrustChanged = next.clientCa !== trusted;
      trusted = next.clientCa;
      // Who was let in by authorities that are no more has to show itself again.
      if (isTrustChanged) connections.renew(UNTRUSTED_GRACE_MS);
      logger.info({ client_ca_changed: isTrustChanged }, 'the new files of grpc_tls are in use');
    },
  });
  return {
    socket,
    stop: () => {
      stop();
      refusals.stop();
    },
  };
}

type Connections = ReturnType<typeof createConnections>;

/** The open connections. Each belongs to an injector of the server: the group that is told to go away together. */
function createConnections(server: Server) {
  const sockets = new Set<Socket>();
  const group = (): ConnectionInjector => server.createConnectionInjector(ServerCredentials.createInsecure());
  let current = group();
  let isDraining = false;
  let onEmpty: () => void = () => undefined;
  return {
    add: (socket: Socket): void => {
      // A handshake that ended after the listener was closed.
      if (isDraining) {
        socket.destroy();
        return;
      }
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        if (sockets.size === 0) onEmpty();
      });
      current.injectConnection(socket);
    },
    /** GOAWAY to all that are open now, cut after `graceMs`; new ones are not touched. */
    renew: (graceMs: number): void => {
      const old = current;
      current = group();
      old.drain(graceMs);
      old.destroy();
    },
    /** GOAWAY to all; resolves when the last one is closed, cut after `withinMs`. */
    drain: async (withinMs: number): Promise<void> => {
      isDraining = true;
      current.drain(withinMs);
      if (sockets.size === 0) return;
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, withinMs);
      await new Promise<void>((resolve) => {
        onEmpty = resolve;
      });
      clearTimeout(timer);
    },
  };
}

/** Says at once that somebody was turned away, then at most one line for all within REFUSALS_LOGGED_EVERY_MS. */
function createRefusalLog(logger: Logger): { add(reason: string): void; stop(): void } {
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  const log = (reason: string, times: number): void => {
    logger.warn({ reason, times }, 'a caller of the Check listener was refused');
  };
  const add = (reason: string): void => {
    if (timer !== undefined) {
      count += 1;
      return;
    }
    log(reason, 1);
    timer = setTimeout(() => {
      timer = undefined;
      if (count > 0) log('several', count);
      count = 0;
    }, REFUSALS_LOGGED_EVERY_MS).unref();
  };
  return {
    add,
    stop: () => {
      clearTimeout(timer);
    },
  };
}
