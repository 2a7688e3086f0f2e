/**
 * Cookies of a request, read over all Cookie lines. Only Doorward's own names are looked for; values are not decoded and nothing is
 * believed. What could be read in two ways is refused, never picked from.
 */

import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import type { AccessRequest } from './access-request.ts';
import type { Malformed } from './target.ts';

type WithHeaders = Pick<AccessRequest, 'headers' | 'hasRawHeaders'>;

export type Cookie = { readonly name: string; readonly value: string };

/**
 * The one value of a cookie; undefined when the request has none of that name.
 *
 * Refused: two of them, even if equal. And, where Envoy sent no raw headers and so joined Cookie lines by a comma, one that begins or ends
 * at a comma: `a=1,name=x` is two lines to one reader and the cookie `a` to another (and `a` may have been set by a neighbouring host).
 */
export function singleCookie(request: WithHeaders, name: string): Result<string | undefined, Malformed> {
  let value: string | undefined;
  for (const line of request.headers.lines('cookie')) {
    // Nearly every request without a session ends here, at the price of one search.
    if (!line.includes(name)) continue;
    for (const cookie of cookiesOf(line)) {
      if (cookie.name === name) {
        if (value !== undefined) return err({ reason: 'the request has two cookies of one name' });
        value = cookie.value;
      }
      if (!request.hasRawHeaders && isAmbiguous(cookie, name)) {
        return err({ reason: 'the request has a cookie that can be read in two ways' });
      }
    }
  }
  return ok(value);
}

/** The cookies whose name begins with `prefix`, in order, duplicates included. For names that a flow made; use singleCookie to read one. */
export function cookiesByPrefix(request: WithHeaders, prefix: string): readonly Cookie[] {
  return request.headers
    .lines('cookie')
    .filter((line) => line.includes(prefix))
    .flatMap((line) => cookiesOf(line))
    .filter((cookie) => cookie.name.startsWith(prefix));
}

/** RFC 6265 §5.4 backwards: pairs between semicolons, blanks around name and value do not count. A pair without `=` has no name. */
function cookiesOf(line: string): readonly Cookie[] {
  return line.split(';').map((pair) => {
    const equals = pair.indexOf('=');
    if (equals === -1) return { name: '', value: pair.trim() };
    return { name: pair.slice(0, equals).trim(), value: pair.slice(equals + 1).trim() };
  });
}

/** Whether splitting at commas too would read the pair, or another cookie within it, differently. */
function isAmbiguous({ name: pairName, value }: Cookie, name: string): boolean {
  if (pairName === name) return value.includes(',');
  const pieces = `${pairName}=${value}`.split(',');
  return pieces.some((piece) => cookiesOf(piece)[0]?.name === name);
}
