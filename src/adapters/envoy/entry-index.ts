/**
 * EntryIndex: where the keys and values of a list of entries lie in the bytes. Entries cost four numbers each; text is made only for the
 * entry that is asked for, and nothing is kept of it.
 */

/** keyStart, keyEnd, valueStart, valueEnd */
const NUMBERS_PER_ENTRY = 4;
/** Room for so many is made at once, for an array that grows is copied again and again. */
const ENTRIES_USUAL = 24;
const NONE: number[] = [];

const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const TO_LOWER = 0x20;

export class EntryIndex {
  private readonly bytes: Buffer;
  private readonly foldsCase: boolean;
  private offsets: number[] = NONE;
  private length = 0;

  /** `foldsCase`: ASCII letters of the bytes match in both cases; keys that are asked for are lower-case. */
  constructor(bytes: Buffer, foldsCase: boolean) {
    this.bytes = bytes;
    this.foldsCase = foldsCase;
  }

  get count(): number {
    return this.length / NUMBERS_PER_ENTRY;
  }

  add(keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    if (this.length === 0) this.offsets = new Array<number>(ENTRIES_USUAL * NUMBERS_PER_ENTRY);
    const { offsets, length } = this;
    offsets[length] = keyStart;
    offsets[length + 1] = keyEnd;
    offsets[length + 2] = valueStart;
    offsets[length + 3] = valueEnd;
    this.length = length + NUMBERS_PER_ENTRY;
  }

  /** The values of the entries with this key, in order. `key` is ASCII. */
  all(key: string): readonly string[] {
    const values: string[] = [];
    for (let at = 0; at < this.length; at += NUMBERS_PER_ENTRY) {
      if (this.keyIs(at, key)) values.push(this.text(at + 2));
    }
    return values;
  }

  /** The value of the last entry with this key: what counts in a protobuf map. */
  last(key: string): string | undefined {
    for (let at = this.length - NUMBERS_PER_ENTRY; at >= 0; at -= NUMBERS_PER_ENTRY) {
      if (this.keyIs(at, key)) return this.text(at + 2);
    }
    return undefined;
  }

  keys(): readonly string[] {
    const keys: string[] = [];
    for (let at = 0; at < this.length; at += NUMBERS_PER_ENTRY) keys.push(this.text(at));
    return keys;
  }

  private keyIs(at: number, key: string): boolean {
    const start = this.offsets[at] ?? 0;
    if ((this.offsets[at + 1] ?? 0) - start !== key.length) return false;
    for (let index = 0; index < key.length; index++) {
      const byte = this.bytes[start + index] ?? 0;
      const wanted = key.charCodeAt(index);
      if (byte !== wanted && !(this.foldsCase && byte >= UPPER_A && byte <= UPPER_Z && byte + TO_LOWER === wanted)) {
        return false;
      }
    }
    return true;
  }

  private text(at: number): string {
    const start = this.offsets[at] ?? 0;
    const end = this.offsets[at + 1] ?? 0;
    return start === end ? '' : this.bytes.toString('utf8', start, end);
  }
}
