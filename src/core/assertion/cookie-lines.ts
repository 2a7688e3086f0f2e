/** Takes Doorward's cookies out of a request on its way to the upstream. Every other cookie goes on as it was written. */

import type { AccessRequest } from '../request/access-request.ts';
import { trimBlanks } from './claim-text.ts';
import { isOwnCookie, ownCookieMarks } from './own-cookies.ts';

type WithCookies = Pick<AccessRequest, 'headers' | 'hasRawHeaders'>;

/**
 * The Cookie line to send in place of all that came; empty = none is left; undefined = none of Doorward's is there, so they go on untouched.
 *
 * Lines written anew are one line, joined as RFC 9113 §8.2.3 says, since what is set replaces every line that came. Of what lies between two
 * semicolons nothing changes. But a pair with bytes that are not UTF-8 is left out then: it cannot be written as it came.
 */
export function cookiesForUpstream(request: WithCookies, cookieName: string): string | undefined {
  const lines = request.headers.lines('cookie');
  const marks = ownCookieMarks(cookieName);
  // Nearly every request without a session ends here, at the price of a search or two.
  if (!lines.some((line) => marks.some((mark) => line.includes(mark)))) return undefined;

  const isOwn = (pair: string): boolean =>
    namesIn(pair, request.hasRawHeaders).some((name) => isOwnCookie(name, cookieName));
  const kept = lines.map((line) => {
    const pairs = line.split(';');
    const others = pairs.filter((pair) => !isOwn(pair));
    return { others, hasOwn: others.length < pairs.length };
  });
  if (!kept.some(({ hasOwn }) => hasOwn)) return undefined;
  return kept
    .map(({ others }) => trimBlanks(others.filter((pair) => !pair.includes('\ufffd')).join(';')))
    .filter((line) => line !== '')
    .join('; ');
}

/** The name of a pair. Where Envoy joined lines by a comma, a pair may be several, and each name counts: `a=1,session=x`. */
function namesIn(pair: string, areLinesApart: boolean): readonly string[] {
  return (areLinesApart ? [pair] : pair.split(',')).map((piece) => {
    const equals = piece.indexOf('=');
    return trimBlanks(equals === -1 ? piece : piece.slice(0, equals));
  });
}
