/** The id by which a request is named in answers, audit and logs: Envoy's `x-request-id`, if it is one. */

import type { AccessRequest } from './access-request.ts';

/** UUIDs and what tracers use; nothing that a log, a header or a page could mistake for its own syntax. 128 is far beyond both. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Undefined when there is none, several, or one that is not fit to be shown; then the caller makes one. */
export function requestId(request: Pick<AccessRequest, 'headers'>): string | undefined {
  const lines = request.headers.lines('x-request-id');
  const [id] = lines;
  return lines.length === 1 && id !== undefined && REQUEST_ID.test(id) ? id : undefined;
}
