import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { canonicalHost } from '../../../src/core/request/host.ts';

describe('the canonical host', () => {
  test.each([
    ['example.com', 'example.com'],
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['example.com:443', 'example.com'],
    ['A.LocalHost.:99', 'a.localhost'],
    ['my_service', 'my_service'],
    ['MY_service:80', 'my_service'],
    ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
    ['127.0.0.1:9110', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[::1]:8080', '[::1]'],
    ['[2001:DB8:0:0::1]', '[2001:db8::1]'],
    ['[::ffff:192.0.2.1]', '192.0.2.1'],
    [`${'a'.repeat(253)}.`, 'a'.repeat(253)],
  ])('of %s is %s', (authority, host) => {
    expect(canonicalHost(authority)).toBe(host);
  });

  test.each([
    ['nothing', ''],
    ['only a port', ':80'],
    ['only a dot', '.'],
    ['two trailing dots', 'a..'],
    ['two trailing dots and a port', 'a..:80'],
    ['an empty label', 'a..b'],
    ['a leading dot', '.a'],
    ['two hosts', 'a,b'],
    ['a comma at the end', 'a,'],
    ['user info', 'u@a'],
    ['user info and password', 'u:p@a'],
    ['a blank', 'a b'],
    ['a blank before', ' a'],
    ['a tab', 'a\t'],
    ['a control', 'a\u0000'],
    ['a percent escape', 'a%2eb'],
    ['a wildcard', '*.example.com'],
    ['a slash', 'a/b'],
    ['a backslash', 'a\\b'],
    ['a question mark', 'a?b'],
    ['a fragment', 'a#b'],
    ['a semicolon', 'a;b'],
    ['a letter that is not ASCII', 'münchen.example'],
    ['a letter that lower case makes ASCII', '\u212aelvin'],
    ['a byte that is not UTF-8', '\ufffd'],
    ['an empty port', 'a:'],
    ['a port that is none', 'a:b'],
    ['a port with a sign', 'a:+80'],
    ['a port that is too long', 'a:000080'],
    ['a port that is too large', 'a:65536'],
    ['two ports', 'a:80:80'],
    ['an IPv6 address without brackets', '::1'],
    ['a bracket that never ends', '[::1'],
    ['an IPv6 zone', '[fe80::1%25eth0]'],
    ['something after the bracket', '[::1]a'],
    ['an empty port after the bracket', '[::1]:'],
    ['an IPv4 address in brackets', '[127.0.0.1]'],
    ['a future address', '[v1.x]'],
    ['nothing in brackets', '[]'],
    ['a name that is too long', 'a'.repeat(254)],
  ])('does not exist for %s', (_, authority) => {
    expect(canonicalHost(authority)).toBeUndefined();
  });

  test('is its own canonical host, whatever came in', () => {
    const pieces = fc.constantFrom('a', 'B', '.', '-', '_', ':', '1', '[', ']', '::', ',', '@', '%', '*', 'K');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces).map((all) => all.join('')),
          fc.string(),
        ),
        (authority) => {
          const host = canonicalHost(authority);
          if (host !== undefined) expect(canonicalHost(host)).toBe(host);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
