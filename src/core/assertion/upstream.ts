/** upstreamOf: everything that an allowed request is changed by on its way to the upstream. */

import type { AccessConfig } from '../config.ts';
import type { Subject } from '../policy/facts.ts';
import type { AssertionSigner, Entropy } from '../ports.ts';
import type { AccessRequest } from '../request/access-request.ts';
import type { UpstreamChanges } from '../response/decision.ts';
import type { Route } from '../route/route.ts';
import type { Session } from '../session/session.ts';
import type { EpochSeconds } from '../units.ts';
import { uuid } from '../uuid.ts';
import { assertionClaims, filteredGroups } from './assertion-claims.ts';
import type { AssertionCache } from './assertion-cache.ts';
import { claimValues, headerText } from './claim-text.ts';
import { forgedHeaders, hasOwnCredential, identityNamesOf, withoutOwnCookies } from './hygiene.ts';
import { ownCookieMarks, isOwnCookie } from './own-cookies.ts';
import { resolveReference } from './references.ts';

export type UpstreamInput = {
  readonly request: AccessRequest;
  readonly route: Route;
  /** Canonical. */
  readonly host: string;
  readonly session: Session | undefined;
  readonly subject: Subject | undefined;
  readonly config: AccessConfig;
  /** Of the generation, so that nothing signed under other settings is used again. */
  readonly generation: number;
  readonly now: EpochSeconds;
  readonly assertions: AssertionCache;
  readonly signer: AssertionSigner;
  readonly entropy: Entropy;
};

/** Envoy takes 60 KiB of headers by default, many servers 8 or 16: a longer assertion is not sent, and the upstream refuses for lack of it. */
const ASSERTION_LENGTH_MAX = 12_288;

/** @throws DependencyError signing-failed */
export function upstreamOf(input: UpstreamInput): UpstreamChanges {
  const { request, route, config } = input;
  const set = new Map<string, string>();
  if (route.passIdentityHeaders) addIdentity(input, set);
  addConfigured(input, set);

  const forged = forgedHeaders(request, identityNames(config, route));
  const remove = new Set<string>([...forged, ...route.removeRequestHeaders]);
  if (hasOwnCredential(request)) remove.add('authorization');
  const cookies = withoutOwnCookies(
    request,
    (name) => isOwnCookie(name, config.cookie_name),
    ownCookieMarks(config.cookie_name),
  );
  if (cookies.kind === 'remove') remove.add('cookie');
  else if (cookies.kind === 'set' && !set.has('cookie')) set.set('cookie', cookies.value);
  for (const name of set.keys()) remove.delete(name);
  return { set: [...set], remove: [...remove], setCookies: [] };
}

/** Where nobody is signed in there is no assertion, and claim headers are not set: what the client sent of them is removed. */
function addIdentity(input: UpstreamInput, set: Map<string, string>): void {
  const { subject, config } = input;
  if (subject === undefined) return;
  const assertion = assertionOf(input);
  if (assertion !== undefined) set.set(config.assertion_header.toLowerCase(), assertion);
  for (const [header, claim] of Object.entries(config.jwt_claims_headers)) {
    set.set(header.toLowerCase(), headerText(claimOf(claim, subject, input.route) ?? []));
  }
}

/** The names that the assertion has are the subject's own, whatever the provider calls them. */
function claimOf(claim: string, subject: Subject, route: Route): ReturnType<typeof claimValues> {
  switch (claim) {
    case 'sub':
    case 'user':
      return [subject.userId];
    case 'email':
      return subject.email === '' ? [] : [subject.email];
    case 'name':
      return subject.name === '' ? [] : [subject.name];
    case 'groups':
      return filteredGroups(subject.groups ?? [], route.jwtGroupsFilter);
    default:
      return claimValues(claim, subject);
  }
}

function addConfigured(input: UpstreamInput, set: Map<string, string>): void {
  for (const { name, template } of input.route.setRequestHeaders) {
    set.set(
      name,
      template.render((reference) => resolveReference(reference, input, () => assertionOf(input) ?? '')),
    );
  }
}

function assertionOf(input: UpstreamInput): string | undefined {
  const { session, subject, route, host, now } = input;
  if (session === undefined || subject === undefined) return undefined;
  const sign = (): string =>
    input.signer.sign(
      assertionClaims({ ...input, subject, handle: session.handle, jti: uuid(input.entropy.bytes(16)) }),
    );
  const key = `${input.generation} ${route.id} ${host} ${session.handle} ${session.version}`;
  const assertion = route.assertionPerRequest ? sign() : input.assertions.get(key, now, sign);
  return assertion.length > ASSERTION_LENGTH_MAX ? undefined : assertion;
}

const namesByRoute = new WeakMap<Route, ReadonlySet<string>>();

/** The header names that speak of identity on a route; made once per route and generation. */
function identityNames(config: AccessConfig, route: Route): ReadonlySet<string> {
  const known = namesByRoute.get(route);
  if (known !== undefined) return known;
  const names = identityNamesOf([
    config.assertion_header,
    ...Object.keys(config.jwt_claims_headers),
    ...route.setRequestHeaders.map(({ name }) => name),
  ]);
  namesByRoute.set(route, names);
  return names;
}
