/**
 * The straight line of one Check: canonicalise -> own path? -> route -> authenticate -> facts -> decide. Must not do I/O, read a clock or know
 * Envoy, Redis, HTML or an identity provider; those are on the other side of src/answer-check.ts.
 */

import type { Decision, Findings, Needs, SessionNeed } from './core/decision.ts';
import { gatherFacts, riskOf } from './core/facts.ts';
import type { Generation } from './core/generation.ts';
import { decidingReasons } from './core/policy/decide-verdict.ts';
import type { CertificateFacts } from './core/policy/facts.ts';
import type { RecordSnapshots } from './core/policy/record-snapshot.ts';
import type { Verdict } from './core/policy/verdict.ts';
import type { Sealer } from './core/ports.ts';
import type { AccessRequest } from './core/request/access-request.ts';
import { singleAuthorization } from './core/request/authorization.ts';
import { canonicalise } from './core/request/canonicalise.ts';
import { clientAddress } from './core/request/client-address.ts';
import { singleCookie } from './core/request/cookies.ts';
import type { CanonicalTarget } from './core/request/target.ts';
import { canFollowRedirect } from './core/response/readable-format.ts';
import type { RefusalCode } from './core/response/refusal-codes.ts';
import { matchTarget } from './core/route/match-target.ts';
import type { Route } from './core/route/route.ts';
import { takesSession } from './core/route/takes-session.ts';
import { openSessionCookie, sessionCookieName } from './core/session/cookie.ts';
import { noSession, unreadSession, type FoundSession } from './core/session/found-session.ts';
import type { Session } from './core/session/session.ts';
import { sessionState, type SessionLimits } from './core/session/state.ts';
import type { UserFact } from './core/signals/user-fact.ts';
import type { EpochSeconds, SessionHandle } from './core/units.ts';
import { originOfHost, schemeOf } from './endpoints/origin.ts';
import { matchOwnPath, type OwnPath } from './endpoints/own-paths.ts';

export type CheckDecision = Decision<OwnPath>;

/** What is at hand when a Check is judged. */
export type Known = {
  readonly generation: Generation;
  readonly sealer: Sealer;
  /** The answer to an earlier `needs`; `session` undefined = there is none, or it is optional and cannot be known. */
  readonly session:
    | {
        readonly handle: SessionHandle;
        readonly session: Session | undefined;
        /** It is not known whether there is one. */
        readonly isUnreadable?: boolean;
        /** Another process may have moved its last use since it was read. */
        readonly mayBeOlder?: boolean;
      }
    | undefined;
  /** What was said of who has that session: the answer to an earlier `needs`. */
  readonly facts?: { readonly of: Session; readonly facts: readonly UserFact[] } | undefined;
  /** What the sources of records said last; undefined = there are none. */
  readonly records?: RecordSnapshots | undefined;
  /** The client's certificate, validated at `now` by `clientCa` (Route.clientCa). Asked only where something depends on it. */
  certificate(request: AccessRequest, clientCa: string | undefined, now: EpochSeconds): CertificateFacts;
};

/**
 * Same arguments, same judgement. Where the session, or what was said of its user, is not known yet it says which it needs; the caller
 * fetches exactly that and asks again on the same generation. Nothing has happened until the judgement is a Decision, so asking twice is safe.
 */
