/**
 * encodeOutcome: Outcome -> the bytes of a CheckResponse. Definitions: proto/envoy/service/auth/v3/external_auth.proto. How Envoy 1.40 reads the
 * append actions differs from place to place; the constants below say what has been seen. Nothing here decides; it refuses to write what would break.
 */

import type { Outcome, OwnResponse, UpstreamChanges } from '../../core/response/decision.ts';
import { ownHeaders } from '../../core/response/own-headers.ts';
import { refusalCodes, type RefusalCode } from '../../core/response/refusal-codes.ts';
import { HOLD_METADATA } from '../../core/streams/ticket.ts';
import { tagOf, VARINT } from './wire-reader.ts';
import { lengthFieldSize, varintSize, WireWriter } from './wire-writer.ts';

/** config.core.v3.HeaderValueOption.HeaderAppendAction. `append`, the older way to say it, is never written: it adds to what the client sent. */
type AppendAction = typeof APPEND_IF_EXISTS_OR_ADD | typeof OVERWRITE_IF_EXISTS_OR_ADD;
const APPEND_IF_EXISTS_OR_ADD = 0;
/** Towards the upstream it replaces every copy that the client sent. In a denied response each line is sent, also several Set-Cookie. */
const OVERWRITE_IF_EXISTS_OR_ADD = 2;

const CHECK_RESPONSE = { status: 1, deniedResponse: 2, okResponse: 3, dynamicMetadata: 4 };
/** google.protobuf.Struct, the entries of its map, and Value. */
const STRUCT = { fields: 1 };
const FIELDS_ENTRY = { key: 1, value: 2 };
const VALUE_OF_FIELD = { stringValue: 3 };
const DENIED = { status: 1, headers: 2, body: 3 };
const OK_RESPONSE = { headers: 2, headersToRemove: 5, responseHeadersToAdd: 6 };
const HEADER_VALUE_OPTION = { header: 1, appendAction: 3 };
const HEADER_VALUE = { key: 1, value: 2 };
/** Of google.rpc.Status and of HttpStatus. */
const CODE = 1;

/** RFC 9110 §5.1, lower-case; so neither a pseudo header nor one that Envoy would read as another. */
const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** RFC 9110 §5.5: no control but tab. Other than ASCII is sent as UTF-8; half a surrogate pair would be sent as something else. */
const ASCII_VALUE = /^[\t\x20-\x7e]*$/;
const VALUE = /^[\t\x20-\x7e\u{a0}-\u{d7ff}\u{e000}-\u{10ffff}]*$/u;

type Option = {
  readonly field: number;
  readonly name: string;
  readonly value: string;
  readonly action: AppendAction;
  readonly valueSize: number;
  readonly headerSize: number;
  readonly optionSize: number;
};

/** What may not be written; its message names the rule and the header, never the value. */
class Unwritable extends Error {}

/**
 * The bytes of the outcome. What would not arrive as it was meant (a header with a control character, a pseudo header, a status that is no final
 * one) becomes the bytes of an explicit 500 refusal; `onFault` is told why, without values.
 */
export function encodeOutcome(outcome: Outcome, onFault?: (reason: string) => void): Buffer {
  try {
    return outcome.kind === 'allow'
      ? encodeAllow(outcome.upstream, outcome.ticket)
      : encodeAnswer(outcome.response, outcome.code);
  } catch (error) {
    onFault?.(error instanceof Unwritable ? error.message : 'the answer cannot be encoded');
    return internalError;
  }
}

function encodeAllow({ set, remove, setCookies }: UpstreamChanges, ticket: string | undefined): Buffer {
  const options = [
    ...set.map(([name, value]) => option(OK_RESPONSE.headers, name, value, OVERWRITE_IF_EXISTS_OR_ADD)),
    ...setCookies.map((value) =>
      option(OK_RESPONSE.responseHeadersToAdd, 'set-cookie', value, APPEND_IF_EXISTS_OR_ADD),
    ),
  ];
  // Envoy removes after it has set.
  const removed = remove.filter((name) => !set.some(([other]) => other === name));
  for (const name of removed) assertName(name);

  let size = sizeOf(options);
  for (const name of removed) size += lengthFieldSize(name.length);

  // The status is empty: code 0, OK.
  const metadata = ticket === undefined ? undefined : metadataSizes(ticket);
  const metadataSize = metadata === undefined ? 0 : lengthFieldSize(metadata.struct);
  const writer = new WireWriter(lengthFieldSize(0) + lengthFieldSize(size) + metadataSize);
  writer.lengthField(CHECK_RESPONSE.status, 0);
  writer.lengthField(CHECK_RESPONSE.okResponse, size);
  for (const each of options) writeOption(writer, each);
  for (const name of removed) writer.text(OK_RESPONSE.headersToRemove, name, name.length);
  if (ticket !== undefined && metadata !== undefined) {
    writer.lengthField(CHECK_RESPONSE.dynamicMetadata, metadata.struct);
    writer.lengthField(STRUCT.fields, metadata.entry);
    writer.text(FIELDS_ENTRY.key, HOLD_METADATA, HOLD_METADATA.length);
    writer.lengthField(FIELDS_ENTRY.value, metadata.value);
    writer.text(VALUE_OF_FIELD.stringValue, ticket, ticket.length);
  }
  return writer.done();
}

