import { describe, expect, test } from '@jest/globals';

import { originText, parseOrigin } from '../../../src/core/route/origin.ts';
import { parsePathPattern } from '../../../src/core/route/path-pattern.ts';
import { publicPrefixWarning } from '../../../src/core/route/public-prefix.ts';
import { routeIdOf } from '../../../src/core/route/route-id.ts';
import { matchesPath } from './a-route.ts';

describe('an origin', () => {
  const origin = (from: string, insecureHttp = false) => parseOrigin(from, { insecureHttp });

  test.each([
    ['https://grafana.example.com', 'https', 'grafana.example.com', undefined],
    ['https://Grafana.Example.COM./', 'https', 'grafana.example.com', undefined],
    ['HTTPS://a:8443', 'https', 'a', 8443],
    ['https://a:443', 'https', 'a', undefined],
    ['http://localhost:80', 'http', 'localhost', undefined],
    ['http://app.localhost:8080', 'http', 'app.localhost', 8080],
    ['http://127.0.0.1:443', 'http', '127.0.0.1', 443],
    ['http://[0:0::1]:8080', 'http', '[::1]', 8080],
    ['https://*.Example.com:8443', 'https', '*.example.com', 8443],
    ['http://*.localhost', 'http', '*.localhost', undefined],
    ['https://app-*.example.*', 'https', 'app-*.example.*', undefined],
    ['https://*', 'https', '*', undefined],
    ['https://*.example.com.', 'https', '*.example.com', undefined],
  ])('%s is scheme %s, host %s, port %s', (from, scheme, host, port) => {
    expect(origin(from)).toEqual({ ok: true, value: { scheme, host, port, isWildcard: host.includes('*') } });
  });

  test.each([
    ['grafana.example.com', 'must be an origin such as https://app.example.com'],
    ['', 'must be an origin such as https://app.example.com'],
    ['://a', 'must be an origin such as https://app.example.com'],
    ['https:/a', 'must be an origin such as https://app.example.com'],
    ['ssh://a', 'the scheme must be https or http, not ssh'],
    ['tcp+https://a:22', 'the scheme must be https or http, not tcp+https'],
    ['https://a/b', 'must end after the host and port; a path goes into prefix, path or regex'],
    ['https://a//', 'must end after the host and port; a path goes into prefix, path or regex'],
    ['https://a?b', 'must end after the host and port; a path goes into prefix, path or regex'],
    ['https://a#b', 'must end after the host and port; a path goes into prefix, path or regex'],
    ['https://u@a', 'must not have a user name'],
    ['https://münchen.example', 'write the host in its ASCII form (xn--...)'],
    ['https://', 'the host or port is malformed'],
    ['https://a b', 'the host or port is malformed'],
    ['https://a\n', 'the host or port is malformed'],
    ['https://a,b', 'the host or port is malformed'],
    ['https://a:', 'the host or port is malformed'],
    ['https://a:99999', 'the host or port is malformed'],
    ['https://*..com', 'the host or port is malformed'],
    ['https://[*::1]', 'the host or port is malformed'],
    ['https://[::1]*', 'the host or port is malformed'],
    ['https://a:0', 'the port must be between 1 and 65535'],
    ['https://**.example.com', 'two * in a row mean nothing; write one'],
    ['https://*.*.*.*.*', 'at most 4 * in a host'],
    [
      'http://app.example.com',
      'http is for loopback names (localhost, *.localhost, 127.0.0.1); elsewhere set insecure_http: true',
    ],
    ['http://*', 'http is for loopback names (localhost, *.localhost, 127.0.0.1); elsewhere set insecure_http: true'],
    [
      'http://notlocalhost',
      'http is for loopback names (localhost, *.localhost, 127.0.0.1); elsewhere set insecure_http: true',
    ],
    [
      'http://localhost.evil.example',
      'http is for loopback names (localhost, *.localhost, 127.0.0.1); elsewhere set insecure_http: true',
    ],
  ])('%j is none', (from, error) => {
    expect(origin(from)).toEqual({ ok: false, error });
  });

  test('may be http elsewhere where that is said to be meant', () => {
    expect(origin('http://app.example.com', true)).toMatchObject({ ok: true, value: { scheme: 'http' } });
  });

  test('makes URLs with the host of the request and no default port', () => {
    const of = (from: string, host: string) => {
      const result = origin(from);
      return result.ok ? originText(result.value, host) : undefined;
    };
    expect(of('https://*.example.com:443', 'a.example.com')).toBe('https://a.example.com');
    expect(of('http://localhost:8080', 'localhost')).toBe('http://localhost:8080');
  });
});

