/**
 * The messages of ext_proc that a hold needs: ProcessingRequest in, ProcessingResponse out. Definitions:
 * proto/envoy/service/ext_proc/v3/external_processor.proto. What is not read is passed over unparsed. Decides nothing.
 */

import { err, ok, type Result } from '../../core/result.ts';
import { HOLD_METADATA } from '../../core/streams/ticket.ts';
import { fieldBits, LENGTH, tagOf, VARINT, WireReader } from './wire-reader.ts';
import { lengthFieldSize, varintSize, WireWriter } from './wire-writer.ts';

/** The namespace into which ext_authz puts the metadata of an allow, and the one under which ext_proc sends attributes. */
const AUTHZ_NAMESPACE = 'envoy.filters.http.ext_authz';
const PROC_NAMESPACE = 'envoy.filters.http.ext_proc';
/** `request.host`, of `request_attributes` and `response_attributes`. */
const HOST_ATTRIBUTE = 'request.host';

const REQUEST = {
  requestHeaders: tagOf(2, LENGTH),
  responseHeaders: tagOf(3, LENGTH),
  requestBody: tagOf(4, LENGTH),
  responseBody: tagOf(5, LENGTH),
  requestTrailers: tagOf(6, LENGTH),
  responseTrailers: tagOf(7, LENGTH),
  metadataContext: tagOf(8, LENGTH),
  attributes: tagOf(9, LENGTH),
  known: fieldBits(2, 3, 4, 5, 6, 7, 8, 9),
};
const METADATA = { filterMetadata: tagOf(1, LENGTH), known: fieldBits(1) };
/** Of any map from text to a message. */
const ENTRY = { key: tagOf(1, LENGTH), value: tagOf(2, LENGTH), known: fieldBits(1, 2) };
const STRUCT = { fields: tagOf(1, LENGTH), known: fieldBits(1) };
const VALUE = { stringValue: tagOf(3, LENGTH), known: fieldBits(3) };

/** What Envoy asks about; each is to be answered by its own name. */
export type ProcessingPart =
  'request_headers' | 'response_headers' | 'request_body' | 'response_body' | 'request_trailers' | 'response_trailers';

const PARTS: ReadonlyMap<number, ProcessingPart> = new Map([
  [REQUEST.requestHeaders, 'request_headers'],
  [REQUEST.responseHeaders, 'response_headers'],
  [REQUEST.requestBody, 'request_body'],
  [REQUEST.responseBody, 'response_body'],
  [REQUEST.requestTrailers, 'request_trailers'],
  [REQUEST.responseTrailers, 'response_trailers'],
]);

/** ProcessingResponse has its parts under numbers of its own. */
const ANSWERS: Readonly<Record<ProcessingPart, number>> = {
  request_headers: 1,
  response_headers: 2,
  request_body: 3,
  response_body: 4,
  request_trailers: 5,
  response_trailers: 6,
};

export type ProcessingRequest = {
  readonly part: ProcessingPart;
  /** From ext_authz's dynamic metadata. */
  readonly ticket: string | undefined;
  /** As the client wrote it; undefined where Envoy does not tell it. */
  readonly host: string | undefined;
};

/** Total. The error is of the reader, never text of a client. */
export function decodeProcessingRequest(bytes: Buffer): Result<ProcessingRequest, string> {
  const reader = new WireReader(bytes);
  const end = bytes.length;
  let part: ProcessingPart | undefined;
  let ticket: string | undefined;
  let host: string | undefined;
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    const named = PARTS.get(tag);
    if (named !== undefined) {
      part = named;
      reader.jump(reader.payload(end));
    } else if (tag === REQUEST.metadataContext) {
      ticket = textInMetadata(reader, reader.payload(end)) ?? ticket;
    } else if (tag === REQUEST.attributes) {
      host = textInEntry(reader, reader.payload(end), PROC_NAMESPACE, HOST_ATTRIBUTE) ?? host;
    } else reader.skip(tag, end, REQUEST.known);
  }
  if (reader.fault !== undefined) return err(`not a ProcessingRequest: ${reader.fault}`);
  return part === undefined ? err('a ProcessingRequest about nothing') : ok({ part, ticket, host });
}

