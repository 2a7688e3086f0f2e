/** Origins of Doorward's hosts. Scheme and port are the configuration's, the host is the canonical one that was matched; never a header's. */

import type { Generation } from '../core/generation.ts';
import type { Route } from '../core/route/route.ts';

/** `https://grafana.example.com:8443` for a host that the route covers (a wildcard route covers many). */
export const originOf = (route: Pick<Route, 'origin'>, host: string): string =>
  `${route.origin.scheme}://${host}${route.origin.port === undefined ? '' : `:${route.origin.port}`}`;

/** The origin of a host that this generation serves; undefined for every other host. */
export function originOfHost(generation: Pick<Generation, 'authOrigin' | 'routes'>, host: string): string | undefined {
  if (host === generation.authOrigin?.host) return generation.authOrigin.origin;
  const route = generation.routes.forHost(host);
  return route === undefined ? undefined : originOf(route, host);
}

/** Whether cookies of this origin may carry `Secure` and the `__Host-` prefix. */
export const schemeOf = (origin: string): 'https' | 'http' => (origin.startsWith('https:') ? 'https' : 'http');
