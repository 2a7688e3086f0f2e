/** Where the sign-out form may lead: to the identity provider, wherever that sends the browser on to, and back. */

import type { EndpointContext } from './endpoint.ts';

/**
 * Chromium holds every redirect that follows a form against `form-action`, and an identity provider's sign-out may pass through hosts that
 * nobody here knows. So any https: place will do; and http:, where the provider or this host is on loopback without TLS.
 */
export const signOutFormTargets = (context: Pick<EndpointContext, 'origin' | 'generation'>): readonly string[] => {
  const isHttp = context.origin.startsWith('http:') || context.generation.config.idps.some((idp) => idp.insecure_http);
  return isHttp ? ['https:', 'http:'] : ['https:'];
};
