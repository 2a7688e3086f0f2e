/** Percent-decoding of paths by bytes, with what an eye on smuggling must know. Only for paths that have something to decode. */

export type Decoded = {
  readonly text: string;
  /** As `text`, but `%2f` stays as written: a relaxed encoded slash is opaque. */
  readonly opaqueText: string;
  /** Nothing was decoded: further rounds change nothing. */
  readonly isSame: boolean;
  readonly hasSlash: boolean;
  /** A control character (NUL, CR, LF, DEL, ...) came out. */
  readonly hasControl: boolean;
  /** Bytes that are not UTF-8 came out; U+FFFD stands for them. */
  readonly hasInvalidUtf8: boolean;
  /** Bytes that a lax decoder reads as an ASCII character or another shorter form: `%c0%af` for `/`. */
  readonly hasOverlong: boolean;
};

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

const ESCAPES = /(?:%[0-9a-fA-F]{2})+/g;

/** Whether some `%` is not followed by two hex digits. */
export const hasBrokenEscape = (text: string): boolean => /%(?![0-9a-fA-F]{2})/.test(text);

/** One round of decoding. A `%` that begins no escape stays as it is. */
export function decodeOnce(text: string): Decoded {
  const seen = { slash: false, control: false, invalidUtf8: false, overlong: false };
  const decoded = text.replace(ESCAPES, (run) => {
    const bytes = bytesOf(run);
    const characters = utf8.decode(bytes);
    seen.slash ||= characters.includes('/');
    seen.control ||= bytes.some((byte) => byte < 0x20 || byte === 0x7f);
    seen.invalidUtf8 ||= characters.includes('\ufffd');
    seen.overlong ||= isOverlong(bytes);
    return characters;
  });
  return {
    text: decoded,
    opaqueText: seen.slash ? text.replace(ESCAPES, decodeButSlashes) : decoded,
    // Each escape gets shorter, so that what was decoded is never the text that it was decoded from.
    isSame: decoded.length === text.length,
    hasSlash: seen.slash,
    hasControl: seen.control,
    hasInvalidUtf8: seen.invalidUtf8,
    hasOverlong: seen.overlong,
  };
}

const bytesOf = (run: string): Uint8Array =>
  Uint8Array.from({ length: run.length / 3 }, (_, index) =>
    Number.parseInt(run.slice(index * 3 + 1, index * 3 + 3), 16),
  );

/** A slash is one byte, so cutting a run at its slashes cuts no character. */
const decodeButSlashes = (run: string): string =>
  run
    .split(/(%2f)/i)
    .map((part) => (/^%2f$/i.test(part) ? part : decodeOnce(part).text))
    .join('');

function isOverlong(bytes: Uint8Array): boolean {
  return bytes.some((byte, index) => {
    const next = bytes[index + 1] ?? 0;
    if (next < 0x80 || next > 0xbf) return false;
    return byte === 0xc0 || byte === 0xc1 || (byte === 0xe0 && next < 0xa0) || (byte === 0xf0 && next < 0x90);
  });
}
