/** Protobuf bytes of nested messages, written from the sizes up: a size is computed before its message is written, into one buffer. */

import { LENGTH, tagOf } from './wire-reader.ts';

/** Up to about here a loop is quicker than the call into the runtime. */
const SHORT = 24;

/** Of a size or code below 2^31, as all are that are written here. */
export const varintSize = (value: number): number => {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) size++;
  return size;
};

/** Of a field with number below 16: one byte of tag, the length, the payload. */
export const lengthFieldSize = (payload: number): number => 1 + varintSize(payload) + payload;

/** Writes front to back into a buffer of exactly the right size; a size that was computed wrong throws. */
export class WireWriter {
  readonly buffer: Buffer;
  private position = 0;

  constructor(size: number) {
    this.buffer = Buffer.allocUnsafe(size);
  }

  /** A byte past the end is not written; `done` sees it. */
  byte(value: number): void {
    this.buffer[this.position++] = value;
  }

  varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
    this.byte(rest);
  }

  /** The head of a length-delimited field with number below 16. */
  lengthField(field: number, payload: number): void {
    this.byte(tagOf(field, LENGTH));
    this.varint(payload);
  }

  /** `size` is the text's size in UTF-8. */
  text(field: number, text: string, size: number): void {
    this.lengthField(field, size);
    if (size === text.length && size <= SHORT) {
      for (let index = 0; index < size; index++) this.byte(text.charCodeAt(index));
      return;
    }
    if (this.buffer.write(text, this.position, size, size === text.length ? 'latin1' : 'utf8') !== size) {
      throw new RangeError('text larger than its size');
    }
    this.position += size;
  }

  /** The whole buffer. INVARIANT: no byte of it is unwritten, for allocUnsafe may hold anything. */
  done(): Buffer {
    if (this.position !== this.buffer.length) throw new RangeError('message smaller than its size');
    return this.buffer;
  }
}
