/** The messages of ext_proc beside the same ones by @grpc/proto-loader. */

import { join } from 'node:path';

import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import { describe, expect, test } from '@jest/globals';

import {
  continueBytes,
  decodeProcessingRequest,
  immediateResponseBytes,
  type ProcessingPart,
} from '../../../src/adapters/envoy/processing-messages.ts';

const definitions = loadSync('envoy/service/ext_proc/v3/external_processor.proto', {
  includeDirs: [join(__dirname, '../../../proto')],
  keepCase: true,
  enums: Number,
  oneofs: true,
});
const processor = definitions['envoy.service.ext_proc.v3.ExternalProcessor'] as ServiceDefinition;
const process = processor['Process'] as MethodDefinition<object, object>;

const text = (value: string): object => ({ stringValue: value });
const asked = (
  part: string,
  metadata: Readonly<Record<string, Readonly<Record<string, object>>>> = {},
  attributes: Readonly<Record<string, Readonly<Record<string, object>>>> = {},
): Buffer => {
  const structs = (all: typeof metadata): object =>
    Object.fromEntries(Object.entries(all).map(([name, fields]) => [name, { fields }]));
  return process.requestSerialize({
    [part]: {},
    metadata_context: { filter_metadata: structs(metadata) },
    attributes: structs(attributes),
  });
};

const AUTHZ = 'envoy.filters.http.ext_authz';
const PROC = 'envoy.filters.http.ext_proc';
const parts: readonly ProcessingPart[] = [
  'request_headers',
  'response_headers',
  'request_body',
  'response_body',
  'request_trailers',
  'response_trailers',
];

describe('decodeProcessingRequest', () => {
  test.each(parts)('reads what %s are about, and whose', (part) => {
    const bytes = asked(
      part,
      { 'other.filter': { hold: text('forged') }, [AUTHZ]: { other: text('x'), hold: text('the ticket') } },
      { other: { 'request.host': text('forged.test') }, [PROC]: { 'request.host': text('app.test:8443') } },
    );
    expect(decodeProcessingRequest(bytes)).toEqual({
      ok: true,
      value: { part, ticket: 'the ticket', host: 'app.test:8443' },
    });
  });

  test.each([
    ['no metadata', asked('response_headers')],
    ['metadata of others only', asked('response_headers', { other: { hold: text('x') } })],
    ['a ticket that is no text', asked('response_headers', { [AUTHZ]: { hold: { numberValue: 1 } } })],
  ])('%s is no ticket', (_, bytes) => {
    expect(decodeProcessingRequest(bytes)).toEqual({
      ok: true,
      value: { part: 'response_headers', ticket: undefined, host: undefined },
    });
  });

  test('bytes that are no message, or one about nothing, are refused; no cut of a good one makes it throw', () => {
    expect(decodeProcessingRequest(Buffer.from('\xff\xff', 'latin1')).ok).toBe(false);
    expect(decodeProcessingRequest(Buffer.alloc(0)).ok).toBe(false);
    const good = asked(
      'response_headers',
      { [AUTHZ]: { hold: text('the ticket') } },
      { [PROC]: { 'request.host': text('a') } },
    );
    for (let length = 0; length < good.length; length += 1) {
      const decoded = decodeProcessingRequest(good.subarray(0, length));
      if (decoded.ok) expect([undefined, 'the ticket']).toContain(decoded.value.ticket);
    }
  });
});

test.each(parts)('the answer to %s is read as "go on"', (part) => {
  expect(process.responseDeserialize(continueBytes(part))).toEqual({ response: part, [part]: {} });
});

test('an immediate response is read as it was meant', () => {
  const end = { status: 403, body: 'täglich\n', details: 'doorward_stream_revoked' };
  expect(process.responseDeserialize(immediateResponseBytes(end))).toMatchObject({
    response: 'immediate_response',
    immediate_response: { status: { code: 403 }, body: Buffer.from(end.body), details: end.details },
  });
});