export function check(request: AccessRequest, known: Known, now: EpochSeconds): CheckDecision | Needs {
  const client = clientAddress(request, known.generation.trustedProxies);
  const nothing: Findings = {
    target: undefined,
    client,
    route: undefined,
    pinned: undefined,
    presented: undefined,
    session: undefined,
    found: unreadSession,
    facts: undefined,
    verdict: undefined,
  };
  if (!request.isHttp) return refuse(nothing, 'not-http', 'a network-level Check carries no request');

  const canonical = canonicalise(request);
  if (!canonical.ok) return refuse(nothing, 'bad-request', canonical.error.reason);
  const target = canonical.value;
  const found: Findings = { ...nothing, target };

  const authorization = singleAuthorization(request);
  if (!authorization.ok) return refuse(found, 'two-credentials', authorization.error.reason);

  const ownPath = matchOwnPath(target, request.method);
  if (ownPath !== undefined) return checkOwnPath(request, { ...found, target }, ownPath, known, now);

  const pinned = request.contextExtension('doorward.route') ?? request.contextExtension('route_id');
  const matched = matchTarget(target, known.generation.routes, pinned);
  if (!matched.ok) return refuse({ ...found, pinned }, matched.error.code, matched.error.reason);
  const route = matched.value;

  const authenticated = authenticate({ request, host: target.host, scheme: route.origin.scheme, route, known, now });
  if (authenticated.kind === 'needs') return { ...authenticated, findings: { ...found, route } };
  if (authenticated.kind === 'refused') return refuse({ ...found, route }, 'two-credentials', authenticated.reason);

  const { presented, session, found: foundSession } = authenticated;
  const asksRisk = session !== undefined && route.policy.needs.has('risk');
  if (asksRisk && known.facts?.of !== session)
    return {
      kind: 'needs',
      needs: 'facts',
      of: session,
      findings: { ...found, route, presented, session, found: foundSession },
    };
  const facts = gatherFacts({
    request,
    target,
    route,
    client,
    session,
    certificate: () => known.certificate(request, route.clientCa, now),
    groups: known.generation.groups,
    records: known.records,
    risk: asksRisk && known.facts !== undefined ? riskOf(known.facts.facts) : undefined,
    now,
  });
  const verdict = route.policy.evaluate(facts);
  const judged = { target, client, route, pinned, presented, session, found: foundSession, facts, verdict };
  return decide(judged, verdict, () => canFollowRedirect(request, route));
}

type Authenticated =
  | {
      readonly kind: 'known';
      readonly presented: SessionHandle | undefined;
      readonly session: Session | undefined;
      readonly found: FoundSession;
    }
  | { readonly kind: 'refused'; readonly reason: string }
  | Omit<SessionNeed, 'findings'>;

/**
 * The session that the request's cookie opens, if it is live here. A cookie that does not open (garbage, of another host, tampered with,
 * expired) is no session and reaches no store; two session cookies are refused, never picked from.
 */
function authenticate(input: {
  readonly request: AccessRequest;
  readonly host: string;
  readonly scheme: 'https' | 'http';
  /** Undefined for Doorward's own paths, which take a session of any provider. */
  readonly route: Route | undefined;
  readonly known: Known;
  readonly now: EpochSeconds;
}): Authenticated {
  const { request, host, route, known, now } = input;
  const { config } = known.generation;
  const cookie = singleCookie(request, sessionCookieName(config.cookie_name, input.scheme));
  if (!cookie.ok) return { kind: 'refused', reason: cookie.error.reason };
  if (cookie.value === undefined) return anonymous;
  if (route !== undefined && !usesIdentity(route)) return unread;

  const opened = openSessionCookie(cookie.value, host, known.sealer, now);
  if (opened === undefined) return anonymous;
  if (known.session?.handle !== opened.handle) {
    return {
      kind: 'needs',
      needs: 'session',
      session: opened.handle,
      optional: isOptional(route),
      unreadableIsNone: false,
      anew: false,
    };
  }

  const { session, isUnreadable = false, mayBeOlder = false } = known.session;
  const presented = opened.handle;
  if (session === undefined || now >= session.expiresAt) {
    const found = isUnreadable ? unreadSession : noSession;
    return { kind: 'known', presented, session: undefined, found };
  }
  const limits = limitsOf(route, known.generation);
  const state = sessionState(session, now, limits);
  if (state === 'idle' && mayBeOlder) {
    return {
      kind: 'needs',
      needs: 'session',
      session: presented,
      optional: isOptional(route),
      unreadableIsNone: false,
      anew: true,
    };
  }
  const found = { kind: 'session', session } as const;
  const counts = state === 'live' && (route === undefined || takesSession(route, session, now));
  return { kind: 'known', presented, session: counts ? session : undefined, found };
}

