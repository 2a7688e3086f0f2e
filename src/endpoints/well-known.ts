/** Documents for programs: the public keys of the assertion, and where Doorward's endpoints are. The same for everybody. */

import { jsonAnswer } from './answers.ts';
import type { EndpointAnswer, EndpointContext, EndpointPorts } from './endpoint.ts';
import { callbackPath } from './login/redirect-uri.ts';
import { PATHS } from './own-paths.ts';

/** Seconds that a verifier may keep the keys: well below the overlap of a rotation. */
const KEYS_MAX_AGE_SECONDS = 60;

/** Public keys may be read by any page (RFC 7517). */
const forEverybody = [
  ['cache-control', `public, max-age=${KEYS_MAX_AGE_SECONDS}`],
  ['access-control-allow-origin', '*'],
] as const;

export const jwks = (_context: EndpointContext, ports: EndpointPorts): EndpointAnswer =>
  jsonAnswer(ports.signer.jwks(), { headers: forEverybody });

/** `/.well-known/pomerium`, with the members that its clients read. */
export function metadata(context: EndpointContext, ports: EndpointPorts): EndpointAnswer {
  const { origin, generation } = context;
  const [idp] = ports.idps;
  const callback = idp === undefined ? PATHS.callback : callbackPath(idp.name);
  return jsonAnswer(
    JSON.stringify({
      authentication_callback_endpoint: `${generation.authOrigin?.origin ?? origin}${callback}`,
      frontchannel_logout_uri: `${origin}${PATHS.signOut}`,
      jwks_uri: `${origin}${PATHS.pomeriumJwks}`,
    }),
    { headers: forEverybody },
  );
}
