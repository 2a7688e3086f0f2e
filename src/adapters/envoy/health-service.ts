/** grpc.health.v1 (proto/grpc/health/v1/health.proto): Check and Watch, bytes in and bytes out. What it tells changes once, when draining begins. */

import {
  status,
  type sendUnaryData,
  type Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';

import { fieldBits, LENGTH, tagOf, VARINT, WireReader } from './wire-reader.ts';

const SERVICE = tagOf(1, LENGTH);
const SERVICE_KNOWN = fieldBits(1);
/** Streams that Watch may hold open; a health checker has one. */
const WATCHERS_MAX = 1_000;

/** HealthCheckResponse.status */
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;
const responseOf = (servingStatus: number): Buffer => Buffer.from([tagOf(1, VARINT), servingStatus]);

const asBytes = (bytes: Buffer): Buffer => bytes;
const method = (name: string, responseStream: boolean) => ({
  path: `/grpc.health.v1.Health/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: asBytes,
  requestDeserialize: asBytes,
  responseSerialize: asBytes,
  responseDeserialize: asBytes,
});
const service = { Check: method('Check', false), Watch: method('Watch', true) } satisfies ServiceDefinition;

type Watcher = ServerWritableStream<Buffer, Buffer>;

export interface HealthService {
  /** From now on NOT_SERVING. Watchers are told and their streams ended, so that they do not hold a connection open. */
  stopServing(): void;
}

/** Adds the service to the server; it speaks of `names` (`''` is the server as a whole). */
export function addHealthService(server: Server, names: ReadonlySet<string>): HealthService {
  const watchers = new Set<Watcher>();
  let isServing = true;
  const statusNow = (): number => (isServing ? SERVING : NOT_SERVING);

  const check = (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void => {
    const name = serviceOf(call.request);
    if (name === undefined) callback({ code: status.INVALID_ARGUMENT, details: 'not a HealthCheckRequest' });
    else if (!names.has(name)) callback({ code: status.NOT_FOUND, details: 'unknown service' });
    else callback(null, responseOf(statusNow()));
  };

  const watch = (call: Watcher): void => {
    const name = serviceOf(call.request);
    if (name === undefined) {
      call.emit('error', { code: status.INVALID_ARGUMENT, details: 'not a HealthCheckRequest' });
      return;
    }
    if (watchers.size >= WATCHERS_MAX) {
      call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'too many watchers' });
      return;
    }
    call.write(responseOf(names.has(name) ? statusNow() : SERVICE_UNKNOWN));
    if (!isServing) {
      call.end();
      return;
    }
    watchers.add(call);
    call.on('cancelled', () => watchers.delete(call));
  };

  server.addService(service, { Check: check, Watch: watch });
  return {
    stopServing: () => {
      isServing = false;
      for (const call of watchers) {
        const name = serviceOf(call.request);
        if (name !== undefined && names.has(name)) call.write(responseOf(NOT_SERVING));
        call.end();
      }
      watchers.clear();
    },
  };
}

/** HealthCheckRequest.service; undefined for bytes that are none. */
function serviceOf(request: Buffer): string | undefined {
  const reader = new WireReader(request);
  const end = request.length;
  let name = '';
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === SERVICE) {
      const nameEnd = reader.payload(end);
      name = request.toString('utf8', reader.jump(nameEnd), nameEnd);
    } else reader.skip(tag, end, SERVICE_KNOWN);
  }
  return reader.fault === undefined ? name : undefined;
}
