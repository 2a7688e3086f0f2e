/**
 * ExternalProcessor/Process: one call for each stream that is held. Its first message asks whether the stream may be; from then on nothing is said until
 * one side ends it. Every call goes through exactly one HeldLine. Knows nothing of sessions.
 */

import { status, type Server, type ServerDuplexStream, type ServiceDefinition } from '@grpc/grpc-js';

import type { HeldLine, HoldAnswer, HoldHandler, Logger, StreamEnd } from '../../core/ports.ts';
import {
  continueBytes,
  decodeProcessingRequest,
  immediateResponseBytes,
  type ProcessingPart,
} from './processing-messages.ts';

export const EXTERNAL_PROCESSOR_SERVICE = 'envoy.service.ext_proc.v3.ExternalProcessor';

const asBytes = (bytes: Buffer): Buffer => bytes;
const service = {
  Process: {
    path: `/${EXTERNAL_PROCESSOR_SERVICE}/Process`,
    requestStream: true,
    responseStream: true,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  },
} satisfies ServiceDefinition;

type ProcessCall = ServerDuplexStream<Buffer, Buffer>;

export type HoldServiceOptions = { readonly holds: HoldHandler; readonly logger: Logger };

export function addHoldService(server: Server, options: HoldServiceOptions): void {
  server.addService(service, {
    Process: (call: ProcessCall) => {
      hold(call, options);
    },
  });
}

function hold(call: ProcessCall, { holds, logger }: HoldServiceOptions): void {
  let isOver = false;
  let answered: HoldAnswer | undefined;
  let isAsked = false;

  const over = (): void => {
    if (isOver) return;
    isOver = true;
    if (answered?.kind === 'held') answered.gone();
  };
  const line: HeldLine = {
    isOver: () => isOver,
    cut(end) {
      if (isOver) return;
      isOver = true;
      call.write(immediateResponseBytes(end));
      call.end();
    },
    release() {
      if (isOver) return;
      isOver = true;
      call.end();
    },
  };
  /** What is not understood ends the stream that it is about. */
  const fail = (reason: string): void => {
    if (isOver) return;
    logger.warn({ reason }, 'a hold was ended: Envoy asks what a hold does not answer');
    over();
    call.emit('error', { code: status.INVALID_ARGUMENT, details: reason });
  };

  const settle = (answer: HoldAnswer, part: ProcessingPart): void => {
    if (answer.kind === 'refused') {
      line.cut(answer.end);
      return;
    }
    answered = answer;
    if (isOver) answer.gone();
    else call.write(continueBytes(part));
  };
  const fault = (error: unknown): StreamEnd => {
    logger.error({ error }, 'a hold was refused because of a fault in Doorward');
    return { status: 503, body: 'internal error\n', details: 'doorward_stream_unavailable' };
  };

  call.on('data', (bytes: Buffer) => {
    if (isOver) return;
    const decoded = decodeProcessingRequest(bytes);
    if (!decoded.ok) {
      fail(decoded.error);
      return;
    }
    const { part, ticket, host } = decoded.value;
    if (part === 'request_body' || part === 'response_body') {
      fail('bodies are sent to the hold: set the body modes to NONE');
      return;
    }
    if (isAsked) {
      // Trailers, or the other side's headers: the stream is held already.
      call.write(continueBytes(part));
      return;
    }
    isAsked = true;
    try {
      const answer = holds.hold({ ticket, host }, line);
      if (answer instanceof Promise)
        answer.then(
          (late) => {
            settle(late, part);
          },
          (error: unknown) => {
            line.cut(fault(error));
          },
        );
      else settle(answer, part);
    } catch (error) {
      line.cut(fault(error));
    }
  });
  call.on('end', () => {
    over();
    call.end();
  });
  call.on('cancelled', over);
  call.on('error', over);
}
