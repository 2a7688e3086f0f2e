/** Builders for the tests of this room: routes of which only host, path and what is relaxed matter. */

import { compileRegex } from '../../../src/core/regex.ts';
import type { CompiledPolicy } from '../../../src/core/policy/compiled-policy.ts';
import { createRouteTable } from '../../../src/core/route/create-route-table.ts';
import type { RouteTable } from '../../../src/core/route/route-table.ts';
import type { PathPattern, Route } from '../../../src/core/route/route.ts';
import { routeId } from '../../../src/core/units.ts';

const verdict = {
  kind: 'deny',
  allow: { value: false, reasons: [] },
  deny: { value: false, reasons: [] },
  rule: undefined,
} as const;

const denyAll: CompiledPolicy = {
  needs: new Set(),
  reads: [],
  mayAllowAnonymous: false,
  namesActor: false,
  evaluate: () => verdict,
  possible: () => ({ kinds: new Set([verdict.kind]), lacking: [] }),
  explain: () => ({ verdict, criteria: [] }),
};

export function regexPattern(source: string): PathPattern {
  const matches = compileRegex(source);
  if (!matches.ok) throw new Error(matches.error);
  return { kind: 'regex', source, matches: matches.value };
}

export function aRoute(
  id: string,
  host: string,
  pattern: PathPattern = { kind: 'prefix', prefix: '/' },
  change: Partial<Route> = {},
): Route {
  return {
    id: routeId(id),
    origin: { scheme: 'https', host, isWildcard: host.includes('*'), port: undefined },
    pattern,
    policy: denyAll,
    idps: [],
    passIdentityHeaders: false,
    setRequestHeaders: [],
    removeRequestHeaders: [],
    hasRoutingKey: false,
    jwtGroupsFilter: undefined,
    jwtIssuerFormat: 'hostOnly',
    assertionPerRequest: false,
    showErrorDetails: false,
    allowPathParameters: false,
    relax: new Set(),
    sessionLifetimeSeconds: 3600,
    sessionIdleSeconds: undefined,
    maxStreamSeconds: undefined,
    onUnauthenticated: 'auto',
    labels: new Map(),
    clientCa: undefined,
    ...change,
  };
}

export function tableOf(routes: readonly Route[]): RouteTable {
  const table = createRouteTable(routes);
  if (!table.ok) throw new Error(table.error.map(({ message }) => message).join('; '));
  return table.value;
}

/** The definition of a match, for one route: what a table must agree with. Targets without a path (`*`, CONNECT) are of whole hosts only. */
export function matchesPath(pattern: PathPattern, path: string): boolean {
  if (!path.startsWith('/')) return pattern.kind === 'prefix' && pattern.prefix === '/';
  switch (pattern.kind) {
    case 'prefix':
      return path.startsWith(pattern.prefix);
    case 'path':
      return path === pattern.path;
    case 'path_separated_prefix':
      return path === pattern.prefix || path.startsWith(`${pattern.prefix}/`);
    case 'regex':
      return pattern.matches(path);
  }
}
