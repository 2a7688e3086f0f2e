/** Reads the SSH wire format (RFC 4251 §5) from bytes that a client sent. Total: what is cut short or too long reads as undefined. */

export type WireReader = {
  /** `string`: four bytes of length, then the bytes. */
  bytes(): Uint8Array | undefined;
  /** A `string` as text, byte for byte. */
  text(): string | undefined;
  uint32(): number | undefined;
  uint64(): bigint | undefined;
  /** Position in bytes. */
  readonly offset: number;
  readonly isAtEnd: boolean;
};

export function createWireReader(source: Uint8Array): WireReader {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  let offset = 0;
  const take = (length: number): number | undefined => {
    if (length > source.length - offset) return undefined;
    offset += length;
    return offset - length;
  };
  const reader: WireReader = {
    uint32() {
      const at = take(4);
      return at === undefined ? undefined : view.getUint32(at);
    },
    uint64() {
      const at = take(8);
      return at === undefined ? undefined : view.getBigUint64(at);
    },
    bytes() {
      const length = reader.uint32();
      const at = length === undefined ? undefined : take(length);
      return at === undefined ? undefined : source.subarray(at, offset);
    },
    text() {
      const bytes = reader.bytes();
      return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');
    },
    get offset() {
      return offset;
    },
    get isAtEnd() {
      return offset === source.length;
    },
  };
  return reader;
}
