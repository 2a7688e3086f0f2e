/**
 * The gRPC server that Envoy asks: Authorization/Check as raw bytes in and raw bytes out, and grpc.health.v1 beside it. Knows the transport and
 * nothing of decisions; every Check received goes through exactly one call of its CheckHandler.
 */

import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

import {
  experimental,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

import type { CheckHandler, Logger } from '../../core/ports.ts';
import type { Outcome } from '../../core/response/decision.ts';
import { checkBindRules, type BindChoice, type CheckAddress, type CheckTls } from './bind-rules.ts';
import { decodeCheckRequest } from './decode-check-request.ts';
import { encodeOutcome } from './encode-outcome.ts';

const SERVICE_NAME = 'envoy.service.auth.v3.Authorization';

/** Headers (60 KiB by default in Envoy) and a body of 64 KiB, certificate and metadata: what is larger is not from a sane Envoy. */
const REQUEST_BYTES_MAX = 1024 * 1024;
/** How soon a certificate that was replaced is in use. */
const TLS_REFRESH_MS = 1_000;

const asBytes = (bytes: Buffer): Buffer => bytes;

const service = {
  Check: {
    path: `/${SERVICE_NAME}/Check`,
    requestStream: false,
    responseStream: false,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  },
} satisfies ServiceDefinition;

export type CheckServerOptions = BindChoice & {
  readonly handler: CheckHandler;
  /** Checks that may be judged at once; what is beyond is refused at once. */
  readonly inFlightMax: number;
  readonly logger: Logger;
};

export interface CheckServer {
  /** As bound; undefined for a unix socket. */
  readonly port: number | undefined;
  inFlight(): number;
  /** NOT_SERVING, GOAWAY, the calls under way, then closed; what has not ended after `withinMs` is cut. */
  drain(withinMs: number): Promise<void>;
}

/** @throws Error with a sentence when it may not bind, or cannot. */
export async function createCheckServer(options: CheckServerOptions): Promise<CheckServer> {
  const allowed = checkBindRules(options);
  if (!allowed.ok) throw new Error(allowed.error);
  const server = new Server({
    'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
    'grpc.enable_channelz': 0,
  });
  const checks = createChecks(options);
  server.addService(service, { Check: checks.check });
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE_NAME]: 'SERVING' });
  health.addToServer(server);
  const port = await bind(server, options);
  return {
    port: options.address.kind === 'unix' ? undefined : port,
    inFlight: checks.inFlight,
    drain: async (withinMs) => {
      health.setStatus('', 'NOT_SERVING');
      health.setStatus(SERVICE_NAME, 'NOT_SERVING');
      await shutDown(server, withinMs);
    },
  };
}

type CheckCall = ServerUnaryCall<Buffer, Buffer>;

function createChecks({ handler, inFlightMax, logger, tls }: CheckServerOptions) {
  let inFlight = 0;
  const allowedIds = new Set(tls?.spiffe_ids ?? []);

  /** A programmer's fault in the handler or the codec: refused in words, never left without an answer. */
  const onFault = (reason: string): void => {
    logger.error({ reason }, 'a Check was refused because its answer could not be written');
  };
  const encode = (outcome: Outcome): Buffer => encodeOutcome(outcome, onFault);

  const judge = (call: CheckCall): Outcome | Promise<Outcome> => {
    const decoded = decodeCheckRequest(call.request);
    if (!decoded.ok) return handler.malformed(decoded.error);
    if (inFlight > inFlightMax) return handler.overloaded(decoded.value);
    return handler.answer(decoded.value, budgetOf(call));
  };

  const check = (call: CheckCall, callback: sendUnaryData<Buffer>): void => {
    if (allowedIds.size > 0 && !hasAllowedId(call, allowedIds)) {
      logger.warn({}, 'a caller of the Check listener was refused: its certificate names no listed SPIFFE ID');
      callback({ code: status.PERMISSION_DENIED, details: 'this certificate may not ask' });
      return;
    }
    inFlight += 1;
    const done = (bytes: Buffer): void => {
      inFlight -= 1;
      callback(null, bytes);
    };
    const failed = (error: unknown): void => {
      logger.error({ error }, 'a Check was refused because of a fault in Doorward');
      done(encode(handler.malformed('a fault in Doorward')));
    };
    try {
      const outcome = judge(call);
      if (outcome instanceof Promise)
        outcome.then((late) => {
          done(encode(late));
        }, failed);
      else done(encode(outcome));
    } catch (error) {
      failed(error);
    }
  };
  return { check, inFlight: () => inFlight };
}

/** What is left of the call's `grpc-timeout`, ms; undefined where Envoy set none. */
function budgetOf(call: CheckCall): number | undefined {
  const deadline = call.getDeadline();
  const at = typeof deadline === 'number' ? deadline : deadline.getTime();
  return Number.isFinite(at) ? Math.max(0, at - Date.now()) : undefined;
}

/** Exactly one URI name that is listed: a certificate with several could be taken for somebody else. */
function hasAllowedId(call: CheckCall, allowed: ReadonlySet<string>): boolean {
  const names = call.getAuthContext().sslPeerCertificate?.subjectaltname ?? '';
  const uris = names.split(', ').flatMap((name) => (name.startsWith('URI:') ? [name.slice('URI:'.length)] : []));
  const [uri] = uris;
  return uris.length === 1 && uri !== undefined && allowed.has(uri);
}

async function bind(server: Server, { address, tls }: CheckServerOptions): Promise<number> {
  if (address.kind === 'unix') await removeStaleSocket(address.path);
  const credentials = tls === undefined ? ServerCredentials.createInsecure() : tlsCredentials(tls);
  // Before anybody can connect: a socket is made with the mode that the mask leaves.
  const mask = process.umask(0o177);
  try {
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(targetOf(address), credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(new Error(`the Check listener cannot bind ${targetOf(address)}: ${error.message}`));
      });
    });
    if (address.kind === 'unix') chmodSync(address.path, 0o600);
    return port;
  } finally {
    process.umask(mask);
  }
}

const targetOf = (address: CheckAddress): string =>
  address.kind === 'unix'
    ? `unix:${address.path}`
    : `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;

/** Both certificates are asked for and verified; files that change are in use within a second. */
function tlsCredentials(tls: CheckTls): ServerCredentials {
  const files = new experimental.FileWatcherCertificateProvider({
    certificateFile: tls.certificate_file,
    privateKeyFile: tls.key_file,
    caCertificateFile: tls.client_ca_file,
    refreshIntervalMs: TLS_REFRESH_MS,
  });
  return experimental.createCertificateProviderServerCredentials(files, files, true);
}

/** A socket file that nobody listens on is what a killed process left. @throws Error when somebody does, or it is no socket. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there and is no socket`);
  const isInUse = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => {
      resolve(false);
    });
  });
  if (isInUse) throw new Error(`another process listens on ${path}`);
  unlinkSync(path);
}

const shutDown = (server: Server, withinMs: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, withinMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
