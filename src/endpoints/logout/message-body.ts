/** The body of a message that a provider posts, as Envoy hands it over. */

import type { AccessRequest } from '../../core/request/access-request.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** The body as text; refused where Envoy hands over none, or only its beginning. */
export function messageBody(request: AccessRequest, contentType: string): Result<string, string> {
  const [line, second] = request.headers.lines('content-type');
  if (second !== undefined || line?.split(';')[0]?.trim().toLowerCase() !== contentType) {
    return err(`the content type is not ${contentType}`);
  }
  const { body } = request;
  if (body === undefined || body.bytes.length === 0) {
    return err('there is no body: Envoy hands it over only where ext_authz has with_request_body for this path');
  }
  if (body.partial) return err('the body is longer than max_request_bytes of with_request_body');
  return ok(Buffer.from(body.bytes).toString('latin1'));
}
