/** UpstreamPlan: what of a route and its configuration decides which headers the upstream gets; worked out once per route and generation. */

import type { AccessConfig } from '../config.ts';
import type { Route } from '../route/route.ts';
import type { HeaderTemplate } from './header-template.ts';
import { identityNamesOf, type IdentityNames } from './hygiene.ts';
import { groupsFilter, type GroupsFilter } from './groups.ts';
import { ASSERTION_FOR_HEADER, type ClaimHeader } from './pomerium-headers.ts';
import { refersToAssertion } from './references.ts';

/**
 * Header names are lower-case. `identityNames` are `identityHeaders` and those of `set_request_headers`: what a client sent under any spelling of
 * these is removed.
 */
export type UpstreamPlan = IdentityNames & {
  readonly config: AccessConfig;
  readonly assertionHeader: string;
  readonly claimHeaders: readonly ClaimHeader[];
  /** Distinct. */
  readonly claimNames: readonly string[];
  readonly groupsFilter: GroupsFilter;
  readonly setHeaders: readonly { readonly name: string; readonly template: HeaderTemplate }[];
  /**
   * Headers by which upstreams know who calls. Never as a client sent them: set or removed on every request, also where Envoy did not tell
   * Doorward that the client sent one (`allowed_headers`).
   */
  readonly identityHeaders: ReadonlySet<string>;
  readonly removeHeaders: readonly string[];
  /** Some template refers to the assertion. */
  readonly refersToAssertion: boolean;
};

const plans = new WeakMap<Route, UpstreamPlan>();

export function upstreamPlan(route: Route, config: AccessConfig): UpstreamPlan {
  const known = plans.get(route);
  if (known?.config === config) return known;
  const plan = makePlan(route, config);
  plans.set(route, plan);
  return plan;
}

function makePlan(route: Route, config: AccessConfig): UpstreamPlan {
  const assertionHeader = config.assertion_header.toLowerCase();
  const claimHeaders = Object.entries(config.jwt_claims_headers).map(([name, claim]) => ({
    name: name.toLowerCase(),
    claim,
  }));
  const setHeaders = route.setRequestHeaders.map(({ name, template }) => ({ name: name.toLowerCase(), template }));
  const identityHeaders = new Set([
    ...[assertionHeader, 'x-pomerium-jwt-assertion', ASSERTION_FOR_HEADER],
    ...claimHeaders.map(({ name }) => name),
  ]);
  return {
    config,
    assertionHeader,
    claimHeaders,
    claimNames: [...new Set(claimHeaders.map(({ claim }) => claim))],
    groupsFilter: groupsFilter(route.jwtGroupsFilter ?? [], undefined),
    setHeaders,
    identityHeaders,
    ...identityNamesOf([...identityHeaders, ...setHeaders.map(({ name }) => name)]),
    removeHeaders: route.removeRequestHeaders.map((name) => name.toLowerCase()),
    refersToAssertion: setHeaders.some(({ template }) => template.references.some(refersToAssertion)),
  };
}
