/**
 * Authorization/Check: raw bytes in, raw bytes out. Every Check received goes through exactly one call of its CheckHandler and gets exactly one
 * explicit answer. Knows nothing of decisions.
 */

import type { sendUnaryData, Server, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';

import type { CheckHandler, Eventually, Logger } from '../../core/ports.ts';
import type { Outcome } from '../../core/response/decision.ts';
import { decodeCheckRequest } from './decode-check-request.ts';
import { encodeOutcome, internalErrorBytes } from './encode-outcome.ts';

export const AUTHORIZATION_SERVICE = 'envoy.service.auth.v3.Authorization';

/** Bytes of requests that may be judged at once, beside their number: few Checks with large bodies are a load too. */
const IN_FLIGHT_BYTES_MAX = 256 * 1024 * 1024;

const asBytes = (bytes: Buffer): Buffer => bytes;
const service = {
  Check: {
    path: `/${AUTHORIZATION_SERVICE}/Check`,
    requestStream: false,
    responseStream: false,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  },
} satisfies ServiceDefinition;

type CheckCall = ServerUnaryCall<Buffer, Buffer>;

export type CheckServiceOptions = {
  readonly handler: CheckHandler;
  /** Checks that may be judged at once; what is beyond is refused at once. */
  readonly inFlightMax: number;
  readonly inFlightBytesMax?: number;
  readonly logger: Logger;
};

export interface CheckService {
  /** Checks that are being judged now, also those whose caller has gone. */
  inFlight(): number;
}

export function addCheckService(server: Server, options: CheckServiceOptions): CheckService {
  const { handler, inFlightMax, inFlightBytesMax = IN_FLIGHT_BYTES_MAX, logger } = options;
  let inFlight = 0;
  let inFlightBytes = 0;

  const onFault = (reason: string): void => {
    logger.error({ reason }, 'a Check was refused because its answer could not be written');
  };
  /** A fault of the handler, which promises to have none: refused in words, never left without an answer. */
  const answerToFault = (error: unknown): Buffer => {
    logger.error({ error }, 'a Check was refused because of a fault in Doorward');
    return internalErrorBytes();
  };

  const judge = (call: CheckCall): Eventually<Outcome> => {
    const decoded = decodeCheckRequest(call.request);
    if (!decoded.ok) return handler.malformed(decoded.error);
    if (inFlight > inFlightMax || inFlightBytes > inFlightBytesMax) return handler.overloaded(decoded.value);
    return handler.answer(decoded.value, budgetOf(call));
  };

  const check = (call: CheckCall, callback: sendUnaryData<Buffer>): void => {
    const size = call.request.length;
    inFlight += 1;
    inFlightBytes += size;
    // Where the caller has gone meanwhile, grpc-js drops the answer.
    const done = (answer: Buffer): void => {
      inFlight -= 1;
      inFlightBytes -= size;
      callback(null, answer);
    };
    let outcome: Eventually<Outcome>;
    try {
      outcome = judge(call);
    } catch (error) {
      done(answerToFault(error));
      return;
    }
    if (!(outcome instanceof Promise)) done(encodeOutcome(outcome, onFault));
    else void outcome.then((late) => encodeOutcome(late, onFault), answerToFault).then(done);
  };

  server.addService(service, { Check: check });
  return { inFlight: () => inFlight };
}

/** What is left of the call's `grpc-timeout`, ms; undefined where Envoy set none. */
function budgetOf(call: CheckCall): number | undefined {
  const deadline = call.getDeadline();
  const at = typeof deadline === 'number' ? deadline : deadline.getTime();
  return Number.isFinite(at) ? Math.max(0, at - Date.now()) : undefined;
}
