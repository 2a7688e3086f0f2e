/** The last step of a login: on to the page that the browser wanted. */

import { redirect } from '../answers.ts';
import type { EndpointAnswer, EndpointContext } from '../endpoint.ts';
import { goOnPage } from './pages.ts';

/** `path` comes from a flow of this host. A `SameSite=Strict` session cookie is not sent with a redirect that began at another site. */
export function arrive(
  path: string,
  cookies: readonly string[],
  context: Pick<EndpointContext, 'origin' | 'generation'>,
): EndpointAnswer {
  const location = `${context.origin}${path}`;
  const isStrict = context.generation.config.cookie_same_site === 'strict';
  return isStrict ? goOnPage(location, cookies) : redirect(location, cookies);
}
