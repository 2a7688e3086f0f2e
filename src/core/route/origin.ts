/** The `from` of a route (and `auth_url`): scheme, host and port, and nothing else. */

import { canonicalHost } from '../request/host.ts';
import type { Result } from '../result.ts';
import { err, ok } from '../result.ts';
import type { RouteOrigin } from './route.ts';

/** A host with more is a mistake, and each wildcard multiplies what must be thought of. */
const WILDCARDS_MAX = 4;

const DEFAULT_PORTS = { https: 443, http: 80 } as const;

/**
 * `https://grafana.example.com`, `https://*.example.com:8443`, `http://localhost:8080`. No path: it belongs in `prefix`, `path` or `regex`.
 * `http:` is for loopback names, where nobody listens in; elsewhere `insecureHttp` must say that it is meant. The error is one sentence.
 */
export function parseOrigin(from: string, options: { readonly insecureHttp: boolean }): Result<RouteOrigin, string> {
  const end = from.indexOf('://');
  const scheme = from.slice(0, Math.max(0, end)).toLowerCase();
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return err('must be an origin such as https://app.example.com');
  if (scheme !== 'https' && scheme !== 'http') return err(`the scheme must be https or http, not ${scheme}`);
  const authority = from.slice(end + 3).replace(/\/$/, '');
  if (/[/?#]/.test(authority)) return err('must end after the host and port; a path goes into prefix, path or regex');
  if (authority.includes('@')) return err('must not have a user name');

  const host = parseHost(authority);
  if (!host.ok) return host;
  if (scheme === 'http' && !options.insecureHttp && !isLoopbackName(host.value)) {
    return err('http is for loopback names (localhost, *.localhost, 127.0.0.1); elsewhere set insecure_http: true');
  }
  const portText = /:[0-9]+$/.exec(authority);
  const port = portText === null ? undefined : Number(portText[0].slice(1));
  if (port === 0) return err('the port must be between 1 and 65535');
  return ok({
    scheme,
    host: host.value,
    isWildcard: host.value.includes('*'),
    port: port === DEFAULT_PORTS[scheme] ? undefined : port,
  });
}

function parseHost(authority: string): Result<string, string> {
  // Any character of a name may stand for the wildcard while the rest is checked; letters and `*` are never mixed up afterwards.
  if (/[^\p{ASCII}]/u.test(authority)) return err('write the host in its ASCII form (xn--...)');
  if (authority.includes('**')) return err('two * in a row mean nothing; write one');
  const pieces = authority.split('*');
  if (pieces.length - 1 > WILDCARDS_MAX) return err(`at most ${WILDCARDS_MAX} * in a host`);
  const whole = canonicalHost(pieces.join('w'));
  if (whole === undefined) return err('the host or port is malformed');
  if (pieces.length === 1) return ok(whole);
  // No wildcard host has brackets, so that all that canonicalHost did is this.
  return ok(
    authority
      .toLowerCase()
      .replace(/:[0-9]+$/, '')
      .replace(/\.$/, ''),
  );
}

const isLoopbackName = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host === '127.0.0.1' || host === '[::1]';

/** As URLs have it. `host` is the canonical host of the request where the origin has wildcards. */
export const originText = ({ scheme, port }: RouteOrigin, host: string): string =>
  `${scheme}://${host}${port === undefined ? '' : `:${port}`}`;
