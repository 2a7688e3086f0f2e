/** RouteTable: finds the one route of a host and path. Its cost does not grow with the number of routes. */

import type { Route } from './route.ts';

export interface RouteTable {
  /** Every route, in listed order. */
  readonly routes: readonly Route[];
  /**
   * First match in listed order among the routes of exactly this host; among those of wildcard hosts only where no route names it
   * exactly, as with Envoy's virtual hosts. `host` canonical, `path` raw without query.
   */
  match(host: string, path: string): Route | undefined;
  /** The route of that id, if `host` belongs to it (`context_extensions`). */
  pinned(id: string, host: string): Route | undefined;
  /** Any route of that host, exact before wildcard: tells whether the host is ours, and its scheme and port. */
  forHost(host: string): Route | undefined;
}
