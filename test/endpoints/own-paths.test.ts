import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { canonicalise } from '../../src/core/request/canonicalise.ts';
import { matchOwnPath, PATHS, type EndpointName } from '../../src/endpoints/own-paths.ts';

function match(path: string, method = 'GET'): ReturnType<typeof matchOwnPath> {
  const target = canonicalise({ method, authority: 'app.example.com', path });
  if (!target.ok) throw new Error(target.error.reason);
  return matchOwnPath(target.value, method);
}

describe('the paths of Doorward', () => {
  test.each<[string, EndpointName]>([
    ['/.doorward', 'home'],
    ['/.doorward/', 'home'],
    ['/.doorward/user', 'user'],
    ['/.doorward/user?x=1', 'user'],
    ['/.doorward/sign_in', 'sign_in'],
    ['/.doorward/sign_out', 'sign_out_confirm'],
    ['/.doorward/signed_out', 'signed_out'],
    ['/.doorward/callback', 'callback'],
    ['/.doorward/callback/partners', 'callback'],
    ['/.doorward/ticket', 'ticket'],
    ['/.pomerium', 'home'],
    ['/.pomerium/', 'home'],
    ['/.pomerium/user', 'user'],
    ['/.pomerium/sign_in', 'sign_in'],
    ['/.pomerium/sign_out', 'sign_out_confirm'],
    ['/.pomerium/signed_out', 'signed_out'],
    ['/.well-known/pomerium', 'metadata'],
    ['/.well-known/pomerium/jwks.json', 'jwks'],
    ['/.well-known/doorward/jwks.json', 'jwks'],
  ])('%s is %s', (path, endpoint) => {
    expect(match(path)?.endpoint).toBe(endpoint);
  });

  test.each([
    '/.doorward/nothing',
    '/.doorward/User',
    '/.doorward/user/',
    '/.doorward/callback/',
    '/.doorward/callback/a/b',
    '/.doorward//user',
    '/.doorward/../user',
    '/.doorward/./user',
    '/.doorward/us%65r',
    '/%2edoorward/user',
    '/.doorward%2fuser',
    '/.doorward\\user',
    '/.doorward;x=1/user',
    '/.doorward/user;x=1',
    '/.doorward/__proto__',
    '/.pomerium/callback',
    '/.pomerium/jwt',
    '/.pomerium/__proto__',
  ])('%s is nobody’s, and no upstream’s', (path) => {
    expect(match(path)).toEqual({ endpoint: 'unknown', needsSession: false, endsUnreadable: false, allow: '' });
  });

  test.each(['/', '/doorward/', '/.doorwardx', '/.pomeriums/', '/a/.doorward/', '/.well-known/x', '/oauth2/callback'])(
    '%s is a route’s',
    (path) => {
      expect(match(path)).toBeUndefined();
    },
  );

  test.each([
    ['/.doorward/', 'POST', 'GET, HEAD'],
    ['/.doorward/user', 'DELETE', 'GET, HEAD'],
    ['/.doorward/sign_in', 'HEAD', 'GET'],
    ['/.doorward/sign_out', 'PUT', 'GET, HEAD, POST'],
    ['/.doorward/callback', 'POST', 'GET'],
    ['/.doorward/callback/partners', 'HEAD', 'GET'],
    ['/.doorward/ticket', 'HEAD', 'GET'],
    ['/.doorward/user', 'constructor', 'GET, HEAD'],
    ['/.doorward/user', 'get', 'GET, HEAD'],
  ])('%s has no %s', (path, method, allow) => {
    expect(match(path, method)).toEqual({
      endpoint: 'method_not_allowed',
      needsSession: false,
      endsUnreadable: false,
      allow,
    });
  });

  test('what ends or begins a session, and what tells of one, needs it; documents for everybody do not', () => {
    const needing = Object.values(PATHS).filter((path) => match(path)?.needsSession === true);
    expect(needing.sort()).toEqual(
      [PATHS.home, PATHS.signIn, PATHS.signOut, PATHS.signedOut, PATHS.callback, PATHS.ticket].sort(),
    );
    expect(match(PATHS.signOut, 'POST')).toMatchObject({ endpoint: 'sign_out', needsSession: true });
  });

  test('any path below the own trees is answered here', () => {
    const tree = fc.constantFrom('/.doorward/', '/.pomerium/');
    fc.assert(
      fc.property(tree, fc.webPath(), (prefix, rest) => {
        const target = canonicalise({ method: 'GET', authority: 'app.example.com', path: prefix + rest });
        if (target.ok) expect(matchOwnPath(target.value, 'GET')).toBeDefined();
      }),
    );
  });
});
