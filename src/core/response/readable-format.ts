/** What a client can read: found from what it says about itself. It chooses the form of a refusal and never the decision. */

import type { AccessRequest } from '../request/access-request.ts';
import type { Route } from '../route/route.ts';

export type ReadableFormat =
  /** A browser that goes to a page: follows a redirect, shows a page. */
  | 'navigation'
  /** Shows a page but must not be redirected: what it sent would be lost. */
  | 'html'
  | 'json'
  | 'grpc'
  | 'grpc-web'
  /** kubectl and client-go: a `Status` object. */
  | 'kubernetes'
  /** An MCP client: a JSON-RPC error. */
  | 'json-rpc'
  | 'text';

type Asked = Pick<AccessRequest, 'method' | 'headers'>;

/** Programs first, since they say plainly what they are; then what browsers do; a client that says nothing is a program. */
export function readableFormat(request: Asked): ReadableFormat {
  const contentType = valueOf(request, 'content-type').toLowerCase();
  if (isMediaType(contentType, 'application/grpc-web')) return 'grpc-web';
  if (isMediaType(contentType, 'application/grpc')) return 'grpc';
  if (valueOf(request, 'user-agent').includes('kubernetes/')) return 'kubernetes';
  const accepted = parseAccept(valueOf(request, 'accept'));
  if (isMcp(request, contentType, accepted)) return 'json-rpc';

  const mode = valueOf(request, 'sec-fetch-mode');
  if (mode === 'navigate') return pageFormat(request);
  // Scripts, images and sockets of a page: where the browser says so, Accept is not asked.
  if (mode !== '' || valueOf(request, 'x-requested-with').toLowerCase() === 'xmlhttprequest') return 'json';

  const json = qualityOf(accepted, 'application/json');
  const html = Math.max(qualityOf(accepted, 'text/html'), qualityOf(accepted, 'application/xhtml+xml'));
  if (html > 0 && html >= json) return pageFormat(request);
  return qualityOf(accepted, 'text/plain') > json ? 'text' : 'json';
}

/** Whether a request without a session may be sent to a login. Never one whose content would be lost on the way. */
export const canFollowRedirect = (request: Asked, route: Pick<Route, 'onUnauthenticated'>): boolean =>
  isRead(request) &&
  route.onUnauthenticated !== '401' &&
  (route.onUnauthenticated === 'redirect' || readableFormat(request) === 'navigation');

const isRead = ({ method }: Asked): boolean => method === 'GET' || method === 'HEAD';

const pageFormat = (request: Asked): ReadableFormat => (isRead(request) ? 'navigation' : 'html');

/** Lines are joined as RFC 9110 §5.2 has it. */
const valueOf = (request: Asked, name: string): string => request.headers.lines(name).join(',').trim();

/** The type itself or one of its variants (`application/grpc+proto`), whatever its parameters; Envoy knows gRPC by the same rule. */
const isMediaType = (contentType: string, type: string): boolean =>
  contentType.startsWith(type) && /^(?:$|[+; ])/.test(contentType.slice(type.length));

/** MCP streamable HTTP: JSON-RPC by POST from a client that takes events or names a protocol version. */
const isMcp = (request: Asked, contentType: string, accepted: Accepted): boolean =>
  request.method === 'POST' &&
  isMediaType(contentType, 'application/json') &&
  (qualityOf(accepted, 'text/event-stream') > 0 || valueOf(request, 'mcp-protocol-version') !== '');

/** Media type, lower-case, to its highest quality. Only what is named counts: a wildcard says that it does not matter. */
type Accepted = ReadonlyMap<string, number>;

const qualityOf = (accepted: Accepted, type: string): number => accepted.get(type) ?? 0;

/** RFC 9110 §12.5.1. A quality that is none counts as 1, as if it were not there. */
function parseAccept(value: string): Accepted {
  const accepted = new Map<string, number>();
  for (const range of value.toLowerCase().split(',')) {
    const type = range.replace(/;.*/s, '').trim();
    const quality = /;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)/.exec(range)?.[1];
    accepted.set(type, Math.max(qualityOf(accepted, type), quality === undefined ? 1 : Number(quality)));
  }
  return accepted;
}
