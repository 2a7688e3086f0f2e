/** The request headers of the Pomerium semantics (`identity_semantics: pomerium`), as values in the order in which they are added. Pure. */

import { createHash } from 'node:crypto';
import { stampText, type AssertedIdentity, type AssertionStamp, type ClaimSet } from './claim-set.ts';
import { pomeriumHeaderText } from './claim-text.ts';
import type { HeaderTemplate } from './header-template.ts';

export const ASSERTION_FOR_HEADER = 'x-pomerium-jwt-assertion-for';
export const ROUTING_KEY_HEADER = 'x-pomerium-routing-key';
const CLIENT_ASSERTION_HEADER = 'x-pomerium-jwt-assertion';

export type ClaimHeader = { readonly name: string; readonly claim: string };

export type AddedHeader = readonly [name: string, value: string];

export type PomeriumHeadersInput = {
  readonly identity: AssertedIdentity;
  readonly claims: ClaimSet;
  readonly stamp: AssertionStamp;
  readonly assertionHeader: string;
  readonly assertion: string;
  readonly claimHeaders: readonly ClaimHeader[];
  /** A token of Doorward's own for a client of an MCP route. */
  readonly mcpAccessToken: string | undefined;
  readonly kubernetesServiceAccountToken: string | undefined;
  /** The load balancer picks the upstream host by the session. */
  readonly hasRoutingKey: boolean;
  readonly setRequestHeaders: readonly { readonly name: string; readonly template: HeaderTemplate }[];
  resolve(reference: readonly string[]): string;
  requestHeader(name: string): string;
};

/** Two entries of one name (in any case) are one header, whose values are joined by `,`. */
export function pomeriumHeaders(input: PomeriumHeadersInput): readonly AddedHeader[] {
  const { identity } = input;
  const added: AddedHeader[] = [[input.assertionHeader, input.assertion]];
  for (const { name, claim } of input.claimHeaders) {
    added.push([name, stampText(claim, input.stamp) ?? pomeriumHeaderText(input.claims.get(claim) ?? '')]);
  }
  if (input.mcpAccessToken !== undefined) added.push(['authorization', `Bearer ${input.mcpAccessToken}`]);
  if (input.kubernetesServiceAccountToken !== undefined) {
    added.push(...kubernetesHeaders(input.kubernetesServiceAccountToken, identity));
  }
  if (input.hasRoutingKey) added.push([ROUTING_KEY_HEADER, routingKey(identity.sessionId)]);
  for (const { name, template } of input.setRequestHeaders)
    added.push([name, template.render((reference) => input.resolve(reference))]);
  const carriedOver = input.requestHeader(ASSERTION_FOR_HEADER) || input.requestHeader(CLIENT_ASSERTION_HEADER);
  if (carriedOver !== '') added.push([ASSERTION_FOR_HEADER, carriedOver]);
  return added;
}

/** How a Kubernetes API server is called on behalf of a user: by a service account that may impersonate. */
export function kubernetesHeaders(
  serviceAccountToken: string,
  { email, groups }: Pick<AssertedIdentity, 'email' | 'groups'>,
): readonly AddedHeader[] {
  const added: AddedHeader[] = [['authorization', `Bearer ${serviceAccountToken}`]];
  if (email !== '') added.push(['impersonate-user', email]);
  if (groups.length > 0) added.push(['impersonate-group', groups.join(',')]);
  return added;
}

/** Lower-case hex SHA-256: the same for all requests of a session, and no way back to its id. */
export const routingKey = (sessionId: string): string => createHash('sha256').update(sessionId).digest('hex');

/**
 * What a route takes away from the request after everything was added: what it lists, and all that speaks of identity where it is not to be
 * passed on. Names as configured.
 */
export const routeRemovals = (route: {
  readonly removeRequestHeaders: readonly string[];
  readonly passIdentityHeaders: boolean;
  readonly claimHeaders: readonly ClaimHeader[];
}): readonly string[] => [
  ...route.removeRequestHeaders,
  ...(route.passIdentityHeaders
    ? []
    : [...route.claimHeaders.map(({ name }) => name), CLIENT_ASSERTION_HEADER, ASSERTION_FOR_HEADER]),
];

/** What is taken away before anything is added: an MCP server is called with its own tokens, never with the one that the client has for Doorward. */
export const addedRemovals = (route: { readonly isMcpServer: boolean }): readonly string[] =>
  route.isMcpServer ? ['authorization'] : [];
