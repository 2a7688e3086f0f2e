/**
 * decodeCheckRequest: the bytes of a CheckRequest -> AccessRequest. One pass notes where the fields that Doorward reads are; header values
 * are made when asked for. What is not read is passed over unparsed. Definitions: proto/envoy/service/auth/v3.
 */

import type { AccessRequest, RequestBody } from '../../core/request/access-request.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { EntryIndex } from './entry-index.ts';
import { headerLines } from './header-lines.ts';
import { fieldBits, LENGTH, tagOf, VARINT, WireReader } from './wire-reader.ts';

/** Envoy's own bound is 100 headers unless it is configured higher. */
const HEADERS_MAX = 4_096;
const CONTEXT_EXTENSIONS_MAX = 1_024;

const CHECK_REQUEST = { attributes: tagOf(1, LENGTH), known: fieldBits(1) };
const ATTRIBUTE_CONTEXT = {
  source: tagOf(1, LENGTH),
  request: tagOf(4, LENGTH),
  contextExtensions: tagOf(10, LENGTH),
  known: fieldBits(1, 4, 10),
};
const PEER = {
  address: tagOf(1, LENGTH),
  principal: tagOf(4, LENGTH),
  certificate: tagOf(5, LENGTH),
  known: fieldBits(1, 4, 5),
};
const ADDRESS = {
  socketAddress: tagOf(1, LENGTH),
  pipe: tagOf(2, LENGTH),
  envoyInternalAddress: tagOf(3, LENGTH),
  known: fieldBits(1, 2, 3),
};
const SOCKET_ADDRESS = {
  address: tagOf(2, LENGTH),
  portValue: tagOf(3, VARINT),
  namedPort: tagOf(4, LENGTH),
  known: fieldBits(2, 3, 4),
};
const REQUEST = { http: tagOf(2, LENGTH), known: fieldBits(2) };
const HTTP_REQUEST = {
  method: tagOf(2, LENGTH),
  headers: tagOf(3, LENGTH),
  path: tagOf(4, LENGTH),
  host: tagOf(5, LENGTH),
  scheme: tagOf(6, LENGTH),
  protocol: tagOf(10, LENGTH),
  body: tagOf(11, LENGTH),
  rawBody: tagOf(12, LENGTH),
  headerMap: tagOf(13, LENGTH),
  known: fieldBits(2, 3, 4, 5, 6, 10, 11, 12, 13),
};
const HEADER_MAP = { headers: tagOf(1, LENGTH), known: fieldBits(1) };
/** Both a map entry and a HeaderValue: key 1, value 2; the latter also raw_value 3. */
const ENTRY = { key: tagOf(1, LENGTH), value: tagOf(2, LENGTH), rawValue: tagOf(3, LENGTH) };
const MAP_ENTRY_KNOWN = fieldBits(1, 2);
const HEADER_VALUE_KNOWN = fieldBits(1, 2, 3);

/** Where a string is noted in `Found.spans`: its start, and at the next index its end. Equal for what is absent or empty. */
const SPAN = {
  address: 0,
  principal: 2,
  certificate: 4,
  method: 6,
  path: 8,
  host: 10,
  scheme: 12,
  protocol: 14,
  body: 16,
  rawBody: 18,
};
type Slot = (typeof SPAN)[keyof typeof SPAN];

/** What one pass has found. Protobuf's merging falls out of it: a later scalar replaces, a repeated message reads on into the same. */
class Found {
  readonly bytes: Buffer;
  readonly spans = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  isHttp = false;
  port = 0;
  readonly headers: EntryIndex;
  readonly headerMap: EntryIndex;
  readonly contextExtensions: EntryIndex;
  /** A HeaderValue has both `value` and `raw_value`. */
  hasTwoValues = false;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.headers = new EntryIndex(bytes, true);
    this.headerMap = new EntryIndex(bytes, true);
    this.contextExtensions = new EntryIndex(bytes, false);
  }

  start(slot: Slot): number {
    return this.spans[slot] ?? 0;
  }

  end(slot: Slot): number {
    return this.spans[slot + 1] ?? 0;
  }

  has(slot: Slot): boolean {
    return this.end(slot) > this.start(slot);
  }

  text(slot: Slot): string {
    return this.has(slot) ? this.bytes.toString('utf8', this.start(slot), this.end(slot)) : '';
  }

  note(slot: Slot, start: number, end: number): void {
    this.spans[slot] = start;
    this.spans[slot + 1] = end;
  }
}

