import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createRouteTable } from '../../../src/core/route/create-route-table.ts';
import { matchesHost, tailOf } from '../../../src/core/route/host-pattern.ts';
import { literalPrefix } from '../../../src/core/route/path-index.ts';
import type { PathPattern, Route } from '../../../src/core/route/route.ts';
import { aRoute, matchesPath, regexPattern, tableOf } from './a-route.ts';

const prefix = (text: string): PathPattern => ({ kind: 'prefix', prefix: text });
const path = (text: string): PathPattern => ({ kind: 'path', path: text });
const separated = (text: string): PathPattern => ({ kind: 'path_separated_prefix', prefix: text });

describe('a route table', () => {
  const table = tableOf([
    aRoute('any', '*'),
    aRoute('wild-api', '*.example.com', prefix('/api')),
    aRoute('wild', '*.example.com'),
    aRoute('exact-login', 'app.example.com', path('/login')),
    aRoute('exact-v', 'app.example.com', regexPattern('/v[0-9]+/.*')),
    aRoute('exact-v1', 'app.example.com', prefix('/v1')),
    aRoute('exact-admin', 'app.example.com', separated('/admin')),
    aRoute('exact-a', 'app.example.com', prefix('/a')),
  ]);

  test.each([
    ['app.example.com', '/login', 'exact-login'],
    ['app.example.com', '/v1/x', 'exact-v'],
    ['app.example.com', '/v1', 'exact-v1'],
    ['app.example.com', '/admin', 'exact-admin'],
    ['app.example.com', '/admin/x', 'exact-admin'],
    ['app.example.com', '/administrator', 'exact-a'],
    ['app.example.com', '/login/', undefined],
    ['app.example.com', '*', undefined],
    ['other.example.com', '/api', 'any'],
    ['example.com', '/', 'any'],
    ['', '/', undefined],
  ])('finds for %s%s the route %s', (host, target, id) => {
    expect(table.match(host, target)?.id).toBe(id);
  });

  test('takes the first listed of all wildcard hosts that fit', () => {
    const wildcards = tableOf([
      aRoute('deep', '*.a.example.com', prefix('/x')),
      aRoute('api', '*.example.com', prefix('/x/api')),
      aRoute('rest', '*.example.com'),
    ]);
    expect(wildcards.match('1.a.example.com', '/x/api')?.id).toBe('deep');
    expect(wildcards.match('b.example.com', '/x/api')?.id).toBe('api');
    expect(wildcards.match('1.a.example.com', '/y')?.id).toBe('rest');
  });

  test('does not go on to wildcard hosts where a route names the host exactly', () => {
    expect(table.match('app.example.com', '/zzz')).toBeUndefined();
  });

  test('takes targets without a path for the whole host only', () => {
    const whole = tableOf([
      aRoute('api', 'a', prefix('/api')),
      aRoute('re', 'a', regexPattern('.*')),
      aRoute('all', 'a'),
      aRoute('late', 'a'),
    ]);
    expect(whole.match('a', '*')?.id).toBe('all');
    expect(whole.match('a', '')?.id).toBe('all');
  });

  test('knows a pinned route by its id, if the host belongs to it', () => {
    expect(table.pinned('exact-login', 'app.example.com')?.id).toBe('exact-login');
    expect(table.pinned('wild', 'app.example.com')?.id).toBe('wild');
    expect(table.pinned('exact-login', 'other.example.com')).toBeUndefined();
    expect(table.pinned('wild', 'example.com')).toBeUndefined();
    expect(table.pinned('nobody', 'app.example.com')).toBeUndefined();
    expect(table.pinned('__proto__', 'app.example.com')).toBeUndefined();
  });

  test('names a route of a host, exact before wildcard', () => {
    expect(table.forHost('app.example.com')?.id).toBe('exact-login');
    expect(table.forHost('x.example.com')?.id).toBe('any');
    expect(tableOf([aRoute('a', 'a')]).forHost('b')).toBeUndefined();
  });

  test('keeps every route in listed order', () => {
    expect(table.routes.map(({ id }) => id).slice(0, 3)).toEqual(['any', 'wild-api', 'wild']);
  });

  test('is not made where two routes have one name, and says where', () => {
    const routes = [aRoute('a', 'a'), aRoute('b', 'b'), aRoute('a', 'c'), aRoute('b', 'b')];
    const message = (id: string) =>
      `another route has the name "${id}"; give each an id of its own, and remove what can never match`;
    expect(createRouteTable(routes)).toEqual({
      ok: false,
      error: [
        { severity: 'error', path: ['routes', 2], message: message('a') },
        { severity: 'error', path: ['routes', 3], message: message('b') },
      ],
    });
    const elsewhere = createRouteTable(routes, (index) => ['policy', index]);
    expect(elsewhere.ok ? [] : elsewhere.error.map((problem) => problem.path)).toEqual([
      ['policy', 2],
      ['policy', 3],
    ]);
  });
});

