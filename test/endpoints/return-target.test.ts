import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { parseReturnTarget, returnTargetOf } from '../../src/endpoints/return-target.ts';

const here = { host: 'app.example.com', origin: 'https://app.example.com' };

describe('a return target that a client wrote', () => {
  test.each([
    'https://evil.example/',
    'https://evil.example',
    'http://app.example.com/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n//evil.example',
    ' //evil.example',
    ' https://evil.example/',
    'https:evil.example',
    'https:/evil.example',
    'HTTPS://app.example.com/',
    'https://app.example.com',
    'https://app.example.com.evil.example/',
    'https://app.example.com@evil.example/',
    'https://app.example.com:443/',
    'https://app.example.com\\@evil.example/',
    'https://APP.example.com/',
    'https://app.example.com//evil.example',
    'https://app.example.com/\\evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/%2f%2fevil.example',
    '/%5cevil.example',
    '/.%2e//evil.example',
    '/../..//evil.example',
    '/a/..//evil.example',
    '/%09/evil.example',
    '/%0d%0aSet-Cookie:x=1',
    '/%00',
    '/#//evil.example',
    '/\u2028evil',
    '／／evil.example',
    '',
    '?x',
    'evil.example',
    '/.doorward/callback',
    '/.doorward/callback?code=1',
    '/.doorward/callback/partners',
    '/.doorward/sign_in',
    '/.doorward/sign_out',
    '/.doorward/ticket',
    '/.pomerium/sign_out',
    '/.doorward/nothing',
    `/${'x'.repeat(2048)}`,
  ])('%j is refused', (text) => {
    expect(parseReturnTarget(text, here)).toBeUndefined();
  });

  test.each([
    ['/', '/'],
    ['/a/b?c=d&e=https://x', '/a/b?c=d&e=https://x'],
    ['/a?x=//y', '/a?x=//y'],
    ['https://app.example.com/', '/'],
    ['https://app.example.com/a?b', '/a?b'],
    ['/.doorward/', '/.doorward/'],
    ['/.doorward/user', '/.doorward/user'],
    ['/a%20b', '/a%20b'],
  ])('%j is a page of this host', (text, path) => {
    expect(parseReturnTarget(text, here)).toBe(path);
  });

  test('never leads to another origin, whatever it is', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '@',
      ':',
      '?',
      '#',
      'evil.example',
      'https:',
      '%2f',
      '%5c',
      '\t',
      ';',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 12 }), (pieces) => {
        const path = parseReturnTarget(`/${pieces.join('')}`, here);
        if (path !== undefined) expect(new URL(here.origin + path).origin).toBe(here.origin);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the return target of a challenged request', () => {
  test.each([
    [{ path: '/a', query: undefined }, '/a'],
    [{ path: '/a', query: 'b=c' }, '/a?b=c'],
    [{ path: '/a', query: '' }, '/a?'],
    [{ path: '/a', query: 'x'.repeat(3000) }, '/a'],
    [{ path: `/${'x'.repeat(3000)}`, query: 'b' }, '/'],
    [{ path: '/\u00e9', query: undefined }, '/'],
    [{ path: '/a', query: '\ufffd' }, '/a'],
    [{ path: '*', query: undefined }, '/'],
    [{ path: '//evil.example', query: undefined }, '//evil.example'],
  ])('%j comes back to %s', (target, path) => {
    expect(returnTargetOf(target)).toBe(path);
  });
});
