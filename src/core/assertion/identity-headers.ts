/** The headers that say who calls, in the two identity semantics: what is set, before anything is made sendable or taken away. */

import type { Subject } from '../policy/facts.ts';
import type { Session } from '../session/session.ts';
import { noClaims, type ClaimValue } from '../session/session.ts';
import { uuid } from '../uuid.ts';
import type { SignedAssertion } from './assertion-cache.ts';
import {
  assertionClaims,
  claimSet,
  claimSetText,
  issuerOf,
  type AssertedIdentity,
  type AssertionStamp,
  type ClaimSet,
} from './claim-set.ts';
import { goNumber, scalarTexts, strictHeaderText } from './claim-text.ts';
import { filterGroups, pomeriumGroups } from './groups.ts';
import { hasOwnCredential, isIdentityName, plainName } from './hygiene.ts';
import { pomeriumHeaders } from './pomerium-headers.ts';
import { resolveReference, type ReferenceSource } from './references.ts';
import type { UpstreamInput } from './upstream-input.ts';
import type { UpstreamPlan } from './upstream-plan.ts';

/** Seconds from `iat` to `exp`. */
export const ASSERTION_SECONDS = 300;

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
  const { route } = input;
  const identity = strictIdentity(input, plan);
  const signed = identity === undefined ? undefined : lazily(() => signedFor(identity, input, plan));
  const headers = new Map<string, string>();
  if (signed !== undefined && route.passIdentityHeaders) {
    const { assertion, stamp, claims } = signed();
    headers.set(plan.assertionHeader, assertion);
    for (const { name, claim } of plan.claimHeaders)
      headers.set(name, strictHeaderText(claimValue(claim, claims, stamp)));
  }
  const source: ReferenceSource = {
    semantics: 'strict',
    identity,
    tokens: input.session?.tokens,
    assertion: () => signed?.().assertion ?? '',
    certificate: () => input.certificate(),
    requestHeader: (name) =>
      isIdentityName(plainName(name), plan.identityNames) ? '' : requestHeader(name, input, cookies),
  };
  addConfigured(headers, plan, source, route.passIdentityHeaders);
  return headers;
}

/** Pomerium: an assertion for everyone, and what the client sent as one is handed on beside it, as not ours. */
export function pomeriumIdentityHeaders(
  input: UpstreamInput,
  plan: UpstreamPlan,
  cookies: string | undefined,
): ReadonlyMap<string, string> {
  const { route, session } = input;
  const identity = pomeriumIdentity(input);
  const isAsked = route.passIdentityHeaders || plan.refersToAssertion;
  const none = { assertion: '', stamp: { issuedAt: 0, expiresAt: 0, id: '' }, claims: new Map<string, ClaimValue>() };
  const { assertion, stamp, claims } = isAsked ? signedFor(identity, input, plan) : none;
  const header = (name: string): string => requestHeader(name, input, cookies);
  const source: ReferenceSource = {
    semantics: 'pomerium',
    identity: session === undefined ? undefined : identity,
    tokens: session?.tokens,
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
    hasRoutingKey: false,
    setRequestHeaders: plan.setHeaders,
    resolve: (reference) => resolveReference(reference, source),
    requestHeader: header,
  });
  const headers = new Map<string, string>();
  for (const [name, value] of added) {
    if (!route.passIdentityHeaders && plan.identityHeaders.has(name)) continue;
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}

function addConfigured(
  headers: Map<string, string>,
  plan: UpstreamPlan,
  source: ReferenceSource,
  passIdentityHeaders: boolean,
): void {
  for (const { name, template } of plan.setHeaders) {
    if (!passIdentityHeaders && plan.identityHeaders.has(name)) continue;
    headers.set(
      name,
      template.render((reference) => resolveReference(reference, source)),
    );
  }
}

function strictIdentity({ session, subject }: UpstreamInput, plan: UpstreamPlan): AssertedIdentity | undefined {
  if (session === undefined || subject === undefined) return undefined;
  return identityOf(session, subject, subject.name, filterGroups(subject.groups ?? [], plan.groupsFilter));
}

const nobody: AssertedIdentity = {
  ...{ sessionId: '', userId: '', email: '', name: '', groups: [], actors: [] },
  sessionClaims: noClaims,
  userClaims: noClaims,
};

function pomeriumIdentity({ session, subject }: UpstreamInput): AssertedIdentity {
  if (session === undefined || subject === undefined) return nobody;
  const { sessionClaims, userClaims } = subject;
  const groups = pomeriumGroups(undefined, sessionClaims, undefined);
  return identityOf(session, subject, pomeriumName(sessionClaims, userClaims), groups);
}

/** `name` in the Pomerium semantics: the claim, never what a directory calls the user. */
export const pomeriumName = (...claims: readonly AssertedIdentity['sessionClaims'][]): string =>
  scalarTexts(claims.find((some) => some.has('name'))?.get('name') ?? [], goNumber).join(',');

const identityOf = (session: Session, subject: Subject, name: string, groups: readonly string[]): AssertedIdentity => ({
  sessionId: session.handle,
  userId: subject.userId,
  email: subject.email,
  name,
  groups,
  sessionClaims: subject.sessionClaims,
  userClaims: subject.userClaims,
  actors: subject.actors,
});

type Signed = SignedAssertion & { readonly claims: ClaimSet };

/** Signed anew, or as signed a moment ago for the very same claim set. @throws DependencyError signing-failed */
function signedFor(identity: AssertedIdentity, input: UpstreamInput, plan: UpstreamPlan): Signed {
  const { route, host, signer, config } = input;
  const address = { issuer: issuerOf(host, route.jwtIssuerFormat), audience: host };
  const claims = claimSet(identity, address, plan.claimNames, config.identity_semantics);
  const text = claimSetText(claims);
  const sign = (): SignedAssertion => {
    const stamp = stampOf(input);
    return { assertion: signer.sign(assertionClaims(text, stamp)), stamp };
  };
  const signed = route.assertionPerRequest ? sign() : input.assertions.get(signer, text, input.now, sign);
  return { assertion: signed.assertion, stamp: signed.stamp, claims };
}

/** In the strict semantics an assertion does not outlive the session that it speaks of. */
function stampOf({ now, session, config, entropy }: UpstreamInput): AssertionStamp {
  const issuedAt = Math.floor(now);
  const end = config.identity_semantics === 'strict' && session !== undefined ? Math.ceil(session.expiresAt) : Infinity;
  return { issuedAt, expiresAt: Math.min(issuedAt + ASSERTION_SECONDS, end), id: uuid(entropy.bytes(16)) };
}

function claimValue(claim: string, claims: ClaimSet, stamp: AssertionStamp): ClaimValue {
  switch (claim) {
    case 'iat':
      return stamp.issuedAt;
    case 'exp':
      return stamp.expiresAt;
    case 'jti':
      return stamp.id;
    default:
      return claims.get(claim) ?? '';
  }
}

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
