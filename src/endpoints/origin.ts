/** Origins of Doorward's hosts. Scheme and port are the configuration's, the host is the canonical one that was matched; never a header's. */

import type { Generation } from '../core/generation.ts';
import { originText } from '../core/route/origin.ts';

/** The origin of a host that this generation serves; undefined for every other host. */
export function originOfHost(generation: Pick<Generation, 'authOrigin' | 'routes'>, host: string): string | undefined {
  if (host === generation.authOrigin?.host) return generation.authOrigin.origin;
  const route = generation.routes.forHost(host);
  return route === undefined ? undefined : originText(route.origin, host);
}

/** Whether cookies of this origin may carry `Secure` and the `__Host-` prefix. */
export const schemeOf = (origin: string): 'https' | 'http' => (origin.startsWith('https:') ? 'https' : 'http');