/**
 * Total: the error says, in words of its own, why the bytes are no request that could be judged. Also refused is what protobuf allows but Envoy
 * never sends and two readers could read differently: a field with the wrong wire type, groups, both `headers` and `header_map`, both `body`
 * and `raw_body`, both `value` and `raw_value`. A key twice in a map is what protobuf says: the last one counts.
 * Bytes that are not UTF-8 become U+FFFD.
 */
export function decodeCheckRequest(bytes: Uint8Array): Result<AccessRequest, string> {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = new WireReader(buffer);
  const found = new Found(buffer);
  readCheckRequest(reader, found);

  if (reader.fault !== undefined) return err(`not a CheckRequest: ${reader.fault}`);
  const refusal = ambiguityOf(found);
  return refusal === undefined ? ok(accessRequestOf(found)) : err(refusal);
}

function ambiguityOf(found: Found): string | undefined {
  if (found.headers.count > HEADERS_MAX || found.headerMap.count > HEADERS_MAX) return 'more headers than are read';
  if (found.contextExtensions.count > CONTEXT_EXTENSIONS_MAX) return 'more context extensions than are read';
  if (found.headers.count > 0 && found.headerMap.count > 0) return 'both headers and header_map';
  if (found.hasTwoValues) return 'a header with both value and raw_value';
  if (found.has(SPAN.body) && found.has(SPAN.rawBody)) return 'both body and raw_body';
  return undefined;
}

function accessRequestOf(found: Found): AccessRequest {
  const hasRawHeaders = found.headerMap.count > 0;
  const headers = headerLines(hasRawHeaders ? found.headerMap : found.headers, hasRawHeaders);
  return {
    isHttp: found.isHttp,
    method: found.text(SPAN.method),
    scheme: found.text(SPAN.scheme),
    authority: found.text(SPAN.host),
    path: found.text(SPAN.path),
    protocol: found.text(SPAN.protocol),
    headers,
    hasRawHeaders,
    source: {
      address: found.text(SPAN.address),
      port: found.port,
      principal: found.text(SPAN.principal),
      certificate: found.text(SPAN.certificate),
    },
    body: bodyOf(found, () => headers.lines('x-envoy-auth-partial-body')),
    contextExtension: (key) => found.contextExtensions.last(key),
    encoded: () => found.bytes.toString('latin1'),
  };
}

/** SECURITY: the body counts as whole only where Envoy says so; it overwrites what a client sends, and always says it when it read a body. */
function bodyOf(found: Found, partialMarks: () => readonly string[]): RequestBody | undefined {
  const isRaw = found.has(SPAN.rawBody);
  const slot = isRaw ? SPAN.rawBody : SPAN.body;
  if (!found.has(slot)) return undefined;
  const marks = partialMarks();
  return {
    bytes: found.bytes.subarray(found.start(slot), found.end(slot)),
    partial: marks.length === 0 || marks.some((mark) => mark !== 'false'),
    asString: !isRaw,
  };
}

function readCheckRequest(reader: WireReader, found: Found): void {
  const end = reader.bytes.length;
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === CHECK_REQUEST.attributes) readAttributeContext(reader, reader.payload(end), found);
    else reader.skip(tag, end, CHECK_REQUEST.known);
  }
}

function readAttributeContext(reader: WireReader, end: number, found: Found): void {
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    switch (tag) {
      case ATTRIBUTE_CONTEXT.source:
        readPeer(reader, reader.payload(end), found);
        break;
      case ATTRIBUTE_CONTEXT.request:
        readRequest(reader, reader.payload(end), found);
        break;
      case ATTRIBUTE_CONTEXT.contextExtensions:
        readEntry(reader, reader.payload(end), found.contextExtensions);
        break;
      default:
        reader.skip(tag, end, ATTRIBUTE_CONTEXT.known);
    }
  }
}

function readPeer(reader: WireReader, end: number, found: Found): void {
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    switch (tag) {
      case PEER.address:
        readAddress(reader, reader.payload(end), found);
        break;
      case PEER.principal:
        readSpan(reader, end, found, SPAN.principal);
        break;
      case PEER.certificate:
        readSpan(reader, end, found, SPAN.certificate);
        break;
      default:
        reader.skip(tag, end, PEER.known);
    }
  }
}

