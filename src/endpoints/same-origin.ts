/** Where a request says it comes from. Browsers write these headers and pages cannot; a client that is no browser has no cookie to abuse. */

import type { AccessRequest } from '../core/request/access-request.ts';

/**
 * Whether a POST was sent by a page of the same origin: `Sec-Fetch-Site` and `Origin`, where present, both say so, and one of them is. An
 * `Origin: null`, a second line and a sibling host are all cross-site.
 */
export function isSameOriginPost(request: Pick<AccessRequest, 'headers'>, origin: string): boolean {
  const sites = request.headers.lines('sec-fetch-site');
  const origins = request.headers.lines('origin');
  if (sites.length + origins.length === 0) return false;
  return sites.every((site) => site === 'same-origin') && origins.every((line) => line === origin);
}

/** False only where the browser says that this is no navigation: an image or a script of another page must not begin a login. */
export const mayBeNavigation = (request: Pick<AccessRequest, 'headers'>): boolean =>
  request.headers.lines('sec-fetch-mode').every((mode) => mode === 'navigate');
