/** What the main thread and the thread that reads a configuration say to each other: one reply to each request, in turn. */

import type { ConfigReport, LoadedConfig } from '../adapters/config/load-config.ts';
import type { AccessConfig, RouteConfig } from '../core/config.ts';
import type { LocatedProblem, Problem, TreePath } from '../core/problem.ts';
import type { ConfigSource } from './load.ts';

export type LoadRequest =
  | { readonly kind: 'load'; readonly source: ConfigSource }
  /** The routes from one index up to, and without, another one: taking over all of them at once would keep the event loop. */
  | { readonly kind: 'routes'; readonly from: number; readonly to: number }
  | { readonly kind: 'locate'; readonly problems: readonly Problem[] };

/** A LoadedConfig without its routes and its functions. */
export type LoadedHead = Pick<LoadedConfig, 'server' | 'notices' | 'contentHash' | 'files'> & {
  readonly globals: Omit<AccessConfig, 'routes'>;
  readonly routeCount: number;
};

export type LoadReply =
  | { readonly kind: 'loaded'; readonly head: LoadedHead }
  | { readonly kind: 'refused'; readonly report: ConfigReport }
  | { readonly kind: 'routes'; readonly routes: readonly RouteConfig[]; readonly paths: readonly TreePath[] }
  | { readonly kind: 'located'; readonly problems: readonly LocatedProblem[] };