/** Of the nested messages, from the inside out. A ticket is base64url. */
function metadataSizes(ticket: string): { readonly struct: number; readonly entry: number; readonly value: number } {
  const value = lengthFieldSize(ticket.length);
  const entry = lengthFieldSize(HOLD_METADATA.length) + lengthFieldSize(value);
  return { struct: lengthFieldSize(entry), entry, value };
}

/** INVARIANT: the status code written is 1 to 16. Envoy 1.40 lets a denied_response with status code 0 through to the upstream. */
function encodeAnswer(response: OwnResponse, code: RefusalCode): Buffer {
  const { grpcStatus } = refusalCodes[code];
  if (!Number.isInteger(grpcStatus) || grpcStatus < 1 || grpcStatus > 16)
    throw new Unwritable('an answer with status 0');
  const { status } = response;
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new Unwritable('not a final HTTP status');

  const options = response.headers.map(([name, value]) =>
    option(DENIED.headers, name, value, OVERWRITE_IF_EXISTS_OR_ADD),
  );
  const bodySize = Buffer.byteLength(response.body);
  const httpStatusSize = 1 + varintSize(status);
  const deniedSize = lengthFieldSize(httpStatusSize) + sizeOf(options) + lengthFieldSize(bodySize);

  const writer = new WireWriter(lengthFieldSize(2) + lengthFieldSize(deniedSize));
  writer.lengthField(CHECK_RESPONSE.status, 2);
  writer.byte(tagOf(CODE, VARINT));
  writer.byte(grpcStatus);
  writer.lengthField(CHECK_RESPONSE.deniedResponse, deniedSize);
  writer.lengthField(DENIED.status, httpStatusSize);
  writer.byte(tagOf(CODE, VARINT));
  writer.varint(status);
  for (const each of options) writeOption(writer, each);
  writer.text(DENIED.body, response.body, bodySize);
  return writer.done();
}

function option(field: number, name: string, value: string, action: AppendAction): Option {
  assertName(name);
  const isAscii = ASCII_VALUE.test(value);
  if (!isAscii && !VALUE.test(value)) throw new Unwritable(`a value of ${name} that no header may have`);
  const valueSize = isAscii ? value.length : Buffer.byteLength(value);
  const headerSize = lengthFieldSize(name.length) + lengthFieldSize(valueSize);
  const optionSize = lengthFieldSize(headerSize) + (action === 0 ? 0 : 2);
  return { field, name, value, action, valueSize, headerSize, optionSize };
}

/** Host is not for a decision to change: it would be sent to a host that was not judged. */
function assertName(name: string): void {
  if (!NAME.test(name) || name === 'host') throw new Unwritable('a header name that may not be written');
}

const sizeOf = (options: readonly Option[]): number =>
  options.reduce((size, { optionSize }) => size + lengthFieldSize(optionSize), 0);

function writeOption(
  writer: WireWriter,
  { field, name, value, action, valueSize, headerSize, optionSize }: Option,
): void {
  writer.lengthField(field, optionSize);
  writer.lengthField(HEADER_VALUE_OPTION.header, headerSize);
  writer.text(HEADER_VALUE.key, name, name.length);
  writer.text(HEADER_VALUE.value, value, valueSize);
  if (action !== 0) {
    writer.byte(tagOf(HEADER_VALUE_OPTION.appendAction, VARINT));
    writer.byte(action);
  }
}

/** The explicit refusal for a fault of Doorward's own. */
export const internalErrorBytes = (): Buffer => internalError;

/** The last resort, made once. It is written by the same code, so it obeys the same invariants. */
const internalError = encodeAnswer(
  {
    status: refusalCodes['internal-error'].httpStatus,
    headers: ownHeaders('text/plain; charset=utf-8'),
    body: `${refusalCodes['internal-error'].meaning}\n`,
  },
  'internal-error',
);
