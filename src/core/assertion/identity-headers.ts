/** The headers that say who calls, in the two identity semantics. Values are sendable; nothing is taken away here. */

import type { SignedAssertion } from './assertion-cache.ts';
import { stampText } from './claim-set.ts';
import { sendableText } from './claim-text.ts';
import { hasOwnCredential, isIdentityName, plainName } from './hygiene.ts';
import { pomeriumHeaders, routingKey, ROUTING_KEY_HEADER } from './pomerium-headers.ts';
import { resolveReference, type ReferenceSource } from './references.ts';
import { signedAssertion, toldIdentity, toldNobody } from './told-identity.ts';
import type { UpstreamInput } from './upstream-input.ts';
import type { UpstreamPlan } from './upstream-plan.ts';

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Strict: where nobody is signed in there is no assertion and there are no claim headers. A claim that the user does not have is an empty
 * header. What `set_request_headers` says wins over both.
 */
export function strictIdentityHeaders(
  input: UpstreamInput,
  plan: UpstreamPlan,
  cookies: string | undefined,
): ReadonlyMap<string, string> {
  const { passIdentityHeaders } = input.route;
  const told = toldIdentity(input, plan);
  const signed = told === undefined ? undefined : lazily(() => signedAssertion(told, input));
  const headers = new Map<string, string>();
  if (told !== undefined && signed !== undefined && passIdentityHeaders) {
    const { assertion, stamp } = signed();
    headers.set(plan.assertionHeader, assertion);
    for (const { name, claim, text } of told.claimHeaders) headers.set(name, stampText(claim, stamp) ?? text);
  }
  if (told !== undefined && input.route.hasRoutingKey)
    headers.set(ROUTING_KEY_HEADER, routingKey(told.identity.sessionId));
  const source: ReferenceSource = {
    semantics: 'strict',
    identity: told?.identity,
    tokens: input.session?.tokens,
    assertion: () => signed?.().assertion ?? '',
    certificate: () => input.certificate(),
    requestHeader: (name) =>
      isIdentityName(plainName(name), plan.identityNames) ? '' : requestHeader(name, input, cookies),
  };
  for (const { name, template } of plan.setHeaders) {
    if (!passIdentityHeaders && plan.identityHeaders.has(name)) continue;
    headers.set(name, sendableText(template.render((reference) => resolveReference(reference, source))));
  }
  return headers;
}

/** Pomerium: an assertion for everyone, and what the client sent as one is handed on beside it, as not ours. */
export function pomeriumIdentityHeaders(
  input: UpstreamInput,
  plan: UpstreamPlan,
  cookies: string | undefined,
): ReadonlyMap<string, string> {
  const { passIdentityHeaders } = input.route;
  const user = toldIdentity(input, plan);
  const { identity, claims, text } = user ?? toldNobody(input, plan);
  const isAsked = passIdentityHeaders || plan.refersToAssertion;
  const { assertion, stamp } = isAsked ? signedAssertion({ text }, input) : unsigned;
  const header = (name: string): string => requestHeader(name, input, cookies);
  const source: ReferenceSource = {
    semantics: 'pomerium',
    identity: user?.identity,
    tokens: input.session?.tokens,
    assertion: () => assertion,
    certificate: () => input.certificate(),
    requestHeader: header,
  };
  const added = pomeriumHeaders({
    ...{ identity, claims, stamp, assertion },
    assertionHeader: plan.assertionHeader,
    claimHeaders: plan.claimHeaders,
    mcpAccessToken: undefined,
    kubernetesServiceAccountToken: undefined,
    hasRoutingKey: input.route.hasRoutingKey,
    setRequestHeaders: plan.setHeaders,
    resolve: (reference) => resolveReference(reference, source),
    requestHeader: header,
  });
  const headers = new Map<string, string>();
  for (const [name, value] of added) {
    if (!passIdentityHeaders && plan.identityHeaders.has(name)) continue;
    const before = headers.get(name);
    // Sendable on both sides of the comma is sendable.
    const text = value === assertion ? value : sendableText(value);
    headers.set(name, before === undefined ? text : `${before},${text}`);
  }
  return headers;
}

const unsigned: SignedAssertion = { assertion: '', stamp: { issuedAt: 0, expiresAt: 0, id: '' } };

/**
 * A header of the request as the upstream may see it: without Doorward's cookies and credentials, and nothing at all where bytes that are not
 * UTF-8 make it something that cannot be written again. A name that is no token is looked for as it is written.
 */
function requestHeader(name: string, { request }: UpstreamInput, cookies: string | undefined): string {
  const key = TOKEN.test(name) ? name.toLowerCase() : name;
  if (key === 'cookie' && cookies !== undefined) return cookies;
  if (key === 'authorization' && hasOwnCredential(request)) return '';
  const value = request.headers.lines(key).join(',');
  return value.includes('\ufffd') ? '' : value;
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
