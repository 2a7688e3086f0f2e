/** createRouteTable: the index behind RouteTable. Hosts by map, wildcard hosts by what they end with, paths by PathIndex. */

import type { Problem, TreePath } from '../problem.ts';
import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import { runSteps } from '../steps.ts';
import type { Steps } from '../steps.ts';
import { matchesHost, tailOf } from './host-pattern.ts';
import type { PathIndex } from './path-index.ts';
import { createPathIndex, NONE } from './path-index.ts';
import type { RouteTable } from './route-table.ts';
import type { Route } from './route.ts';

/** All routes of one `from` host, which may have wildcards. */
type HostRoutes = {
  readonly pattern: string;
  readonly paths: PathIndex;
  /** The place of the first of them in the listed order. */
  readonly firstIndex: number;
};

/** Where the route at an index stands in the configuration, for problems. */
type PathOf = (index: number) => TreePath;

/** Routes by further ids that pin them. The id that a route has itself goes first. */
type Aliases = ReadonlyMap<string, Route>;

/** Two routes of one id are a problem. */
export const createRouteTable = (
  routes: readonly Route[],
  pathOf: PathOf = (index) => ['routes', index],
): Result<RouteTable, readonly Problem[]> => runSteps(createRouteTableSteps(routes, pathOf));

export function* createRouteTableSteps(
  routes: readonly Route[],
  pathOf: PathOf,
  aliases: Aliases = new Map(),
): Steps<Result<RouteTable, readonly Problem[]>> {
  const byId = new Map<string, Route>();
  const problems: Problem[] = [];
  for (const [index, route] of routes.entries()) {
    yield;
    if (byId.has(route.id)) problems.push(duplicate(route, pathOf(index)));
    else byId.set(route.id, route);
  }
  if (problems.length > 0) return err(problems);

  const hosts = yield* createHostIndex(routes);
  const routeAt = (index: number): Route | undefined => (index === NONE ? undefined : routes[index]);
  return ok({
    routes,
    match: (host, path) => routeAt(lowest(hosts(host), ({ paths }) => paths.find(path))),
    forHost: (host) => routeAt(lowest(hosts(host), ({ firstIndex }) => firstIndex)),
    pinned(id, host) {
      const route = byId.get(id) ?? aliases.get(id);
      return route !== undefined && matchesHost(route.origin.host, host) ? route : undefined;
    },
  });
}

const duplicate = (route: Route, path: TreePath): Problem => ({
  severity: 'error',
  path,
  message: `another route has the name "${route.id}"; give each an id of its own, and remove what can never match`,
});

function lowest(candidates: readonly HostRoutes[], indexOf: (candidate: HostRoutes) => number): number {
  let best = NONE;
  for (const candidate of candidates) best = Math.min(best, indexOf(candidate));
  return best;
}

/** The hosts whose routes may match: the exact one alone if it is listed, else every wildcard host that fits. */
function* createHostIndex(routes: readonly Route[]): Steps<(host: string) => readonly HostRoutes[]> {
  const byPattern = new Map<string, HostRoutes>();
  for (const [index, route] of routes.entries()) {
    yield;
    const pattern = route.origin.host;
    const host = byPattern.get(pattern) ?? { pattern, paths: createPathIndex(), firstIndex: index };
    byPattern.set(pattern, host);
    host.paths.add(route.pattern, index);
  }
  const exact = new Map<string, readonly HostRoutes[]>();
  const byTail = new Map<string, HostRoutes[]>();
  for (const host of byPattern.values()) {
    yield;
    if (!host.pattern.includes('*')) {
      exact.set(host.pattern, [host]);
      continue;
    }
    const tail = tailOf(host.pattern);
    const others = byTail.get(tail);
    if (others === undefined) byTail.set(tail, [host]);
    else others.push(host);
  }
  return (host) => exact.get(host) ?? (byTail.size === 0 ? [] : wildcardHosts(byTail, host));
}

function wildcardHosts(byTail: ReadonlyMap<string, readonly HostRoutes[]>, host: string): readonly HostRoutes[] {
  const fitting = (tail: string): readonly HostRoutes[] =>
    (byTail.get(tail) ?? []).filter(({ pattern }) => matchesHost(pattern, host));
  const found = [...fitting('')];
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    found.push(...fitting(host.slice(dot)));
  }
  return found;
}
