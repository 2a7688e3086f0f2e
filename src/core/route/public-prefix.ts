/** A word at load about public routes that open more than they seem to. */

import type { RouteConfig } from '../config.ts';
import type { Problem, TreePath } from '../problem.ts';

/** `prefix: /public` is a string prefix: it opens `/publicity` and `/public.html` too. `path` is that of the route in the tree. */
export function publicPrefixWarning(
  route: Pick<RouteConfig, 'prefix' | 'allow_public_unauthenticated_access'>,
  path: TreePath,
): Problem | undefined {
  const { prefix } = route;
  const isOpen = route.allow_public_unauthenticated_access === true && prefix !== undefined && !prefix.endsWith('/');
  if (!isOpen) return undefined;
  return {
    severity: 'warning',
    path: [...path, 'prefix'],
    message:
      `this public prefix also opens every path that only begins like it (${prefix}x); ` +
      `write ${prefix}/ or use path_separated_prefix`,
  };
}
