/** Claim values as text for headers and the assertion: always printable ASCII in headers, and never ambiguous. */

import type { Claims, ClaimValue } from '../session/session.ts';

/** A header that is longer is left empty: whoever reads it sees that nothing is known, not half of it. */
export const HEADER_VALUE_MAX = 8_192;

/** The values of a claim as a session's headers see them: the ID token's, else userinfo's; undefined when neither has it. */
export const claimValues = (
  name: string,
  of: { readonly sessionClaims: Claims; readonly userClaims: Claims },
): readonly ClaimValue[] | undefined => of.sessionClaims.get(name) ?? of.userClaims.get(name);

/** Scalars as they are; what is no scalar has no text. */
const scalarText = (value: ClaimValue): string | undefined =>
  value === null || typeof value === 'object' ? undefined : String(value);

/** For the assertion, which is JSON: values joined by a comma. */
export const joinedClaim = (values: readonly ClaimValue[]): string =>
  values.flatMap((value) => scalarText(value) ?? []).join(',');

/** All but printable ASCII; `%` itself; the comma, which separates; blanks at the ends, which header parsers drop. */
const UNSAFE = /[^\x20-\x7e]|[%,]|^ +| +$/gu;

/**
 * For a header: elements joined by a comma. What a header cannot hold, or what would read as another element, is percent-encoded (RFC 3986
 * §2.1, UTF-8), so that decodeURIComponent on each element gives the value back. SECURITY: no claim can forge a line or a further element.
 */
export function headerText(values: readonly ClaimValue[]): string {
  const text = values
    .flatMap((value) => scalarText(value) ?? [])
    .map(encodeUnsafe)
    .join(',');
  return text.length > HEADER_VALUE_MAX ? '' : text;
}

const encodeUnsafe = (text: string): string =>
  wellFormed(text).replace(UNSAFE, (piece) =>
    Array.from(Buffer.from(piece), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );

/** Half a surrogate pair has no UTF-8. */
const wellFormed = (text: string): string => Buffer.from(text).toString();
