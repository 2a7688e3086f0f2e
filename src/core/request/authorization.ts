/** The Authorization header of a request: one, or none; two are refused. What it means is the caller's. */

import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import type { AccessRequest } from './access-request.ts';
import type { Malformed } from './target.ts';

/** Schemes whose credentials are one token (RFC 9110 §11.4, token68) and so have no comma, unless two lines were joined by one. */
const TOKEN_SCHEME = /(?:^|,)[ \t]*(?:bearer|basic|negotiate|pomerium|doorward)[ \t]/i;

/** RFC 9110 §11.4: a scheme and parameters between commas (Digest), values as far as AWS4-HMAC-SHA256 goes. Only these have commas of their own. */
const NAME = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = `${NAME}[ \\t]*=[ \\t]*(?:"(?:[^"\\\\]|\\\\.)*"|[^\\s",]+)`;
const WITH_PARAMETERS = new RegExp(`^${NAME}[ \\t]+${PARAMETER}(?:[ \\t]*,[ \\t]*${PARAMETER})*[ \\t]*$`);

const isOneLine = (line: string): boolean =>
  !line.includes(',') || (WITH_PARAMETERS.test(line) && !TOKEN_SCHEME.test(line));

/**
 * The value of the one Authorization line, undefined without one. Refused: two lines, also where Envoy joined them by a comma: what
 * has a comma and is not one scheme with parameters.
 */
export function singleAuthorization(request: Pick<AccessRequest, 'headers'>): Result<string | undefined, Malformed> {
  const lines = request.headers.lines('authorization');
  const [line] = lines;
  if (line === undefined) return ok(undefined);
  if (lines.length > 1 || !isOneLine(line)) {
    return err({ reason: 'the request has two Authorization lines' });
  }
  return ok(line);
}
