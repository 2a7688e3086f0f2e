import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { canFollowRedirect, readableFormat } from '../../../src/core/response/readable-format.ts';
import { anAccessRequest } from '../request/a-request.ts';

type Headers = Readonly<Record<string, string>>;

const requestOf = (method: string, headers: Headers) => anAccessRequest({ method, headers: Object.entries(headers) });
const formatOf = (method: string, headers: Headers) => readableFormat(requestOf(method, headers));

const CHROME_ACCEPT =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7';

describe('what a client can read', () => {
  test.each<[string, string, Headers, string]>([
    ['a browser that goes to a page', 'GET', { 'sec-fetch-mode': 'navigate', accept: CHROME_ACCEPT }, 'navigation'],
    ['a browser that goes to a page, whatever it accepts', 'GET', { 'sec-fetch-mode': 'navigate' }, 'navigation'],
    ['a browser without fetch metadata', 'GET', { accept: CHROME_ACCEPT }, 'navigation'],
    ['a HEAD that accepts HTML', 'HEAD', { accept: 'text/html' }, 'navigation'],
    ['an old browser', 'GET', { accept: 'application/xhtml+xml, */*' }, 'navigation'],
    ['a browser that sends a form', 'POST', { 'sec-fetch-mode': 'navigate', accept: CHROME_ACCEPT }, 'html'],
    ['a browser without fetch metadata that sends a form', 'POST', { accept: CHROME_ACCEPT }, 'html'],
    ['a script of a page', 'GET', { 'sec-fetch-mode': 'cors', accept: '*/*' }, 'json'],
    ['a script of a page that wants HTML', 'GET', { 'sec-fetch-mode': 'same-origin', accept: 'text/html' }, 'json'],
    ['an image of a page', 'GET', { 'sec-fetch-mode': 'no-cors', accept: 'image/*' }, 'json'],
    ['a WebSocket of a page', 'GET', { 'sec-fetch-mode': 'websocket', upgrade: 'websocket' }, 'json'],
    ['an XHR of an old library', 'GET', { 'x-requested-with': 'XMLHttpRequest', accept: 'text/html, */*' }, 'json'],
    ['curl', 'GET', { accept: '*/*', 'user-agent': 'curl/8.0' }, 'json'],
    ['a client that says nothing', 'GET', {}, 'json'],
    ['a client that says nothing and posts', 'POST', {}, 'json'],
    ['an API client', 'GET', { accept: 'application/json' }, 'json'],
    ['one that likes JSON better', 'GET', { accept: 'application/json, text/html;q=0.9' }, 'json'],
    ['one that likes HTML better', 'GET', { accept: 'application/json;q=0.5, text/html' }, 'navigation'],
    ['one that cannot read HTML', 'GET', { accept: 'text/html;q=0, */*' }, 'json'],
    ['one whose quality is none', 'GET', { accept: 'text/html;q=x' }, 'navigation'],
    ['one that writes in capitals', 'GET', { accept: 'TEXT/HTML; Q=0.4' }, 'navigation'],
    ['one that reads text', 'GET', { accept: 'text/plain' }, 'text'],
    ['one that reads text and JSON', 'GET', { accept: 'text/plain, application/json' }, 'json'],
    ['a gRPC client', 'POST', { 'content-type': 'application/grpc', te: 'trailers' }, 'grpc'],
    ['a gRPC client that names its codec', 'POST', { 'content-type': 'application/grpc+proto' }, 'grpc'],
    ['a gRPC client in capitals', 'POST', { 'content-type': 'Application/gRPC;x=1' }, 'grpc'],
    ['a gRPC-Web client', 'POST', { 'content-type': 'application/grpc-web+proto' }, 'grpc-web'],
    ['a gRPC-Web text client', 'POST', { 'content-type': 'application/grpc-web-text' }, 'json'],
    ['what only looks like gRPC', 'POST', { 'content-type': 'application/grpcfoo' }, 'json'],
    [
      'kubectl',
      'GET',
      { 'user-agent': 'kubectl/v1.32.4 (linux/amd64) kubernetes/59526cd', accept: 'application/json;as=Table' },
      'kubernetes',
    ],
    [
      'an MCP client',
      'POST',
      { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      'json-rpc',
    ],
    [
      'an MCP client by its version',
      'POST',
      { 'content-type': 'application/json; charset=utf-8', 'mcp-protocol-version': '2025-06-18' },
      'json-rpc',
    ],
    ['an MCP client that listens', 'GET', { accept: 'text/event-stream' }, 'json'],
    ['an API client that posts JSON', 'POST', { 'content-type': 'application/json', accept: '*/*' }, 'json'],
    [
      'a CORS preflight',
      'OPTIONS',
      { origin: 'https://a', 'access-control-request-method': 'PUT', 'sec-fetch-mode': 'cors' },
      'json',
    ],
  ])('for %s', (_, method, headers, format) => {
    expect(formatOf(method, headers)).toBe(format);
  });

  test('over several Accept lines is found as over one', () => {
    const headers = [
      ['accept', 'application/json;q=0.2'],
      ['accept', 'text/html'],
    ] as const;
    expect(readableFormat(anAccessRequest({ headers }))).toBe('navigation');
  });

  test('is something for whatever headers there are, in little time', () => {
    const value = fc.oneof(fc.string(), fc.constantFrom(',;q='.repeat(10_000), ' '.repeat(50_000), ';'.repeat(50_000)));
    fc.assert(
      fc.property(value, value, value, (accept, mode, type) => {
        const begun = performance.now();
        expect(typeof formatOf('POST', { accept, 'sec-fetch-mode': mode, 'content-type': type })).toBe('string');
        expect(performance.now() - begun).toBeLessThan(1000);
      }),
    );
  });
});

describe('a redirect to a login', () => {
  const auto = { onUnauthenticated: 'auto' } as const;
  const redirect = { onUnauthenticated: 'redirect' } as const;
  const never = { onUnauthenticated: '401' } as const;
  const browser: Headers = { 'sec-fetch-mode': 'navigate' };

  test.each([
    ['GET', browser, auto, true],
    ['HEAD', browser, auto, true],
    ['POST', browser, auto, false],
    ['GET', {}, auto, false],
    ['GET', { 'sec-fetch-mode': 'cors', accept: 'text/html' }, auto, false],
    ['GET', {}, redirect, true],
    ['POST', browser, redirect, false],
    ['GET', browser, never, false],
  ])('of a %s with %j on a route with %j: %s', (method, headers, route, follows) => {
    expect(canFollowRedirect(requestOf(method, headers as Headers), route)).toBe(follows);
  });
});
