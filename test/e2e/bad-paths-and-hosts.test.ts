/** Requests that could be read in two ways, sent as raw bytes through the real Envoy. None may reach what it does not plainly name. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { EnvoyProfile } from '../support/envoy.ts';
import { rawRequest } from '../support/raw-http.ts';
import { linesOf } from '../support/upstream.ts';
import { openWorld } from '../support/world.ts';
import type { Scheme, World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

/** What `/public/` must not open, and what is no plain path at all. `\xff` is one byte on the wire. */
const SPELLINGS = [
  '/public/../sre/x',
  '/public/./../sre/x',
  '/public/..;/sre/x',
  '/public/..;a=b/sre/x',
  '/public/%2e%2e/sre/x',
  '/public/%2E%2e/sre/x',
  '/public/.%2e/sre/x',
  '/public/%2e%2e;/sre/x',
  '/public/%2e%2e%2fsre/x',
  '/public/..%2fsre/x',
  '/public/..%5csre/x',
  '/public/..\\sre/x',
  '\\public\\x',
  '/public\\..\\sre\\x',
  '/public/%252e%252e/sre/x',
  '/public/%252e%252e%252fsre',
  '/public/%c0%ae%c0%ae/sre/x',
  '/public%2fx',
  '/public%5cx',
  '/public/%00',
  '/public/x%00.png',
  '/public/x%0d%0aX-Email:%20evil',
  '/public/%zz',
  '/public/%',
  '/public/%2',
  '/public/x#/sre/',
  '/public/x%23/../sre',
  '/public/\xff',
  '/public/\xc3\xa4',
  '/public/\x00',
  '/public;/x',
  '/public;x=1/y',
  '/public/x;y=z',
  '//public/../sre/x',
  '/public//../sre/x',
  '///sre/x',
  '/public/...;/sre',
  '/.doorward/..;/sre/x',
  '/public/../.doorward/user',
  '/%2edoorward/user',
  '/.doorward%2fuser',
  '/.doorward/../sre/x',
  'public/x',
  '*',
  '?',
  '/sre',
  '/SRE/x',
  '/%73re/x',
  '/sre/%2e/x',
] as const;

const HOST_LINES: readonly (readonly [string, (authority: string) => readonly string[]])[] = [
  ['two Host lines', (authority) => [`Host: ${authority}`, 'Host: evil.example']],
  ['two equal Host lines', (authority) => [`Host: ${authority}`, `Host: ${authority}`]],
  ['a Host with a comma', (authority) => [`Host: ${authority},evil.example`]],
  ['an empty Host', () => ['Host:']],
  ['a Host of blanks', () => ['Host:    ']],
  ['a Host with userinfo', (authority) => [`Host: user@${authority}`]],
  ['a Host with a path', (authority) => [`Host: ${authority}/public/`]],
  ['a Host with a bad port', (authority) => [`Host: ${authority}9999999`]],
  ['a Host with a port in words', (authority) => [`Host: ${authority.replace(/:.*/, '')}:http`]],
  ['a Host with a percent sign', (authority) => [`Host: ${authority.replace('.', '%2e')}`]],
  ['a Host with a NUL', (authority) => [`Host: ${authority}\x00.evil.example`]],
  ['a Host with a high byte', (authority) => [`Host: \xff${authority}`]],
  ['a Host with two dots at its end', (authority) => [`Host: ${authority.replace(/:.*/, '')}..`]],
  ['an unknown Host', () => ['Host: unknown.example']],
  ['an address as Host', () => ['Host: 127.0.0.1']],
  ['no Host', () => []],
];

