/** The oracle: the same messages by @grpc/proto-loader, from the definitions in proto/. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';

const root = join(__dirname, '../../..');
const load = (defaults: boolean) =>
  loadSync(['envoy/service/auth/v3/external_auth.proto', 'grpc/health/v1/health.proto'], {
    includeDirs: [join(root, 'proto')],
    keepCase: true,
    longs: String,
    enums: Number,
    defaults,
  });
const definitions = load(true);

const service = (name: string, from = definitions) => from[name] as ServiceDefinition;

export const authorization = service('envoy.service.auth.v3.Authorization');
export const health = service('grpc.health.v1.Health');

const check = authorization['Check'] as MethodDefinition<object, object>;

const sparse = service('envoy.service.auth.v3.Authorization', load(false))['Check'] as MethodDefinition<object, object>;

type HeaderValue = { readonly key?: string; readonly value?: string; readonly raw_value?: Uint8Array };

type PeerMessage = {
  readonly address?: {
    readonly socket_address?: { readonly address?: string; readonly port_value?: number; readonly named_port?: string };
    readonly pipe?: { readonly path?: string };
    readonly envoy_internal_address?: { readonly endpoint_id?: string };
  };
  readonly service?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly principal?: string;
  readonly certificate?: string;
};

export type HttpMessage = {
  readonly id?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly host?: string;
  readonly scheme?: string;
  readonly query?: string;
  readonly fragment?: string;
  readonly size?: string;
  readonly protocol?: string;
  readonly body?: string;
  readonly raw_body?: Uint8Array;
  readonly header_map?: { readonly headers?: readonly HeaderValue[] } | null;
};

export type CheckRequestMessage = {
  readonly attributes?: {
    readonly source?: PeerMessage | null;
    readonly destination?: PeerMessage | null;
    readonly request?: { readonly time?: object; readonly http?: HttpMessage | null } | null;
    readonly context_extensions?: Readonly<Record<string, string>>;
    readonly metadata_context?: object;
    readonly tls_session?: { readonly sni?: string };
  } | null;
};

export type HeaderValueOptionMessage = {
  readonly header: { readonly key: string; readonly value: string; readonly raw_value: Uint8Array };
  readonly append: unknown;
  readonly append_action: number;
  readonly keep_empty_value: boolean;
};

export type CheckResponseMessage = {
  readonly status: { readonly code: number; readonly message: string; readonly details: readonly unknown[] } | null;
  readonly denied_response?: {
    readonly status: { readonly code: number };
    readonly headers: readonly HeaderValueOptionMessage[];
    readonly body: string;
  };
  readonly ok_response?: {
    readonly headers: readonly HeaderValueOptionMessage[];
    readonly headers_to_remove: readonly string[];
    readonly response_headers_to_add: readonly HeaderValueOptionMessage[];
  };
  readonly dynamic_metadata?: object | null;
};

export const encodeRequest = (message: CheckRequestMessage): Buffer => check.requestSerialize(message);
export const decodeRequest = (bytes: Buffer): CheckRequestMessage => check.requestDeserialize(bytes);
export const decodeResponse = (bytes: Buffer): CheckResponseMessage =>
  check.responseDeserialize(bytes) as CheckResponseMessage;

/**
 * Whether the oracle has understood every byte: what it writes again has the same bytes, but for their order. It is no strict reader: it ignores
 * wire types, reads past the end of inner messages, and replaces a repeated message where it should merge it.
 */
export function understands(bytes: Buffer): boolean {
  const sorted = (buffer: Buffer): Buffer => Buffer.from(Uint8Array.from(buffer).sort());
  try {
    return sorted(bytes).equals(sorted(sparse.requestSerialize(sparse.requestDeserialize(bytes))));
  } catch {
    return false;
  }
}

const folder = join(root, 'test/fixtures/envoy-1.40');

export type Fixture = { readonly name: string; readonly bytes: Buffer; readonly json: CheckRequestJson };

/** The captured CheckRequests of Envoy 1.40: the bytes of the call, and the same as proto3 JSON. */
export const fixtures: readonly Fixture[] = readdirSync(folder)
  .filter((file) => file.endsWith('.bin'))
  .sort()
  .map((file) => {
    const name = file.slice('checkrequest-'.length, -'.bin'.length);
    const json = JSON.parse(readFileSync(join(folder, file.replace('.bin', '.json')), 'utf8')) as CheckRequestJson;
    return { name, bytes: readFileSync(join(folder, file)), json };
  });

export const fixture = (name: string): Buffer => {
  const found = fixtures.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return found.bytes;
};

type PeerJson = {
  readonly address?: { readonly socketAddress?: { readonly address?: string; readonly portValue?: number } };
  readonly principal?: string;
  readonly certificate?: string;
};

export type CheckRequestJson = {
  readonly attributes: {
    readonly source: PeerJson;
    readonly request: {
      readonly http: {
        readonly method: string;
        readonly headers?: Readonly<Record<string, string>>;
        readonly headerMap?: { readonly headers: readonly { readonly key: string; readonly rawValue?: string }[] };
        readonly path?: string;
        readonly host: string;
        readonly scheme: string;
        readonly protocol: string;
        readonly body?: string;
        readonly rawBody?: string;
      };
    };
    readonly contextExtensions?: Readonly<Record<string, string>>;
  };
};
