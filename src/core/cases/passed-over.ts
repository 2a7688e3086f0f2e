/** passedOver: the routes of a host that a request did not go to, and why not. Matches as the route table does, one route at a time. */

import type { CanonicalTarget } from '../request/target.ts';
import { createRouteTable } from '../route/create-route-table.ts';
import type { Route } from '../route/route.ts';

export type PassedOver = {
  readonly route: Route;
  readonly why: 'path does not match' | 'comes later' | 'a route names the host exactly' | 'another route is pinned';
};

/** In listed order: routes whose host pattern covers the target's host, but for the one that was chosen. */
export function passedOver(
  target: CanonicalTarget,
  routes: readonly Route[],
  chosen: Route | undefined,
  isPinned: boolean,
): readonly PassedOver[] {
  return routes.flatMap((route): readonly PassedOver[] => {
    if (route === chosen) return [];
    const table = createRouteTable([route]);
    if (!table.ok || table.value.forHost(target.host) === undefined) return [];
    if (isPinned) return [{ route, why: 'another route is pinned' }];
    if (table.value.match(target.host, target.path) === undefined) return [{ route, why: 'path does not match' }];
    // An exact host wins over a wildcard, wherever it stands.
    const isWildcard = route.origin.isWildcard && chosen?.origin.isWildcard !== true;
    return [{ route, why: isWildcard ? 'a route names the host exactly' : 'comes later' }];
  });
}
