/** Builders for the tests of this room. Header lines are given apart, as with `encode_raw_headers`. */

import type { AccessRequest, HeaderLines } from '../../../src/core/request/access-request.ts';

export function headerLines(lines: readonly (readonly [name: string, value: string])[]): HeaderLines {
  return {
    lines: (name) => lines.filter(([key]) => key === name).map(([, value]) => value),
    names: () => [...new Set(lines.map(([key]) => key))],
  };
}

type Change = Partial<Omit<AccessRequest, 'headers'>> & {
  readonly headers?: readonly (readonly [name: string, value: string])[];
};

export function anAccessRequest({ headers = [], ...change }: Change = {}): AccessRequest {
  return {
    isHttp: true,
    method: 'GET',
    scheme: 'https',
    authority: 'grafana.example.com',
    path: '/',
    protocol: 'HTTP/2',
    hasRawHeaders: true,
    source: { address: '192.0.2.1', port: 40000, principal: '', certificate: '' },
    body: undefined,
    contextExtension: () => undefined,
    ...change,
    headers: headerLines(headers),
  };
}
