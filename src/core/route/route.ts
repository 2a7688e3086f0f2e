/** Route: a host and path pattern that owns a policy. Route keys follow Pomerium's configuration; `path_separated_prefix` is Envoy's term. */

import type { CompiledPolicy } from '../policy/compiled-policy.ts';
import type { HeaderTemplate } from '../assertion/header-template.ts';
import type { PathRelaxation } from '../config.ts';
import type { IdpName, RouteId } from '../units.ts';

export type RouteOrigin = {
  readonly scheme: 'https' | 'http';
  /** Canonical host; `*` wildcards allowed (each matches one or more characters, dots included). */
  readonly host: string;
  readonly isWildcard: boolean;
  /** From `from`; undefined = the scheme's default. Used to build URLs, never to match. */
  readonly port: number | undefined;
};

export type PathPattern =
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'path'; readonly path: string }
  /** Matches the prefix itself and everything below `prefix + '/'`. */
  | { readonly kind: 'path_separated_prefix'; readonly prefix: string }
  /** Whole-path match by a linear-time engine. */
  | { readonly kind: 'regex'; readonly source: string; readonly matches: (path: string) => boolean };

export type Route = {
  readonly id: RouteId;
  readonly origin: RouteOrigin;
  readonly pattern: PathPattern;
  readonly policy: CompiledPolicy;
  /** Providers this route accepts; empty = all. A session of another provider is no identity here. */
  readonly idps: readonly IdpName[];
  readonly passIdentityHeaders: boolean;
  readonly setRequestHeaders: readonly { readonly name: string; readonly template: HeaderTemplate }[];
  readonly removeRequestHeaders: readonly string[];
  /** Tells the load balancer which session it is, by `x-pomerium-routing-key`. */
  readonly hasRoutingKey: boolean;
  readonly jwtGroupsFilter: readonly string[] | undefined;
  readonly jwtIssuerFormat: 'hostOnly' | 'uri';
  readonly assertionPerRequest: boolean;
  readonly showErrorDetails: boolean;
  readonly allowPathParameters: boolean;
  readonly relax: ReadonlySet<PathRelaxation>;
  readonly sessionLifetimeSeconds: number;
  readonly sessionIdleSeconds: number | undefined;
  /** How long a stream of a session may last; undefined = as long as the session. */
  readonly maxStreamSeconds: number | undefined;
  readonly onUnauthenticated: 'auto' | 'redirect' | '401';
  readonly labels: ReadonlyMap<string, string>;
  /** PEM. Its own authorities for client certificates; undefined = those of the installation. */
  readonly clientCa: string | undefined;
};