describe('a path pattern', () => {
  test.each([
    [{}, { kind: 'prefix', prefix: '/' }],
    [{ prefix: '/a' }, { kind: 'prefix', prefix: '/a' }],
    [{ path: '/a%20b' }, { kind: 'path', path: '/a%20b' }],
    [{ path_separated_prefix: '/a' }, { kind: 'path_separated_prefix', prefix: '/a' }],
  ])('of %j is %j', (route, value) => {
    expect(parsePathPattern(route)).toEqual({ ok: true, value });
  });

  test('of a regex matches whole paths', () => {
    const pattern = parsePathPattern({ regex: '/v[0-9]+/.*' });
    if (!pattern.ok) throw new Error(pattern.error.message);
    expect(matchesPath(pattern.value, '/v1/x')).toBe(true);
    expect(matchesPath(pattern.value, '/x/v1/x')).toBe(false);
  });

  const encoded = 'is compared with the path as sent, so it must be percent-encoded as browsers do it';
  test.each([
    [
      { prefix: '/a', path: '/b' },
      'path',
      'a route has one of prefix, path, path_separated_prefix, regex; this one has prefix already',
    ],
    [
      { regex: '/a', path: '/b' },
      'regex',
      'a route has one of prefix, path, path_separated_prefix, regex; this one has path already',
    ],
    [{ prefix: 'a' }, 'prefix', 'must begin with /'],
    [{ path: '' }, 'path', 'must begin with /'],
    [{ path: '/a?b' }, 'path', 'must not have a query or a fragment'],
    [{ path: '/a#b' }, 'path', 'must not have a query or a fragment'],
    [{ prefix: '/a b' }, 'prefix', encoded],
    [{ prefix: '/caf\u00e9' }, 'prefix', encoded],
    [{ prefix: '/100%' }, 'prefix', encoded],
    [
      { path_separated_prefix: '/a/' },
      'path_separated_prefix',
      'must not end with /; it matches at segment borders anyway',
    ],
  ])('of %j is none', (route, key, message) => {
    expect(parsePathPattern(route)).toEqual({ ok: false, error: { key, message } });
  });

  test('of a broken regex says what is wrong with it', () => {
    const pattern = parsePathPattern({ regex: '(' });
    expect(pattern.ok ? undefined : pattern.error.key).toBe('regex');
    expect(pattern.ok ? undefined : pattern.error.message).toContain('RE2');
  });

  test.each([
    ['prefix', '/a', ['/a', '/a/b', '/ab'], ['/', '/A', '/b/a']],
    ['path', '/a', ['/a'], ['/a/', '/ab']],
    ['path_separated_prefix', '/a', ['/a', '/a/', '/a/b'], ['/ab', '/', '/a.b', '/a;b']],
    ['prefix', '/', ['/', '/x', '*', ''], []],
    ['prefix', '/a', [], ['*', '']],
    ['regex', '.*', ['/', '/x'], ['*', '']],
  ])('%s %s matches %j and not %j', (key, text, yes, no) => {
    const pattern = parsePathPattern({ [key]: text });
    if (!pattern.ok) throw new Error(pattern.error.message);
    for (const path of yes) expect([path, matchesPath(pattern.value, path)]).toEqual([path, true]);
    for (const path of no) expect([path, matchesPath(pattern.value, path)]).toEqual([path, false]);
  });
});

describe('the name of a route without an id', () => {
  test.each([
    [{ from: 'https://Grafana.example.com/' }, 'grafana.example.com'],
    [{ from: 'https://a', prefix: '/' }, 'a'],
    [{ from: 'https://a:8443', prefix: '/x' }, 'a:8443/x*'],
    [{ from: 'http://localhost', path: '/x' }, 'http://localhost/x'],
    [{ from: 'https://a', path_separated_prefix: '/x' }, 'a/x/**'],
    [{ from: 'https://*.a', regex: '^/v1/.*' }, '*.a~^/v1/.*'],
  ])('of %j is %s', (route, id) => {
    expect(routeIdOf(route)).toBe(id);
  });
});

describe('a public prefix', () => {
  const isPublic = { allow_public_unauthenticated_access: true };

  test('without a slash at its end gets a word at load', () => {
    expect(publicPrefixWarning({ ...isPublic, prefix: '/public' }, ['routes', 3])).toEqual({
      severity: 'warning',
      path: ['routes', 3, 'prefix'],
      message:
        'this public prefix also opens every path that only begins like it (/publicx); write /public/ or use path_separated_prefix',
    });
  });

  test.each([
    { ...isPublic, prefix: '/public/' },
    { ...isPublic, prefix: '/' },
    isPublic,
    { prefix: '/public' },
    { allow_public_unauthenticated_access: false, prefix: '/public' },
  ])('gets none as %j', (route) => {
    expect(publicPrefixWarning(route, [])).toBeUndefined();
  });
});