function textInMetadata(reader: WireReader, end: number): string | undefined {
  let found: string | undefined;
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === METADATA.filterMetadata) {
      found = textInEntry(reader, reader.payload(end), AUTHZ_NAMESPACE, HOLD_METADATA) ?? found;
    } else reader.skip(tag, end, METADATA.known);
  }
  return found;
}

/** The text of `field` in the Struct of this entry, if the entry is that of `namespace`. */
function textInEntry(reader: WireReader, end: number, namespace: string, field: string): string | undefined {
  const { key, valueStart, valueEnd } = readEntry(reader, end);
  if (key !== namespace) return undefined;
  const back = reader.jump(valueStart);
  let found: string | undefined;
  for (let tag = reader.tag(valueEnd); tag !== 0; tag = reader.tag(valueEnd)) {
    if (tag === STRUCT.fields) found = textOfField(reader, reader.payload(valueEnd), field) ?? found;
    else reader.skip(tag, valueEnd, STRUCT.known);
  }
  if (reader.fault === undefined) reader.jump(back);
  return found;
}

function textOfField(reader: WireReader, end: number, field: string): string | undefined {
  const { key, valueStart, valueEnd } = readEntry(reader, end);
  if (key !== field) return undefined;
  const back = reader.jump(valueStart);
  let found: string | undefined;
  for (let tag = reader.tag(valueEnd); tag !== 0; tag = reader.tag(valueEnd)) {
    if (tag === VALUE.stringValue) {
      const textEnd = reader.payload(valueEnd);
      found = reader.bytes.toString('utf8', reader.jump(textEnd), textEnd);
    } else reader.skip(tag, valueEnd, VALUE.known);
  }
  if (reader.fault === undefined) reader.jump(back);
  return found;
}

/** Leaves the reader at the end of the entry. */
function readEntry(
  reader: WireReader,
  end: number,
): { readonly key: string; readonly valueStart: number; readonly valueEnd: number } {
  let key = '';
  let valueStart = end;
  let valueEnd = end;
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === ENTRY.key) {
      const keyEnd = reader.payload(end);
      key = reader.bytes.toString('utf8', reader.jump(keyEnd), keyEnd);
    } else if (tag === ENTRY.value) {
      valueEnd = reader.payload(end);
      valueStart = reader.jump(valueEnd);
    } else reader.skip(tag, end, ENTRY.known);
  }
  return { key, valueStart, valueEnd };
}

/** "Go on, and change nothing." */
export const continueBytes = (part: ProcessingPart): Buffer => Buffer.of(tagOf(ANSWERS[part], LENGTH), 0);

const IMMEDIATE_RESPONSE = 7;
const IMMEDIATE = { status: 1, body: 3, details: 5 };
/** Of HttpStatus. */
const CODE = 1;

/**
 * ImmediateResponse: before an answer has begun it is this answer; afterwards Envoy resets the stream towards both sides. `details` goes into the
 * access log in either case.
 */
export function immediateResponseBytes(answer: {
  readonly status: number;
  readonly body: string;
  readonly details: string;
}): Buffer {
  const { status, body, details } = answer;
  const statusSize = 1 + varintSize(status);
  const bodySize = Buffer.byteLength(body);
  const detailsSize = Buffer.byteLength(details);
  const size = lengthFieldSize(statusSize) + lengthFieldSize(bodySize) + lengthFieldSize(detailsSize);
  const writer = new WireWriter(lengthFieldSize(size));
  writer.lengthField(IMMEDIATE_RESPONSE, size);
  writer.lengthField(IMMEDIATE.status, statusSize);
  writer.byte(tagOf(CODE, VARINT));
  writer.varint(status);
  writer.text(IMMEDIATE.body, body, bodySize);
  writer.text(IMMEDIATE.details, details, detailsSize);
  return writer.done();
}
