/** A Check server under test, and a real gRPC client that asks it. */

import {
  Metadata,
  Client,
  credentials,
  type CallOptions,
  type ChannelCredentials,
  type ClientOptions,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';

import {
  createCheckServer,
  type CheckServer,
  type CheckServerOptions,
} from '../../../src/adapters/envoy/check-server.ts';
import type { CheckHandler, Logger } from '../../../src/core/ports.ts';
import type { AccessRequest } from '../../../src/core/request/access-request.ts';
import type { Outcome } from '../../../src/core/response/decision.ts';
import type { RefusalCode } from '../../../src/core/response/refusal-codes.ts';
import { decodeResponse, fixture, health, type CheckResponseMessage } from './oracle.ts';

export type LogLine = {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
};

export function aLogger(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: LogLine['fields'], message: string) => {
    lines.push({ level, fields, message });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

export const allowing: Outcome = { kind: 'allow', upstream: { set: [['x-judged', '1']], remove: [], setCookies: [] } };

export const answering = (status: number, code: RefusalCode, body = ''): Outcome => ({
  kind: 'answer',
  code,
  response: { status, headers: [], body },
});

export const aHandler = (answer: CheckHandler['answer']): CheckHandler => ({
  answer,
  malformed: (reason) => answering(400, 'bad-request', reason),
  overloaded: (request: AccessRequest) => answering(503, 'overloaded', request.path),
});

const opened: { close(): unknown }[] = [];

/** Closes what the test has opened. */
export async function closeAll(): Promise<void> {
  await Promise.all(opened.splice(0).map((each) => each.close()));
}

type Opened = CheckServer & { readonly logger: ReturnType<typeof aLogger> };

export async function open(options: Partial<CheckServerOptions> = {}): Promise<Opened> {
  const logger = aLogger();
  const server = await createCheckServer({
    handler: aHandler(() => allowing),
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
    tls: undefined,
    insecure: false,
    inFlightMax: 100,
    logger,
    ...options,
  });
  opened.push({ close: () => server.drain(100) });
  return { ...server, logger };
}

export type Asker = {
  /** The CheckResponse. @throws ServiceError */
  check(request?: Buffer, options?: CallOptions): Promise<CheckResponseMessage>;
  /** HealthCheckResponse.status. @throws ServiceError */
  health(service: string): Promise<number>;
  readonly client: Client;
};

const asBytes = (bytes: Buffer): Buffer => bytes;

export function anAsker(
  target: string,
  channel: ChannelCredentials = credentials.createInsecure(),
  options: ClientOptions = {},
  /** As Envoy does: a call waits for the next connection, and does not fail because the last attempt to connect did. */
  waitForReady = false,
): Asker {
  const client = new Client(target, channel, { 'grpc.use_local_subchannel_pool': 1, ...options });
  opened.push(client);
  const Check = health['Check'] as MethodDefinition<object, { status: number }>;
  const unary = (path: string, request: Buffer, callOptions: CallOptions): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const onAnswer = (error: ServiceError | null, value?: Buffer): void => {
        if (error === null && value !== undefined) resolve(value);
        else reject(error ?? new Error('no answer'));
      };
      client.makeUnaryRequest(path, asBytes, asBytes, request, new Metadata({ waitForReady }), callOptions, onAnswer);
    });
  return {
    client,
    check: async (request = fixture('plain'), callOptions = {}) =>
      decodeResponse(
        await unary('/envoy.service.auth.v3.Authorization/Check', request, {
          deadline: Date.now() + 5_000,
          ...callOptions,
        }),
      ),
    health: async (service) => {
      const bytes = await unary('/grpc.health.v1.Health/Check', Check.requestSerialize({ service }), {});
      return Check.responseDeserialize(bytes).status;
    },
  };
}

export const portOf = ({ port }: CheckServer): string => `127.0.0.1:${port ?? 0}`;
