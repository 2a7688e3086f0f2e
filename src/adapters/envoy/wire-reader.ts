/**
 * WireReader: a cursor over protobuf bytes (https://protobuf.dev/programming-guides/encoding). Nothing a peer can send makes it throw, loop or allocate:
 * the first fault is kept, and from then on every message ends at once. It knows no message.
 */

export const VARINT = 0;
const FIXED64 = 1;
export const LENGTH = 2;
const FIXED32 = 5;

/** The tag by which `field` of wire type `type` begins; what `WireReader.tag` returns. */
export const tagOf = (field: number, type: number): number => field * 8 + type;

export type WireFault = 'truncated' | 'varint too long' | 'wrong wire type' | 'group' | 'field number 0';

/** Ten bytes hold 64 bits, five hold 32. */
const VARINT_BYTES_MAX = 10;
const UINT32_BYTES_MAX = 5;

export class WireReader {
  readonly bytes: Buffer;
  position = 0;
  fault: WireFault | undefined = undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /**
   * The next tag of the message that ends at `end`; 0 when the message, or all reading after a fault, is over. The last length
   * that was read never ends behind `end`, so a message is left exactly at its end.
   */
  tag(end: number): number {
    if (this.position >= end || this.fault !== undefined) return 0;
    const tag = this.uint32(end);
    return tag < 8 ? this.fail('field number 0') : tag;
  }

  /** The low 32 bits of a varint value, unsigned, as protobuf reads it into a 32 bit field; 0 after a fault. */
  varint(end: number): number {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const byte = this.byte(end);
      if (index < UINT32_BYTES_MAX) value |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return value >>> 0;
    }
    return this.fail('varint too long');
  }

  /** A tag or length: at most five bytes and 32 bits, so that no two readers can see different ones; 0 after a fault. */
  private uint32(end: number): number {
    const first = this.byte(end);
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let index = 1; index < UINT32_BYTES_MAX; index++) {
      const byte = this.byte(end);
      if (index === UINT32_BYTES_MAX - 1 && byte > 0x0f) break;
      value |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return value >>> 0;
    }
    return this.fail('varint too long');
  }

  private byte(end: number): number {
    return this.position < end ? (this.bytes[this.position++] ?? 0) : this.fail('truncated');
  }

  /** Reads a length and returns where its payload ends; `position` is where it begins. The position itself after a fault. */
  payload(end: number): number {
    const length = this.uint32(end);
    if (this.fault === undefined && length > end - this.position) this.fail('truncated');
    return this.fault === undefined ? this.position + length : this.position;
  }

  /** Goes on at `to`, what `payload` returned; returns where it was. */
  jump(to: number): number {
    const from = this.position;
    this.position = to;
    return from;
  }

  /**
   * Passes over a field that is not read. `known` has bit n set for each field n that the message reads: such a field comes here only with the
   * wrong wire type, and a request that can be read in two ways is not read at all.
   */
  skip(tag: number, end: number, known: number): void {
    const field = tag >>> 3;
    if (field < 32 && ((known >>> field) & 1) === 1) {
      this.fail('wrong wire type');
      return;
    }
    switch (tag & 7) {
      case VARINT:
        this.varint(end);
        return;
      case FIXED64:
        this.advance(8, end);
        return;
      case LENGTH:
        this.position = this.payload(end);
        return;
      case FIXED32:
        this.advance(4, end);
        return;
      default:
        this.fail('group');
    }
  }

  private advance(count: number, end: number): void {
    if (count > end - this.position) this.fail('truncated');
    else this.position += count;
  }

  private fail(fault: WireFault): 0 {
    this.fault ??= fault;
    return 0;
  }
}

/** The fields of a message that are read, as bits for `WireReader.skip`. */
export const fieldBits = (...fields: readonly number[]): number =>
  fields.reduce((bits, field) => bits | (1 << field), 0);