/** Whether the decision may fall without knowing who it is. */
const isOptional = (route: Route | undefined): boolean => route !== undefined && !route.policy.needs.has('subject');

/** Own paths go by the global limits, and take a session of any provider. */
const limitsOf = (route: Route | undefined, { config }: Generation): SessionLimits =>
  route === undefined
    ? { lifetimeSeconds: config.session_lifetime, idleSeconds: config.session_idle_timeout }
    : { lifetimeSeconds: route.sessionLifetimeSeconds, idleSeconds: route.sessionIdleSeconds };

const anonymous: Authenticated = { kind: 'known', presented: undefined, session: undefined, found: noSession };
const unread: Authenticated = { ...anonymous, found: unreadSession };

/** Whether who it is could change anything: the decision, or what the upstream is told. */
const usesIdentity = (route: Route): boolean =>
  route.policy.needs.has('subject') || route.passIdentityHeaders || route.setRequestHeaders.length > 0;

/** An own path exists on hosts of loaded routes and on the authentication host; elsewhere there is nothing. */
function checkOwnPath(
  request: AccessRequest,
  found: Findings & { readonly target: CanonicalTarget },
  path: OwnPath,
  known: Known,
  now: EpochSeconds,
): CheckDecision | Needs {
  const { host } = found.target;
  const origin = originOfHost(known.generation, host);
  if (origin === undefined) return refuse(found, 'route-not-found', 'no route covers this host');

  const route = known.generation.routes.forHost(host);
  if (mustHaveCertificate(known.generation, route) && !known.certificate(request, route?.clientCa, now).valid)
    return refuse({ ...found, route }, 'client-certificate', 'downstream_mtls: reject_connection');
  const scheme = schemeOf(origin);
  const authenticated = authenticate({ request, host, scheme, route: undefined, known, now });
  if (authenticated.kind === 'needs')
    return {
      ...authenticated,
      optional: !path.needsSession,
      unreadableIsNone: path.endsUnreadable,
      findings: { ...found, route },
    };
  if (authenticated.kind === 'refused') return refuse(found, 'two-credentials', authenticated.reason);
  return {
    kind: 'own',
    findings: {
      ...found,
      route,
      presented: authenticated.presented,
      session: authenticated.session,
      found: authenticated.found,
    },
    path,
    origin,
  };
}

/** Whether nothing at all is answered without a valid certificate; elsewhere policies say for which requests one is needed. */
const mustHaveCertificate = ({ config }: Generation, route: Route | undefined): boolean =>
  config.downstream_mtls?.enforcement === 'reject_connection' &&
  (route?.clientCa ?? config.downstream_mtls.ca) !== undefined;

type Judged = Findings & { readonly target: CanonicalTarget; readonly route: Route };

function decide(findings: Judged, verdict: Verdict, isRedirectable: () => boolean): CheckDecision {
  switch (verdict.kind) {
    case 'allow':
      return { kind: 'allow', findings };
    case 'login':
      return isRedirectable() ? { kind: 'challenge', findings } : refuse(findings, 'login-required');
    case 'step-up':
      return verdict.stepUp !== undefined && isRedirectable()
        ? { kind: 'challenge', findings, stepUp: verdict.stepUp }
        : refuse(findings, 'step-up-required');
    case 'certificate':
      return refuse(findings, 'client-certificate');
    case 'deny':
      return refuse(findings, isDeviceRefusal(verdict) ? 'device-unauthorized' : 'forbidden');
  }
}

const isDeviceRefusal = (verdict: Verdict): boolean => decidingReasons(verdict).includes('device-unauthorized');

const refuse = (findings: Findings, code: RefusalCode, detail?: string): CheckDecision => ({
  kind: 'refuse',
  findings,
  code,
  ...(detail === undefined ? {} : { detail }),
});
