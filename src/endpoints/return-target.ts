/**
 * Return targets: where a browser goes when its login is done. Always a path, kept in a value that only Doorward can make and for the host
 * whose flow it is; the origin is added from the configuration. So there is no text that leads to another site.
 */

import type { CanonicalTarget } from '../core/request/target.ts';
import { canonicalise } from '../core/request/canonicalise.ts';
import { matchOwnPath, PATHS, type EndpointName } from './own-paths.ts';

/**
 * Longest return target that is remembered, UTF-16 units: it lives in a cookie, and browsers drop one of more than 4096 bytes. Deep links of
 * dashboards are rarely longer than half of this.
 */
const RETURN_TARGET_LENGTH_MAX = 2048;

/** Printable ASCII, from a slash on. */
const PRINTABLE_PATH = /^\/[\x21-\x7e]*$/;

/** Own endpoints that it makes sense to come back to. Never the callback, and nothing that would begin or end a session. */
const returnableEndpoints: ReadonlySet<EndpointName> = new Set<EndpointName>(['home', 'user']);

/**
 * The return target for a request that was challenged: its own path and query as they were. What cannot be kept comes back to less of it:
 * without the query, or to the root of the host.
 */
export function returnTargetOf(target: Pick<CanonicalTarget, 'path' | 'query'>): string {
  const whole = target.query === undefined ? target.path : `${target.path}?${target.query}`;
  return [whole, target.path].find((path) => isKeepable(path)) ?? '/';
}

const isKeepable = (path: string): boolean => path.length <= RETURN_TARGET_LENGTH_MAX && PRINTABLE_PATH.test(path);

/**
 * A return target that a client wrote (`sign_in?return=`): a path of this host, or a URL that begins with exactly its origin. Undefined for
 * everything else, however it is spelled: nothing is mended. `host` is canonical, `origin` that of the same host.
 */
export function parseReturnTarget(
  text: string,
  here: { readonly host: string; readonly origin: string },
): string | undefined {
  const path = text.startsWith(`${here.origin}/`) ? text.slice(here.origin.length) : text;
  if (!isKeepable(path)) return undefined;
  // The canonicaliser refuses or remarks on `//`, backslashes, dot segments, encoded slashes and controls.
  const target = canonicalise({ method: 'GET', authority: here.host, path });
  if (!target.ok || target.value.irregularities.length > 0) return undefined;
  const ownPath = matchOwnPath(target.value, 'GET');
  return ownPath === undefined || returnableEndpoints.has(ownPath.endpoint) ? path : undefined;
}

/** Where a login ends that nobody told where to go. It exists on every host. */
export const DEFAULT_RETURN_TARGET = PATHS.home;
