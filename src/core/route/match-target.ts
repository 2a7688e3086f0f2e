/** matchTarget: the one route of a canonical target, or why there is none. Irregular paths must be relaxed by it, and read one way only. */

import type { PathRelaxation } from '../config.ts';
import { otherReadings } from '../request/canonicalise.ts';
import type { CanonicalTarget } from '../request/target.ts';
import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import type { RouteTable } from './route-table.ts';
import type { Route } from './route.ts';

export type Unmatched = {
  readonly code: 'bad-request' | 'route-not-found';
  /** In plain words, for page, log and audit; never client text. */
  readonly reason: string;
};

const REASONS: Readonly<Record<PathRelaxation, string>> = {
  dot_segments: 'the path has a dot segment',
  encoded_slash: 'the path has an encoded slash',
  backslash: 'the path has a backslash',
  double_slash: 'the path has two slashes in a row',
  non_ascii: 'the path has bytes that are not ASCII or UTF-8',
};

const badRequest = (reason: string): Result<never, Unmatched> => err({ code: 'bad-request', reason });
const notFound: Result<never, Unmatched> = err({
  code: 'route-not-found',
  reason: 'no route covers this host and path',
});

/**
 * `pinnedId` is what the Envoy route names in `context_extensions`: then that route it is, whatever the path, if the host belongs to it.
 * A pinned route that does not exist or is of another host is no route: nothing is allowed by default.
 */
export function matchTarget(
  target: CanonicalTarget,
  table: RouteTable,
  pinnedId: string | undefined,
): Result<Route, Unmatched> {
  const route = pinnedId === undefined ? table.match(target.host, target.path) : table.pinned(pinnedId, target.host);
  if (route === undefined) {
    // An irregular path is refused as such, so that nobody can tell by it which routes there are.
    const [irregularity] = target.irregularities;
    return irregularity === undefined ? notFound : badRequest(REASONS[irregularity]);
  }
  const relaxed = checkRelaxed(target, route);
  if (!relaxed.ok) return relaxed;
  if (pinnedId !== undefined) return ok(route);
  // SECURITY: an upstream that reads the path in another way must not find a page there that another route guards.
  const isOneWay = otherReadings(target).every((reading) => table.match(target.host, reading) === route);
  return isOneWay ? ok(route) : badRequest('the path can be read in two ways that belong to different routes');
}

/** Whether the route accepts every irregularity of the path by name. */
export function checkRelaxed(
  target: CanonicalTarget,
  route: Pick<Route, 'relax' | 'allowPathParameters'>,
): Result<undefined, Unmatched> {
  const refused = target.irregularities.find((irregularity) => !route.relax.has(irregularity));
  if (refused !== undefined) return badRequest(REASONS[refused]);
  if (target.hasParameters && !route.allowPathParameters) return badRequest('the path has parameters (;)');
  return ok(undefined);
}
