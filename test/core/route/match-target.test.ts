import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { canonicalise } from '../../../src/core/request/canonicalise.ts';
import type { CanonicalTarget } from '../../../src/core/request/target.ts';
import { checkRelaxed, matchTarget } from '../../../src/core/route/match-target.ts';
import type { PathPattern, Route } from '../../../src/core/route/route.ts';
import { aRoute, regexPattern, tableOf } from './a-route.ts';

function targetOf(path: string, authority = 'app.example.com'): CanonicalTarget {
  const target = canonicalise({ method: 'GET', authority, path });
  if (!target.ok) throw new Error(target.error.reason);
  return target.value;
}

const prefix = (text: string): PathPattern => ({ kind: 'prefix', prefix: text });

const everything: Partial<Route> = {
  relax: new Set(['encoded_slash', 'double_slash', 'dot_segments', 'backslash', 'non_ascii']),
  allowPathParameters: true,
};

const strict = tableOf([
  aRoute('admin', 'app.example.com', prefix('/admin')),
  aRoute('public', 'app.example.com', prefix('/public/')),
  aRoute('lax', 'lax.example.com', prefix('/'), everything),
  aRoute('whole', 'whole.example.com'),
]);

const outcome = (path: string, authority?: string, pinned?: string): string => {
  const result = matchTarget(targetOf(path, authority), strict, pinned);
  return result.ok ? result.value.id : `${result.error.code}: ${result.error.reason}`;
};

describe('the route of a target', () => {
  test.each([
    ['/admin', 'admin'],
    ['/public/a?b', 'public'],
    ['/nowhere', 'route-not-found: no route covers this host and path'],
    ['/public/%41', 'public'],
    ['/public/a%2fb', 'bad-request: the path has an encoded slash'],
    ['/public/..;/admin', 'bad-request: the path has a dot segment'],
    ['/public/%2e%2e;/admin', 'bad-request: the path has a dot segment'],
    ['/public/../admin', 'bad-request: the path has a dot segment'],
    ['/public\\..\\admin', 'bad-request: the path has a dot segment'],
    ['/public/a\\b', 'bad-request: the path has a backslash'],
    ['/public//a', 'bad-request: the path has two slashes in a row'],
    ['/public/\ufffd', 'bad-request: the path has bytes that are not ASCII or UTF-8'],
    ['/public/a;b', 'bad-request: the path has parameters (;)'],
    ['/nowhere//x', 'bad-request: the path has two slashes in a row'],
    ['/nowhere;x', 'route-not-found: no route covers this host and path'],
    ['/%61dmin', 'route-not-found: no route covers this host and path'],
  ])('%s is %s', (path, expected) => {
    expect(outcome(path)).toBe(expected);
  });

  test('takes what it relaxes, by name', () => {
    for (const path of ['/a%2fb', '/a//b', '/a/../b', '/a\\b', '/\ufffd', '/a;b']) {
      expect(outcome(path, 'lax.example.com')).toBe('lax');
      expect(outcome(path, 'whole.example.com')).toMatch(/^bad-request: /);
    }
  });

  test('of no host is none, and an irregular path does not tell which hosts there are', () => {
    expect(outcome('/', 'nobody.example.com')).toMatch(/^route-not-found/);
    expect(outcome('//', 'nobody.example.com')).toBe('bad-request: the path has two slashes in a row');
  });
});

describe('a path with two readings', () => {
  const table = tableOf([
    aRoute('admin', 'app.example.com', prefix('/admin'), everything),
    aRoute('exact', 'app.example.com', { kind: 'path', path: '/exact' }, everything),
    aRoute('v', 'app.example.com', regexPattern('/v[0-9]/[^/]+'), everything),
    aRoute('open', 'app.example.com', prefix('/'), everything),
  ]);
  const twoWays = {
    ok: false,
    error: { code: 'bad-request', reason: 'the path can be read in two ways that belong to different routes' },
  };

  test.each([
    '/%61dmin',
    '/%2561dmin',
    '/public/../admin',
    '/public/%2e%2e;/admin',
    '/public/..%2fadmin',
    '/public\\..\\admin',
    '//admin',
    '/./admin',
    '/exact;x=1',
    '/exac%74',
    '/v1/a%2fb',
    '/admin/../public',
    '/admin/%252e%252e/public',
  ])('that belong to different routes is refused, even where all is relaxed: %s', (path) => {
    expect(matchTarget(targetOf(path), table, undefined)).toEqual(twoWays);
  });

  test.each([
    ['/admin/a%2fb', 'admin'],
    ['/admin/x/../y', 'admin'],
    ['/p/a%2fb//c;d\\e', 'open'],
    ['/%62', 'open'],
  ])('that belong to one route is of that route: %s', (path, id) => {
    expect(matchTarget(targetOf(path), table, undefined)).toMatchObject({ ok: true, value: { id } });
  });

  test('never leads past the guard, however it is written', () => {
    const piece = fc.constantFrom(
      '/',
      '%2f',
      '%252f',
      '..',
      '%2e%2e',
      '.',
      ';',
      '\\',
      '%5c',
      'admin',
      '%61dmin',
      'public',
      'x',
    );
    const resolve = (path: string): string => {
      let text = path;
      for (let next = ''; next !== text;) {
        next = text;
        text = decodeURIComponent(text);
      }
      const kept: string[] = [];
      for (const part of text
        .replaceAll('\\', '/')
        .split('/')
        .map((one) => one.replace(/;.*/, ''))) {
        if (part === '..') kept.pop();
        else if (part !== '' && part !== '.') kept.push(part);
      }
      return `/${kept.join('/')}`;
    };
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const target = targetOf(`/${pieces.join('')}`);
        const route = matchTarget(target, table, undefined);
        if (route.ok && route.value.id === 'open') expect(resolve(target.path)).not.toMatch(/^\/admin/);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a pinned route', () => {
  test('is the route whatever the path, if the host is its own', () => {
    expect(outcome('/nowhere', 'app.example.com', 'public')).toBe('public');
    expect(outcome('/%61dmin', 'app.example.com', 'public')).toBe('public');
  });

  test('must still relax what is irregular', () => {
    expect(outcome('/a//b', 'app.example.com', 'public')).toBe('bad-request: the path has two slashes in a row');
  });

  test('of another host, or that does not exist, is no route', () => {
    expect(outcome('/admin', 'app.example.com', 'lax')).toMatch(/^route-not-found/);
    expect(outcome('/admin', 'app.example.com', 'nobody')).toMatch(/^route-not-found/);
  });
});

describe('what a route relaxes', () => {
  test('is checked for each irregularity', () => {
    const target = targetOf('/a%2f%2fb');
    const relax = (...names: ('encoded_slash' | 'double_slash')[]) => ({
      relax: new Set(names),
      allowPathParameters: false,
    });
    expect(checkRelaxed(target, relax('encoded_slash')).ok).toBe(false);
    expect(checkRelaxed(target, relax('double_slash')).ok).toBe(false);
    expect(checkRelaxed(target, relax('encoded_slash', 'double_slash'))).toEqual({ ok: true, value: undefined });
  });
});
