/** The name of a route without an `id`: made from its host and path, so that it is the same on every process and after every reload. */

import type { RouteConfig } from '../config.ts';

/** `grafana.example.com`, `app.example.com/api/*`, `http://localhost:8080/exact`, `app.example.com~^/v[0-9]+/.*$`. */
export function routeIdOf(
  route: Pick<RouteConfig, 'from' | 'prefix' | 'path' | 'path_separated_prefix' | 'regex'>,
): string {
  const host = route.from
    .toLowerCase()
    .replace(/^https:\/\//, '')
    .replace(/\/$/, '');
  if (route.regex !== undefined) return `${host}~${route.regex}`;
  if (route.path !== undefined) return host + route.path;
  if (route.path_separated_prefix !== undefined) return `${host}${route.path_separated_prefix}/**`;
  return route.prefix === undefined || route.prefix === '/' ? host : `${host}${route.prefix}*`;
}