describe.each([
  ['hardened', 'https'],
  ['bare', 'http'],
  ['istio', 'https'],
] satisfies [EnvoyProfile, Scheme][])('%s', (profile, scheme) => {
  let world: World;
  let receivedBefore = 0;
  beforeAll(async () => {
    world = await openWorld({ profile, scheme, routes: standardRoutes });
  });
  afterAll(() => world.close());
  beforeEach(() => {
    receivedBefore = world.upstream.received().length;
  });
  const newlyReceived = () => world.upstream.received().slice(receivedBefore);

  test.each(SPELLINGS)('the path %j opens nothing but /public/', async (path) => {
    const response = await world.ask({ path });
    // Envoy may have made a plain path of it; what it forwards then is what was judged.
    const forwarded = newlyReceived();
    if (response.status === 200) {
      expect(forwarded).toHaveLength(1);
      expect(forwarded[0]?.path).toMatch(/^\/public\/[\w.%/-]*$/);
      expect(forwarded[0]?.path).not.toMatch(/\/\.|%|\/\//);
    } else {
      expect(forwarded).toHaveLength(0);
      expect([400, 401, 404]).toContain(response.status);
    }
  });

  test.each(HOST_LINES)('%s is refused, and reaches nobody', async (_name, linesFor) => {
    const lines = linesFor(world.authority('app'));
    const response = await world.raw('app', rawRequest({ host: undefined, path: '/public/x', lines }));
    expect([400, 404]).toContain(response.status);
    expect(newlyReceived()).toHaveLength(0);
  });

  test('the authority of an absolute target counts, not a Host line beside it', async () => {
    const toUnknown = await world.ask({ path: `${scheme}://unknown.example/public/x` });
    expect([400, 404]).toContain(toUnknown.status);
    expect(newlyReceived()).toHaveLength(0);
    const withUser = await world.ask({
      path: `${scheme}://user@${world.authority('app')}/sre/x`,
      host: 'unknown.example',
    });
    expect([400, 401, 404]).toContain(withUser.status);
    expect(newlyReceived()).toHaveLength(0);
  });

  test('a host is the same in capitals, with a dot at its end, and with any port', async () => {
    const host = world.authority('app').replace(/:.*/, '');
    for (const spelling of [host.toUpperCase(), `${host}:9`, ...(profile === 'hardened' ? [] : [`${host}.`])]) {
      const response = await world.ask({ host: spelling, path: '/public/x' });
      expect([spelling, response.status]).toEqual([spelling, 200]);
    }
  });

  test.each([
    ['a method that nobody knows', { method: 'BREW', path: '/sre/x' }, [400, 401]],
    ['TRACE', { method: 'TRACE', path: '/sre/x' }, [400, 401, 403, 405]],
    ['OPTIONS *', { method: 'OPTIONS', path: '*' }, [400, 401, 404]],
    ['CONNECT', { method: 'CONNECT', path: 'app:443' }, [400, 403, 404]],
    [
      'a preflight of a route that does not allow it',
      { method: 'OPTIONS', path: '/sre/x', lines: ['Origin: https://x.example', 'Access-Control-Request-Method: GET'] },
      [401],
    ],
  ] as const)('%s does not pass', async (_name, request, statuses) => {
    const response = await world.ask(request);
    expect(statuses).toContain(response.status);
    expect(newlyReceived()).toHaveLength(0);
  });

  test.each([
    ['a CR in a value', 'X-A: a\rX-Email: forged@evil.example'],
    ['a NUL in a value', 'X-A: a\x00b'],
    ['a NUL in a name', 'X-\x00A: a'],
    ['a blank before the colon', 'X-Email : forged@evil.example'],
    ['a line without a colon', 'X-Email forged@evil.example'],
    ['both lengths', 'Content-Length: 3\r\nTransfer-Encoding: chunked'],
    ['two lengths', 'Content-Length: 3\r\nContent-Length: 4'],
  ])('%s does not pass, or passes as the plain value that it is', async (_name, line) => {
    const response = await world.ask({ path: '/public/x', lines: [line] });
    expect([200, 400, 501]).toContain(response.status);
    for (const received of newlyReceived()) expect(linesOf(received, 'x-email')).toEqual([]);
  });

  test.each([
    ['a byte 0xff in a value', ['X-A: \xff']],
    ['a folded line', ['X-A: one\r\n two']],
    ['a value of 8 KiB', [`X-A: ${'a'.repeat(8192)}`]],
    ['bytes that are not UTF-8 in Accept', ['Accept: \xff\xfe']],
    ['bytes that are not UTF-8 in a cookie', ['Cookie: a=\xff; doorward=\xff']],
  ])('%s crashes nothing', async (_name, lines) => {
    expect((await world.ask({ path: '/public/x', lines })).status).toBe(200);
    expect((await world.ask({ path: '/sre/x', lines })).status).toBe(401);
  });

  test('each Check was answered, and Doorward is as well as before', async () => {
    expect(world.doorward.exitCode()).toBeUndefined();
    expect((await world.doorward.ops('/readyz')).status).toBe(200);
    expect((await world.ask({ path: '/public/x' })).status).toBe(200);
    expect(world.doorward.audit().filter(({ code }) => code === 'internal-error')).toEqual([]);
  });
});
