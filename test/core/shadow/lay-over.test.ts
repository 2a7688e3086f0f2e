/** Shadow routes laid over the others, and what a file says wrongly about them. */

import { describe, expect, test } from '@jest/globals';

import type { Problem } from '../../../src/core/problem.ts';
import type { PathPattern } from '../../../src/core/route/route.ts';
import { layOver, type ListedRoute } from '../../../src/core/shadow/lay-over.ts';
import { aRoute, regexPattern } from '../route/a-route.ts';

const listed = (id: string, pattern?: PathPattern, changes: Partial<ListedRoute> = {}): ListedRoute => ({
  route: aRoute(id, 'app.example.com', pattern),
  path: ['routes', id],
  isShadow: false,
  shadowOf: undefined,
  ...changes,
});

const shadow = (id: string, pattern?: PathPattern, shadowOf?: string): ListedRoute =>
  listed(id, pattern, { isShadow: true, shadowOf });

const api: PathPattern = { kind: 'prefix', prefix: '/api' };

function ids(routes: readonly ListedRoute[]): readonly string[] {
  const laid = layOver(routes);
  if (!laid.ok) throw new Error(laid.error.map(({ message }) => message).join('; '));
  return laid.value.map(({ route }) => route.id);
}

function problems(routes: readonly ListedRoute[]): readonly Problem[] {
  const laid = layOver(routes);
  return laid.ok ? [] : laid.error;
}

describe('routes with their shadows in force', () => {
  test('have a shadow in the place of the active route of the same host and path, wherever it is listed', () => {
    expect(ids([listed('a', api), listed('b'), shadow('a2', api)])).toEqual(['a2', 'b']);
    expect(ids([shadow('a2', api), listed('b'), listed('a', api)])).toEqual(['b', 'a2']);
  });

  test.each<[string, PathPattern]>([
    ['path', { kind: 'path', path: '/x' }],
    ['path_separated_prefix', { kind: 'path_separated_prefix', prefix: '/x' }],
    ['regex', regexPattern('/x.*')],
  ])('know a place by its %s', (_kind, pattern) => {
    expect(ids([listed('whole'), listed('a', pattern), shadow('s', pattern)])).toEqual(['whole', 's']);
  });

  test('have a shadow in the place of the route that it names', () => {
    expect(ids([listed('a', api), listed('b'), shadow('s', { kind: 'path', path: '/new' }, 'a')])).toEqual(['s', 'b']);
  });

  test('have a shadow of no other route at its own place', () => {
    expect(ids([listed('a', api), shadow('s', { kind: 'path', path: '/new' }), listed('b')])).toEqual(['a', 's', 'b']);
  });

  test('replace the first of several active routes of one place', () => {
    expect(ids([listed('a', api), listed('b', api), shadow('s', api)])).toEqual(['s', 'b']);
  });

  test('cannot have two shadows of one route, nor a shadow of none', () => {
    expect(problems([listed('a'), shadow('s'), shadow('t')])).toEqual([
      { severity: 'error', path: ['routes', 't', 'mode'], message: 'another shadow route stands for "a" already' },
    ]);
    expect(problems([listed('a'), shadow('s', undefined, 'nobody')])[0]).toMatchObject({
      path: ['routes', 's', 'shadow_of'],
      message: 'no active route has the id "nobody"',
    });
    expect(problems([listed('a'), listed('b', api, { shadowOf: 'a' })])[0]).toMatchObject({
      path: ['routes', 'b', 'shadow_of'],
      message: '`shadow_of` is for routes with `mode: shadow`',
    });
  });
});
