import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { decodeCheckRequest } from '../../../src/adapters/envoy/decode-check-request.ts';
import type { AccessRequest } from '../../../src/core/request/access-request.ts';
import { expectAgreement } from './agreement.ts';
import { anyCheckRequest, injectUnknownFields } from './any-check-request.ts';
import { decodeRequest, encodeRequest, fixture, fixtures, type Fixture, type HttpMessage } from './oracle.ts';

const decoded = (bytes: Uint8Array): AccessRequest => {
  const result = decodeCheckRequest(bytes);
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

const withHttp = (http: HttpMessage): Buffer => encodeRequest({ attributes: { request: { http } } });

/** Length-delimited field below 16, payload below 128 bytes. */
const field = (number: number, ...payload: readonly (Buffer | string)[]): Buffer => {
  const body = Buffer.concat(payload.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([number * 8 + 2, body.length]), body]);
};
const inHttp = (...fields: readonly Buffer[]): Buffer => field(1, field(4, field(2, ...fields)));
const inSource = (...fields: readonly Buffer[]): Buffer => field(1, field(1, ...fields));

/** Everything that Doorward reads, from the proto3 JSON that came with the capture. */
function fromJson({ json: { attributes } }: Fixture): Record<string, unknown> {
  const { http } = attributes.request;
  const raw = http.headerMap?.headers.map(({ key, rawValue }) => [
    key,
    Buffer.from(rawValue ?? '', 'base64').toString(),
  ]);
  const lines = raw ?? Object.entries(http.headers ?? {});
  const bytes = http.rawBody === undefined ? http.body : Buffer.from(http.rawBody, 'base64').toString('latin1');
  return {
    isHttp: true,
    method: http.method,
    path: http.path ?? '',
    authority: http.host,
    scheme: http.scheme,
    protocol: http.protocol,
    hasRawHeaders: raw !== undefined,
    lines: [...new Set(lines.map(([name]) => name))].map((name) => [
      name,
      lines.filter(([other]) => other === name).map(([, value]) => value),
    ]),
    address: attributes.source.address?.socketAddress?.address ?? '',
    port: attributes.source.address?.socketAddress?.portValue ?? 0,
    principal: attributes.source.principal ?? '',
    certificate: attributes.source.certificate ?? '',
    body: bytes,
    context: Object.entries(attributes.contextExtensions ?? {}),
  };
}

function asRead(request: AccessRequest, contextKeys: readonly string[]): Record<string, unknown> {
  const { isHttp, method, path, authority, scheme, protocol, hasRawHeaders, source, headers, body } = request;
  return {
    ...{ isHttp, method, path, authority, scheme, protocol, hasRawHeaders },
    lines: headers.names().map((name) => [name, headers.lines(name)]),
    ...source,
    body: body && Buffer.from(body.bytes).toString(body.asString ? 'utf8' : 'latin1'),
    context: contextKeys.map((key) => [key, request.contextExtension(key)]),
  };
}

describe('a CheckRequest captured from Envoy 1.40', () => {
  test('there are captures of each kind', () => expect(fixtures.length).toBeGreaterThanOrEqual(16));

  test.each(fixtures)('$name is read as its JSON says', (capture) => {
    const request = decoded(capture.bytes);
    expect(asRead(request, Object.keys(capture.json.attributes.contextExtensions ?? {}))).toEqual(fromJson(capture));
  });

  test.each(fixtures)('$name is read as the oracle reads it', ({ bytes }) => {
    expectAgreement(decoded(bytes), decodeRequest(bytes));
  });

  test.each(fixtures)('$name, cut at any byte, is an error or the beginning of itself', ({ bytes }) => {
    for (let length = 0; length < bytes.length; length++) {
      const result = decodeCheckRequest(bytes.subarray(0, length));
      // Only the empty message is whole again: the one field of a CheckRequest spans all its bytes.
      expect(result.ok).toBe(length === 0);
    }
  });

  test('without a body has none, with one has its bytes and whether it is whole', () => {
    expect(decoded(fixture('plain')).body).toBeUndefined();
    expect(decoded(fixture('body')).body).toMatchObject({ partial: false, asString: true });
    expect(decoded(fixture('body-partial')).body).toMatchObject({ partial: true, asString: true });
    expect(decoded(fixture('raw-headers')).body).toMatchObject({ partial: false, asString: false });
  });

  test('with raw headers has its duplicate lines apart', () => {
    const { headers, hasRawHeaders } = decoded(fixture('raw-headers'));
    expect(hasRawHeaders).toBe(true);
    expect(headers.lines('x-multi')).toEqual(['a', 'b']);
    expect(decoded(fixture('plain')).headers.lines('x-multi')).toEqual(['a,b']);
  });

  test('can be given as a plain Uint8Array inside a larger buffer', () => {
    const bytes = fixture('plain');
    const larger = new Uint8Array(bytes.length + 20);
    larger.set(bytes, 10);
    expect(decoded(larger.subarray(10, 10 + bytes.length)).path).toBe('/a%20b//c?x=1&y=%41');
  });
});