describe('a host pattern', () => {
  test.each([
    ['a', 'a', true],
    ['a', 'ab', false],
    ['*', 'a.b.c', true],
    ['*', '', false],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'a.example.com.evil', false],
    ['a*a', 'aa', false],
    ['a*a', 'aba', true],
    ['app-*.example.com', 'app-1.example.com', true],
    ['app-*.example.com', 'app-.example.com', false],
    ['app-*.example.com', 'api-1.example.com', false],
    ['*.a.*', 'x.a.y', true],
    ['*.a.*', 'x.a.', false],
    ['*.a.*', '.a.y', false],
    ['*.a.*', 'x.b.a.y', true],
    ['*a*a*', 'xaa', false],
    ['*a*a*', 'xaxax', true],
    ['*ab*b', 'xabb', false],
    ['*ab*b', 'xabxb', true],
  ])('%s fits %s: %s', (pattern, host, fits) => {
    expect(matchesHost(pattern, host)).toBe(fits);
  });

  test.each([
    ['*.example.com', '.example.com'],
    ['app-*x.example.com', '.example.com'],
    ['*', ''],
    ['a.*', ''],
    ['*.a.*.b', '.b'],
  ])('%s ends with "%s"', (pattern, tail) => {
    expect(tailOf(pattern)).toBe(tail);
  });

  test('fits what the plain expression fits, and every host that fits has its tail', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 8 }).map((all) => all.join(''));
    const pattern = fc
      .array(fc.oneof(text, fc.constant('*')), { maxLength: 6 })
      .map((all) => all.join('').replace(/\*+/g, '*'));
    fc.assert(
      fc.property(pattern, text, (one, host) => {
        const expression = new RegExp(`^${one.replaceAll('.', '\\.').replaceAll('*', '.+')}$`);
        expect(matchesHost(one, host)).toBe(expression.test(host));
        if (one.includes('*') && expression.test(host)) expect(host.endsWith(tailOf(one))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the text that every match of an expression begins with', () => {
  test.each([
    ['/api/v1', '/api/v1'],
    ['^/api/v[0-9]+', '/api/v'],
    ['/a\\.b\\/c', '/a.b/c'],
    ['/ab*', '/a'],
    ['/ab?', '/a'],
    ['/ab{0,2}', '/a'],
    ['/ab+', '/ab'],
    ['/a\\.*', '/a'],
    ['/a|/b', ''],
    ['/a(b|c)', ''],
    ['(?i)/a', ''],
    ['/a(?i)b', ''],
    ['/a(b)', '/a'],
    ['/a\\d', '/a'],
    ['/a\\Q.*\\E', '/a'],
    ['/a$', '/a'],
    ['.*', ''],
    ['', ''],
    ['^', ''],
  ])('of %s is "%s"', (source, literal) => {
    expect(literalPrefix(source)).toBe(literal);
  });
});

describe('a table of any routes', () => {
  const hosts = ['a', 'b', 'x.a', 'x.b', 'y.x.a'];
  const segment = fc.constantFrom('a', 'ab', 'b', '', 'api');
  const anyPath = fc.oneof(
    fc.array(segment, { maxLength: 4 }).map((all) => `/${all.join('/')}`),
    fc.constantFrom('*', ''),
  );
  const slashed = anyPath.filter((text) => text.startsWith('/'));
  const regex = fc
    .array(fc.constantFrom('/', 'a', 'b', '.', '*', '+', '?', '[ab]', '(a|b)', '|', '\\.', '^', '$', '{2}', '(?i)'), {
      maxLength: 7,
    })
    .map((all) => `/${all.join('')}`)
    .filter((source) => {
      try {
        regexPattern(source);
        return true;
      } catch {
        return false;
      }
    })
    .map(regexPattern);
  const pattern = fc.oneof(
    slashed.map(prefix),
    slashed.map(path),
    slashed.map((text) => separated(text.replace(/\/+$/, '') || '/a')),
    regex,
  );
  const hostPattern = fc.constantFrom(...hosts, '*', '*.a', 'x.*', '*.x.a');
  const anyRoutes = fc
    .array(fc.tuple(hostPattern, pattern), { maxLength: 12 })
    .map((all) => all.map(([host, one], index) => aRoute(`r${index}`, host, one)));

  const naive = (routes: readonly Route[], host: string, target: string): Route | undefined => {
    const exact = routes.filter((route) => route.origin.host === host);
    const candidates = exact.length > 0 ? exact : routes.filter((route) => matchesHost(route.origin.host, host));
    return candidates.find((route) => matchesPath(route.pattern, target));
  };

  test('finds what trying one after the other finds', () => {
    fc.assert(
      fc.property(
        anyRoutes,
        fc.constantFrom(...hosts, 'z'),
        fc.array(anyPath, { minLength: 1, maxLength: 8 }),
        (routes, host, targets) => {
          const table = tableOf(routes);
          for (const target of targets) expect(table.match(host, target)?.id).toBe(naive(routes, host, target)?.id);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('ten thousand routes', () => {
  const nanosPerMatch = (table: ReturnType<typeof tableOf>, host: string, target: string): number => {
    const rounds = 20_000;
    let best = Infinity;
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const begun = performance.now();
      for (let round = 0; round < rounds; round += 1) table.match(host, target);
      best = Math.min(best, ((performance.now() - begun) * 1e6) / rounds);
    }
    return best;
  };
  const many = <T>(count: number, make: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => make(index));

  const shapes: readonly [string, (count: number) => Route[], string, string][] = [
    ['on as many hosts', (count) => many(count, (n) => aRoute(`r${n}`, `h${n}.example.com`)), 'h9.example.com', '/x'],
    [
      'on one host, by prefix',
      (count) => many(count, (n) => aRoute(`r${n}`, 'a', prefix(`/team-${n}/`))),
      'a',
      '/team-9/x',
    ],
    ['on one host, by path', (count) => many(count, (n) => aRoute(`r${n}`, 'a', path(`/team-${n}`))), 'a', '/team-9'],
    [
      'on one host, by regex',
      (count) => many(count, (n) => aRoute(`r${n}`, 'a', regexPattern(`/team-${n}/[a-z]+`))),
      'a',
      '/team-9/x',
    ],
    [
      'on as many wildcard hosts',
      (count) => many(count, (n) => aRoute(`r${n}`, `*.t${n}.example.com`)),
      'x.t9.example.com',
      '/x',
    ],
    ['of one prefix', (count) => many(count, (n) => aRoute(`r${n}`, 'a', prefix('/x'))), 'a', '/x'],
  ];

  test.each(shapes)('%s cost about what ten do', (_, make, host, target) => {
    const small = tableOf(make(10));
    const large = tableOf(make(10_000));
    expect(large.match(host, target)?.id).toBe(small.match(host, target)?.id);
    expect(large.match(host, target)).toBeDefined();
    // Trying one after the other would cost about a thousand times as much.
    expect(nanosPerMatch(large, host, target)).toBeLessThan(nanosPerMatch(small, host, target) * 10 + 2_000);
  });
});
