/** requestOf: the AccessRequest that Envoy would make of a case. */

import type { AccessRequest } from '../request/access-request.ts';
import type { AccessCase } from './access-case.ts';

const noLines: readonly string[] = [];

/** `cookies`: what the browser sends by itself, after the cookies of the case. */
export function requestOf({ request }: AccessCase, cookies: readonly string[]): AccessRequest {
  const { method, authority, path, headers, body, ip, route } = request;
  const own = new Map<string, readonly string[]>([
    [':method', [method]],
    [':path', [path]],
    [':authority', [authority]],
    ...headers,
  ]);
  if (cookies.length > 0) own.set('cookie', [[...(headers.get('cookie') ?? noLines), ...cookies].join('; ')]);
  return {
    isHttp: true,
    method,
    scheme: 'https',
    authority,
    path,
    protocol: 'HTTP/2',
    headers: { lines: (name) => own.get(name) ?? noLines, names: () => [...own.keys()] },
    hasRawHeaders: true,
    source: { address: ip, port: 0, principal: '', certificate: '' },
    body: body === undefined ? undefined : { bytes: Buffer.from(body), partial: false, asString: false },
    contextExtension: (key) => (key === 'doorward.route' ? route : undefined),
  };
}
