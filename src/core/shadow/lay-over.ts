/** layOver: the routes as they would be with the shadow routes in force: each in the place of the one that it stands for, or in its own. */

import type { Problem, TreePath } from '../problem.ts';
import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import type { PathPattern, Route } from '../route/route.ts';

/** A compiled route as it is listed. */
export type ListedRoute = {
  readonly route: Route;
  /** Where it stands in the configuration. */
  readonly path: TreePath;
  readonly isShadow: boolean;
  /** The id of the route whose place it takes; undefined = the active one of the same host and path, if there is one. */
  readonly shadowOf: string | undefined;
  /** The id of the route whose place it has taken: Envoy's routes still pin requests to that one. */
  readonly alias?: string;
};

export function layOver(listed: readonly ListedRoute[]): Result<readonly ListedRoute[], readonly Problem[]> {
  if (listed.every(({ isShadow, shadowOf }) => !isShadow && shadowOf === undefined)) return ok(listed);
  const problems: Problem[] = [];
  const active = listed.filter(({ isShadow }) => !isShadow);
  const byId = new Map(active.map((entry) => [entry.route.id as string, entry]));
  const byPlace = new Map<string, ListedRoute>();
  for (const entry of active) if (!byPlace.has(placeOf(entry.route))) byPlace.set(placeOf(entry.route), entry);

  const inPlaceOf = new Map<ListedRoute, ListedRoute>();
  const isPlaced = new Set<ListedRoute>();
  for (const entry of listed) {
    const { shadowOf, path, isShadow, route } = entry;
    if (shadowOf !== undefined && !isShadow)
      problems.push(error([...path, 'shadow_of'], '`shadow_of` is for routes with `mode: shadow`'));
    if (!isShadow) continue;
    const replaced = shadowOf === undefined ? byPlace.get(placeOf(route)) : byId.get(shadowOf);
    if (shadowOf !== undefined && replaced === undefined)
      problems.push(error([...path, 'shadow_of'], `no active route has the id "${shadowOf}"`));
    if (replaced === undefined) continue;
    if (inPlaceOf.has(replaced))
      problems.push(error([...path, 'mode'], `another shadow route stands for "${replaced.route.id}" already`));
    inPlaceOf.set(replaced, { ...entry, alias: replaced.route.id });
    isPlaced.add(entry);
  }
  if (problems.length > 0) return err(problems);
  return ok(listed.filter((entry) => !isPlaced.has(entry)).map((entry) => inPlaceOf.get(entry) ?? entry));
}

const error = (path: TreePath, message: string): Problem => ({ severity: 'error', path, message });

const placeOf = ({ origin, pattern }: Route): string => JSON.stringify([origin.host, pattern.kind, textOf(pattern)]);

const textOf = (pattern: PathPattern): string => {
  if (pattern.kind === 'regex') return pattern.source;
  return pattern.kind === 'path' ? pattern.path : pattern.prefix;
};
