/** Arbitrary CheckRequests for property tests, and unknown fields put between the known ones at every level that is read. */

import fc from 'fast-check';

import type { CheckRequestMessage } from './oracle.ts';

// proto-loader keeps maps in plain objects, where this one key cannot be.
const key = fc
  .string({ unit: 'grapheme-ascii', maxLength: 12 })
  .filter((text) => text !== '__proto__')
  .map((text) => text.toLowerCase());
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme-ascii', minLength: 100, maxLength: 300 }),
);
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const dictionary = fc.dictionary(key, text, { maxKeys: 8, noNullPrototype: true });

const partial = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { requiredKeys: [] }) as unknown as fc.Arbitrary<Partial<T>>;

const address = fc.oneof(
  partial({ socket_address: partial({ address: text, port_value: fc.nat(0xffffffff) }) }),
  partial({ socket_address: partial({ address: text, named_port: text }) }),
  partial({ pipe: partial({ path: text }) }),
  partial({ envoy_internal_address: partial({ endpoint_id: text }) }),
);

const peer = partial({ address, service: text, labels: dictionary, principal: text, certificate: text });

const rawHeader = fc.oneof(partial({ key, value: text }), partial({ key, raw_value: bytes }));

const headers = fc.oneof(
  partial({ headers: dictionary }),
  partial({ header_map: partial({ headers: fc.array(rawHeader, { maxLength: 12 }) }) }),
);
const body = fc.oneof(partial({ body: text }), partial({ raw_body: bytes }));

const http = fc
  .tuple(
    partial({
      id: text,
      method: text,
      path: text,
      host: text,
      scheme: text,
      query: text,
      fragment: text,
      size: fc.bigInt({ min: -1n, max: 2n ** 40n }).map(String),
      protocol: text,
    }),
    headers,
    body,
  )
  .map((parts) => Object.assign({}, ...parts) as object);

export const anyCheckRequest = partial({
  attributes: partial({
    source: peer,
    destination: peer,
    request: partial({
      time: partial({ seconds: fc.nat().map(String), nanos: fc.nat(999_999_999) }),
      http: optional(http),
    }),
    context_extensions: dictionary,
    tls_session: partial({ sni: text }),
  }),
}) as fc.Arbitrary<CheckRequestMessage>;

/** The message fields that are read, by path of field numbers from the root. */
const messages: { readonly [path: string]: readonly number[] } = {
  '': [1],
  '1': [1, 4, 10],
  '1.1': [1],
  '1.1.1': [1],
  '1.1.1.1': [],
  '1.4': [2],
  '1.4.2': [3, 13],
  '1.4.2.3': [],
  '1.4.2.13': [1],
  '1.4.2.13.1': [],
  '1.10': [],
};

const varint = (value: number): Buffer => {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  return Buffer.from([...out, rest]);
};

const readVarint = (from: Buffer, at: number): { readonly value: number; readonly next: number } => {
  let value = 0;
  for (let index = 0; ; index++) {
    const byte = from.readUInt8(at + index);
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, next: at + index + 1 };
  }
};

const unknownFields: readonly ((number: number) => Buffer)[] = [
  () => Buffer.alloc(0),
  () => Buffer.alloc(0),
  (number) =>
    Buffer.concat([varint(number * 8), Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])]),
  (number) => Buffer.concat([varint(number * 8 + 1), Buffer.from('12345678')]),
  (number) => Buffer.concat([varint(number * 8 + 2), Buffer.from([3]), Buffer.from('abc')]),
  (number) => Buffer.concat([varint(number * 8 + 5), Buffer.from('1234')]),
];

/** The same message with fields of numbers that no message has, in each message that is read. */
export function injectUnknownFields(message: Buffer, choices: Iterator<number>, path = ''): Buffer {
  const choose = (): number => (choices.next() as IteratorYieldResult<number>).value;
  const unknown = (): Buffer => {
    const make = unknownFields[choose() % unknownFields.length] ?? (() => Buffer.alloc(0));
    return make(20 + (choose() % 5_000));
  };
  const parts: Buffer[] = [unknown()];
  for (let at = 0; at < message.length;) {
    const start = at;
    const tag = readVarint(message, at);
    const field = Math.floor(tag.value / 8);
    switch (tag.value % 8) {
      case 0:
        at = readVarint(message, tag.next).next;
        parts.push(message.subarray(start, at));
        break;
      case 2: {
        const length = readVarint(message, tag.next);
        at = length.next + length.value;
        const payload = message.subarray(length.next, at);
        const inner = path === '' ? String(field) : `${path}.${field}`;
        const isRead = messages[path]?.includes(field) === true;
        const rewritten = isRead ? injectUnknownFields(payload, choices, inner) : payload;
        parts.push(message.subarray(start, tag.next), varint(rewritten.length), rewritten);
        break;
      }
      default:
        throw new Error('the oracle writes only varints and lengths here');
    }
    parts.push(unknown());
  }
  return Buffer.concat(parts);
}
