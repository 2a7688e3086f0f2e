/** Claims as text for header values. Says how a list, a number and a character that no header can carry are written. */

import type { ClaimValue } from '../session/session.ts';

/** Printable ASCII but `"`, `%` and `,`, without a blank at either end: stands for itself in every reading. */
const PLAIN = /^(?:[!#$&-+\--~](?:[ !#$&-+\--~]*[!#$&-+\--~])?)?$/;
const NOT_PLAIN = /[^ !#$&-+\--~]+/g;
/** Printable ASCII without a blank at either end. */
const SENDABLE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
/** Controls but tab (RFC 9110 §5.5), and halves of surrogate pairs. */
const UNSENDABLE = /(?!\t)[\p{Cc}\p{Cs}]/gu;

/**
 * A claim as a header value in the strict semantics: elements joined by `,`, each percent-encoded (RFC 3986 §2.1, UTF-8) wherever it is not
 * printable ASCII, or is `"`, `%`, `,` or a blank at its end. So splitting at `,` and decoding each gives back the elements, whatever they
 * hold, and no element can look like two. Objects, lists within lists and null have no text and are left out.
 */
export const strictHeaderText = (value: ClaimValue): string => scalarTexts(value, String).map(encodeElement).join(',');

/** The same in the Pomerium semantics: elements joined by `,` as they are, numbers as Go prints them. */
export const pomeriumHeaderText = (value: ClaimValue): string => scalarTexts(value, goNumber).join(',');

/** The elements that have a text: strings, numbers and booleans. */
export function scalarTexts(value: ClaimValue, numberText: (value: number) => string): readonly string[] {
  const texts: string[] = [];
  for (const element of isList(value) ? value : [value]) {
    if (typeof element === 'string') texts.push(element);
    else if (typeof element === 'number') texts.push(numberText(element));
    else if (typeof element === 'boolean') texts.push(String(element));
  }
  return texts;
}

/** One element, so that it is one element to every reader. */
export function encodeElement(text: string): string {
  if (PLAIN.test(text)) return text;
  const encoded = text.replace(NOT_PLAIN, percentEncode);
  const { start, end } = withoutBlanks(encoded);
  return '%20'.repeat(start) + encoded.slice(start, end) + '%20'.repeat(encoded.length - end);
}

/** What a header can carry: controls and broken surrogates percent-encoded, blanks at the ends cut off (RFC 9110 §5.5). All else as it is. */
export function sendableText(text: string): string {
  if (SENDABLE.test(text)) return text;
  return trimBlanks(text.replace(UNSENDABLE, percentEncode));
}

/** Without spaces and tabs at its ends (RFC 9110 §5.6.3, OWS); every other blank is part of the text. */
export function trimBlanks(text: string): string {
  const { start, end } = withoutBlanks(text);
  return text.slice(start, end);
}

/** Where the text begins and ends once blanks at its ends are cut off. */
function withoutBlanks(text: string): { readonly start: number; readonly end: number } {
  let start = 0;
  while (isBlank(text[start])) start += 1;
  let end = text.length;
  while (end > start && isBlank(text[end - 1])) end -= 1;
  return { start, end };
}

const isBlank = (character: string | undefined): boolean => character === ' ' || character === '\t';

/**
 * A number as Go's `%v` prints a float64: the shortest digits that give it back, and an exponent of at least two digits below 1e-4 and from
 * 1e6 on (https://pkg.go.dev/strconv#FormatFloat, 'g' with precision -1).
 */
export function goNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const magnitude = Number(exponent);
  if (magnitude >= -4 && magnitude < 6) return String(value);
  return `${mantissa}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, '0')}`;
}

const isList = (value: ClaimValue): value is readonly ClaimValue[] => Array.isArray(value);

/** The bytes of UTF-8, `%XX` each; half a surrogate pair as U+FFFD. */
const percentEncode = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