describe('any CheckRequest', () => {
  test('is read as the oracle reads it, whatever unknown fields stand between the known ones', () => {
    fc.assert(
      fc.property(anyCheckRequest, fc.infiniteStream(fc.nat()), (message, choices) => {
        const bytes = injectUnknownFields(encodeRequest(message), choices);
        expectAgreement(decoded(bytes), decodeRequest(bytes));
      }),
      { numRuns: 400 },
    );
  });

  test('sent in two pieces is what protobuf says: the messages merged, the later value kept', () => {
    fc.assert(
      fc.property(anyCheckRequest, anyCheckRequest, (first, second) => {
        const bytes = Buffer.concat([encodeRequest(first), encodeRequest(second)]);
        const result = decodeCheckRequest(bytes);
        const [one, two] = [first.attributes?.request?.http, second.attributes?.request?.http];
        if (!result.ok) {
          expect(result.error).toMatch(/^both /);
          return;
        }
        expect(result.value.isHttp).toBe(Boolean(one) || Boolean(two));
        for (const [read, key] of [
          ['method', 'method'],
          ['path', 'path'],
          ['authority', 'host'],
          ['protocol', 'protocol'],
        ] as const) {
          expect(result.value[read]).toBe(two?.[key] ?? one?.[key] ?? '');
        }
        const names = new Set([...Object.keys(one?.headers ?? {}), ...Object.keys(two?.headers ?? {})]);
        for (const name of names) {
          const value = Object.hasOwn(two?.headers ?? {}, name) ? two?.headers?.[name] : one?.headers?.[name];
          expect(result.value.headers.lines(name)).toEqual([value]);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('what protobuf allows but no reader should guess at', () => {
  test.each<[string, Buffer, string]>([
    [
      'both headers and header_map',
      withHttp({ headers: { a: '1' }, header_map: { headers: [{ key: 'a', value: '2' }] } }),
      'both headers and header_map',
    ],
    ['both body and raw_body', withHttp({ body: 'a', raw_body: Buffer.from('b') }), 'both body and raw_body'],
    [
      'a header with two values',
      withHttp({ header_map: { headers: [{ key: 'a', value: '1', raw_value: Buffer.from('2') }] } }),
      'a header with both value and raw_value',
    ],
    ['a varint where a string belongs', inHttp(Buffer.from([0x10, 1])), 'not a CheckRequest: wrong wire type'],
    [
      'a string where the port belongs',
      inSource(field(1, field(1, field(3, 'x')))),
      'not a CheckRequest: wrong wire type',
    ],
    [
      'a fixed64 where attributes belong',
      Buffer.from([0x09, 0, 0, 0, 0, 0, 0, 0, 0]),
      'not a CheckRequest: wrong wire type',
    ],
    ['an unknown group', Buffer.from([0x9b, 1, 0x9c, 1]), 'not a CheckRequest: group'],
    ['the end of a group', Buffer.from([0x9c, 1]), 'not a CheckRequest: group'],
    ['wire type 6', Buffer.from([0x9e, 1, 0]), 'not a CheckRequest: group'],
    ['field number 0', Buffer.from([0x02, 0]), 'not a CheckRequest: field number 0'],
    [
      'a tag of six bytes',
      Buffer.from([0x8a, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00]),
      'not a CheckRequest: varint too long',
    ],
    ['a tag beyond 32 bits', Buffer.from([0x8a, 0x80, 0x80, 0x80, 0x10, 0x00]), 'not a CheckRequest: varint too long'],
    [
      'a length beyond 32 bits',
      Buffer.from([0x0a, 0x80, 0x80, 0x80, 0x80, 0x10]),
      'not a CheckRequest: varint too long',
    ],
    ['a length of 4 GiB', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]), 'not a CheckRequest: truncated'],
    [
      'a length past the end of its message, inside the bytes',
      inHttp(Buffer.from([0x12, 2, 0x41])).fill(0x41, 9),
      'not a CheckRequest: truncated',
    ],
    ['an unknown fixed32 cut short', Buffer.from([0x9d, 1, 0, 0, 0]), 'not a CheckRequest: truncated'],
    ['an unknown fixed64 cut short', Buffer.from([0x99, 1, 0, 0, 0, 0, 0, 0, 0]), 'not a CheckRequest: truncated'],
    [
      'a value of eleven bytes',
      Buffer.from([0x98, 1, ...Array<number>(10).fill(0xff), 1]),
      'not a CheckRequest: varint too long',
    ],
    ['a message of another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'not a CheckRequest: group'],
  ])('%s is an error', (_, bytes, error) => {
    expect(decodeCheckRequest(bytes)).toEqual({ ok: false, error });
  });

  test('an unknown field of each other wire type is passed over', () => {
    const unknown = Buffer.from([
      0x98, 1, 0xff, 1, 0x9d, 1, 1, 2, 3, 4, 0x99, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0x9a, 1, 1, 0,
    ]);
    expect(decoded(Buffer.concat([unknown, inHttp(field(2, 'GET'), unknown)])).method).toBe('GET');
    expect(decoded(Buffer.concat([unknown, inHttp(field(2, 'GET'))])).method).toBe('GET');
  });

  test('a field number far beyond the known ones is not taken for one of them', () => {
    // Field 33: 33 mod 32 is the field `attributes`.
    expect(decoded(Buffer.from([0x88, 2, 1])).isHttp).toBe(false);
  });

  test.each([
    ['headers', Buffer.concat(Array<Buffer>(4_097).fill(Buffer.from([0x1a, 0]))), 2, 'more headers than are read'],
    [
      'context extensions',
      Buffer.concat(Array<Buffer>(1_025).fill(Buffer.from([0x52, 0]))),
      1,
      'more context extensions than are read',
    ],
  ])('a message of nothing but %s is bounded', (_, entries, depth, error) => {
    const wrap = (number: number, payload: Buffer) =>
      Buffer.concat([
        Buffer.from([
          number * 8 + 2,
          (payload.length & 0x7f) | 0x80,
          ((payload.length >>> 7) & 0x7f) | 0x80,
          payload.length >>> 14,
        ]),
        payload,
      ]);
    const bytes = depth === 2 ? wrap(1, wrap(4, wrap(2, entries))) : wrap(1, entries);
    expect(decodeCheckRequest(bytes)).toEqual({ ok: false, error });
  });
});

describe('a field', () => {
  test('that comes twice counts by its last value', () => {
    expect(decoded(inHttp(field(2, 'GET'), field(2, 'POST'))).method).toBe('POST');
    expect(decoded(Buffer.concat([inHttp(field(2, 'GET'), field(4, '/a')), inHttp(field(4, '/b'))]))).toMatchObject({
      method: 'GET',
      path: '/b',
    });
  });

  test('of a map that comes twice counts by its last value, in any case of letters', () => {
    const entry = (key: string, value: string) => field(3, field(1, key), field(2, value));
    const { headers } = decoded(inHttp(entry('a', '1'), entry('b', '2'), entry('a', '3'), entry('B', '4')));
    expect(headers.lines('a')).toEqual(['3']);
    expect(headers.lines('b')).toEqual(['4']);
    expect(headers.names()).toEqual(['a', 'b']);
  });

  test('of a map without key or value has the empty string for it', () => {
    const { headers } = decoded(inHttp(field(3, field(1, 'a')), field(3, field(2, 'v'))));
    expect(headers.lines('a')).toEqual(['']);
    expect(headers.lines('')).toEqual(['v']);
  });

  test('with bytes that are not UTF-8 has U+FFFD for them', () => {
    const { headers } = decoded(
      withHttp({ header_map: { headers: [{ key: 'a', raw_value: Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xc3]) }] } }),
    );
    expect(headers.lines('a')).toEqual(['a\ufffdé\ufffd']);
  });

  test('keeps a byte order mark and control characters as they are', () => {
    expect(decoded(withHttp({ path: '\ufeff/\r\n\0' })).path).toBe('\ufeff/\r\n\0');
  });

  test('of the raw header map may use value in place of raw_value', () => {
    const { headers } = decoded(withHttp({ header_map: { headers: [{ key: 'X-A', value: '1' }, { key: 'x-a' }] } }));
    expect(headers.lines('x-a')).toEqual(['1', '']);
    expect(headers.names()).toEqual(['x-a']);
  });
});

describe('the peer', () => {
  const socket = field(1, field(2, '192.0.2.1'), Buffer.from([0x18, 0x50]));
  const none = { address: '', port: 0 };

  test.each<[string, Buffer, object]>([
    ['a socket address', inSource(field(1, socket)), { address: '192.0.2.1', port: 80 }],
    ['a pipe', inSource(field(1, field(2, field(1, '/run/x')))), none],
    ['no address', inSource(), none],
    ['a socket address replaced by a pipe', inSource(field(1, socket, field(2, field(1, '/run/x')))), none],
    ['a socket address replaced by an internal one', inSource(field(1, socket, field(3))), none],
    ['a pipe replaced by a socket address', inSource(field(1, field(2), socket)), { address: '192.0.2.1', port: 80 }],
    ['a port replaced by a named one', inSource(field(1, field(1, Buffer.from([0x18, 0x50]), field(4, 'http')))), none],
    [
      'a port in ten bytes',
      inSource(field(1, field(1, Buffer.from([0x18, 0xd0, ...Array<number>(8).fill(0x80), 0])))),
      { address: '', port: 80 },
    ],
  ])('is known of %s', (_, bytes, source) => {
    expect(decoded(bytes).source).toMatchObject(source);
  });

  test('is read when asked, the same each time', () => {
    const { source } = decoded(fixture('mtls'));
    expect(source.principal).toBe('spiffe://corp.example/ns/pay/sa/billing');
    expect(source.certificate).toBe(source.certificate);
    expect(source.certificate.startsWith('-----BEGIN%20CERTIFICATE-----%0A')).toBe(true);
  });
});

describe('the body', () => {
  const partial = (...values: readonly string[]) =>
    decoded(
      withHttp({
        raw_body: Buffer.from('x'),
        header_map: { headers: values.map((value) => ({ key: 'x-envoy-auth-partial-body', value })) },
      }),
    ).body?.partial;

  test('is whole only where each mark says so', () => {
    expect(partial('false')).toBe(false);
    expect(partial('true')).toBe(true);
    expect(partial()).toBe(true);
    expect(partial('')).toBe(true);
    expect(partial('false', 'true')).toBe(true);
    expect(partial('false', 'false')).toBe(false);
    expect(decoded(withHttp({ body: 'x', headers: { 'x-envoy-auth-partial-body': 'false,true' } })).body?.partial).toBe(
      true,
    );
  });

  test('is none when it is empty, also where a client claims one', () => {
    expect(decoded(withHttp({ body: '', headers: { 'x-envoy-auth-partial-body': 'false' } })).body).toBeUndefined();
  });
});

test('a network-level Check is no HTTP request', () => {
  const request = decoded(encodeRequest({ attributes: { source: { principal: 'x' } } }));
  expect(request.isHttp).toBe(false);
  expect(request.headers.names()).toEqual([]);
  expect(request.contextExtension('a')).toBeUndefined();
  expect(decoded(Buffer.alloc(0)).isHttp).toBe(false);
});

test('context extensions are found by their exact key', () => {
  const request = decoded(encodeRequest({ attributes: { context_extensions: { 'doorward.route': 'a', other: 'b' } } }));
  expect(request.contextExtension('doorward.route')).toBe('a');
  expect(request.contextExtension('Doorward.Route')).toBeUndefined();
  expect(request.contextExtension('doorward.routes')).toBeUndefined();
});