/** A oneof: a pipe or an internal address undoes the socket address before it. */
function readAddress(reader: WireReader, end: number, found: Found): void {
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    switch (tag) {
      case ADDRESS.socketAddress:
        readSocketAddress(reader, reader.payload(end), found);
        break;
      case ADDRESS.pipe:
      case ADDRESS.envoyInternalAddress:
        reader.jump(reader.payload(end));
        found.note(SPAN.address, 0, 0);
        found.port = 0;
        break;
      default:
        reader.skip(tag, end, ADDRESS.known);
    }
  }
}

function readSocketAddress(reader: WireReader, end: number, found: Found): void {
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    switch (tag) {
      case SOCKET_ADDRESS.address:
        readSpan(reader, end, found, SPAN.address);
        break;
      case SOCKET_ADDRESS.portValue:
        found.port = reader.varint(end);
        break;
      case SOCKET_ADDRESS.namedPort:
        reader.jump(reader.payload(end));
        found.port = 0;
        break;
      default:
        reader.skip(tag, end, SOCKET_ADDRESS.known);
    }
  }
}

function readRequest(reader: WireReader, end: number, found: Found): void {
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === REQUEST.http) readHttpRequest(reader, reader.payload(end), found);
    else reader.skip(tag, end, REQUEST.known);
  }
}

function readHttpRequest(reader: WireReader, end: number, found: Found): void {
  found.isHttp = true;
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    switch (tag) {
      case HTTP_REQUEST.headers:
        readEntry(reader, reader.payload(end), found.headers);
        break;
      case HTTP_REQUEST.headerMap:
        readHeaderMap(reader, reader.payload(end), found);
        break;
      case HTTP_REQUEST.method:
        readSpan(reader, end, found, SPAN.method);
        break;
      case HTTP_REQUEST.path:
        readSpan(reader, end, found, SPAN.path);
        break;
      case HTTP_REQUEST.host:
        readSpan(reader, end, found, SPAN.host);
        break;
      case HTTP_REQUEST.scheme:
        readSpan(reader, end, found, SPAN.scheme);
        break;
      case HTTP_REQUEST.protocol:
        readSpan(reader, end, found, SPAN.protocol);
        break;
      case HTTP_REQUEST.body:
        readSpan(reader, end, found, SPAN.body);
        break;
      case HTTP_REQUEST.rawBody:
        readSpan(reader, end, found, SPAN.rawBody);
        break;
      default:
        reader.skip(tag, end, HTTP_REQUEST.known);
    }
  }
}

function readHeaderMap(reader: WireReader, end: number, found: Found): void {
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === HEADER_MAP.headers) readHeaderValue(reader, reader.payload(end), found);
    else reader.skip(tag, end, HEADER_MAP.known);
  }
}

function readHeaderValue(reader: WireReader, end: number, found: Found): void {
  let keyStart = 0;
  let keyEnd = 0;
  let valueStart = 0;
  let valueEnd = 0;
  let rawStart = 0;
  let rawEnd = 0;
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === ENTRY.rawValue) {
      rawEnd = reader.payload(end);
      rawStart = reader.jump(rawEnd);
    } else if (tag === ENTRY.key) {
      keyEnd = reader.payload(end);
      keyStart = reader.jump(keyEnd);
    } else if (tag === ENTRY.value) {
      valueEnd = reader.payload(end);
      valueStart = reader.jump(valueEnd);
    } else reader.skip(tag, end, HEADER_VALUE_KNOWN);
  }
  const isRaw = rawEnd > rawStart;
  if (isRaw && valueEnd > valueStart) found.hasTwoValues = true;
  if (isRaw) found.headerMap.add(keyStart, keyEnd, rawStart, rawEnd);
  else found.headerMap.add(keyStart, keyEnd, valueStart, valueEnd);
}

function readEntry(reader: WireReader, end: number, entries: EntryIndex): void {
  let keyStart = 0;
  let keyEnd = 0;
  let valueStart = 0;
  let valueEnd = 0;
  for (let tag = reader.tag(end); tag !== 0; tag = reader.tag(end)) {
    if (tag === ENTRY.key) {
      keyEnd = reader.payload(end);
      keyStart = reader.jump(keyEnd);
    } else if (tag === ENTRY.value) {
      valueEnd = reader.payload(end);
      valueStart = reader.jump(valueEnd);
    } else reader.skip(tag, end, MAP_ENTRY_KNOWN);
  }
  entries.add(keyStart, keyEnd, valueStart, valueEnd);
}

function readSpan(reader: WireReader, end: number, found: Found, slot: Slot): void {
  const payloadEnd = reader.payload(end);
  found.note(slot, reader.jump(payloadEnd), payloadEnd);
}
