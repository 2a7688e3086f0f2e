/**
 * judgeCase: a described request, judged by `check` itself (src/check.ts), and what the policy of its route says in detail. There is no other
 * evaluation: whoever is signed in has a session and its cookie, as in a Check.
 */

import { check, type CheckDecision, type Known } from './check.ts';
import { createAssertionCache } from './core/assertion/assertion-cache.ts';
import { upstreamOf } from './core/assertion/upstream.ts';
import { CASE_INSTANT, type AccessCase, type CaseSubject } from './core/cases/access-case.ts';
import { recordsOf } from './core/cases/case-records.ts';
import { requestOf } from './core/cases/case-request.ts';
import { verdictOfCode, type CaseVerdict } from './core/cases/case-verdict.ts';
import { changesToAllow, explainedRules, type ExplainedRule } from './core/cases/changes.ts';
import type { Findings } from './core/decision.ts';
import { subjectOf } from './core/facts.ts';
import type { Generation } from './core/generation.ts';
import { decidingReasons } from './core/policy/decide-verdict.ts';
import { looksAtTime } from './core/policy/looks-at-time.ts';
import type { CertificateFacts } from './core/policy/facts.ts';
import type { Reason, Verdict } from './core/policy/verdict.ts';
import type { AssertionSigner, Entropy, Sealer } from './core/ports.ts';
import type { AccessRequest } from './core/request/access-request.ts';
import { canonicalise } from './core/request/canonicalise.ts';
import type { UpstreamChanges } from './core/response/decision.ts';
import type { Route } from './core/route/route.ts';
import { handleOf, sealSessionCookie, sessionCookieName } from './core/session/cookie.ts';
import type { Session } from './core/session/session.ts';
import type { UserFact } from './core/signals/user-fact.ts';
import { epochSeconds, idpName, type EpochSeconds } from './core/units.ts';

export type JudgedCase = {
  readonly verdict: CaseVerdict;
  /** Why it was not judged by a policy, in plain words; or which own path it is. */
  readonly detail: string | undefined;
  readonly route: Route | undefined;
  readonly rule: string | undefined;
  /** The reasons that decided. */
  readonly reasons: readonly Reason[];
  /** Every rule of the route's policy, as it was judged; empty where no policy was asked. */
  readonly rules: readonly ExplainedRule[];
  readonly changes: ReturnType<typeof changesToAllow>;
  /** Where it is allowed. */
  readonly upstream: UpstreamChanges | undefined;
  readonly now: EpochSeconds;
  readonly findings: Findings;
  /** The policy looks at the time, and the case names none: the verdict says nothing. */
  readonly lacksTime: boolean;
};

/** @throws Error where `recordsOf` has an error: whoever loads a case asks first. */
export function judgeCase(given: AccessCase, generation: Generation): JudgedCase {
  const now = given.time ?? CASE_INSTANT;
  const session = given.subject === undefined ? undefined : sessionOf(given.subject, given, generation, now);
  const request = requestOf(given, session === undefined ? [] : cookiesOf(session, given, generation, now));
  const records = recordsOf(given.records, generation.config, now);
  if (!records.ok) throw new Error(records.error);
  const known: Known = {
    generation,
    records: records.value,
    sealer: openSealer,
    session: session === undefined ? undefined : { handle: session.handle, session },
    facts: session === undefined ? undefined : { of: session, facts: factsOf(given.subject, now) },
    certificate: (_request, clientCa) => certificateOf(given, generation, clientCa),
  };
  const decision = check(request, known, now);
  // A cookie opens only where it was made, above.
  if (decision.kind === 'needs') throw new Error('a Check of a case needs a session that the case does not have');
  return judged(decision, { given, request, known, now });
}

const factsOf = (subject: CaseSubject | undefined, now: EpochSeconds): readonly UserFact[] =>
  subject?.risk === undefined ? [] : [{ about: 'risk', scope: 'case', level: subject.risk, at: now }];

type Judging = {
  readonly given: AccessCase;
  readonly request: AccessRequest;
  readonly known: Known;
  readonly now: EpochSeconds;
};

function judged(decision: CheckDecision, judging: Judging): JudgedCase {
  const { findings } = decision;
  const { route, facts } = findings;
  const explained = facts === undefined ? undefined : route?.policy.explain(facts);
  const rules = explainedRules(explained?.criteria ?? []);
  return {
    verdict: verdictOf(decision),
    detail: detailOf(decision),
    route,
    rule: explained?.verdict.rule,
    reasons: explained === undefined ? [] : reasonsOf(explained.verdict),
    rules,
    changes: changesToAllow(rules),
    upstream: decision.kind === 'allow' ? toldUpstream(decision, judging) : undefined,
    now: judging.now,
    findings,
    lacksTime: judging.given.time === undefined && hasLookedAtTime(findings),
  };
}

const reasonsOf = (verdict: Verdict): readonly Reason[] =>
  verdict.kind === 'allow' ? verdict.allow.reasons : decidingReasons(verdict);

function verdictOf(decision: CheckDecision): CaseVerdict {
  switch (decision.kind) {
    case 'allow':
    case 'own':
      return decision.kind;
    case 'challenge':
      return decision.findings.verdict?.kind ?? 'login';
    case 'refuse':
      return verdictOfCode(decision.code);
  }
}

const detailOf = (decision: CheckDecision): string | undefined =>
  decision.kind === 'refuse'
    ? decision.detail
    : decision.kind === 'own'
      ? `a path of Doorward's own (${decision.path.endpoint})`
      : undefined;

const hasLookedAtTime = ({ route, facts }: Findings): boolean =>
  route !== undefined && facts !== undefined && looksAtTime(route.policy, facts);

/** 256 bits in base64url. Every case is alone, so one session is enough. */
const SESSION_ID = 'c'.repeat(43);
const SESSION_SECONDS = 3600;

function sessionOf(subject: CaseSubject, given: AccessCase, generation: Generation, now: EpochSeconds): Session {
  const { config } = generation;
  const idp = subject.idp ?? takenIdp(given, generation);
  return {
    handle: handleOf(SESSION_ID),
    idp: idpName(idp),
    issuer: config.idps.find(({ name }) => name === idp)?.url ?? '',
    subject: subject.user,
    email: subject.email,
    emailVerified: subject.claims.get('email_verified')?.[0] === true,
    name: subject.name,
    claims: subject.claims,
    userClaims: subject.userClaims,
    idpSessionId: undefined,
    acr: subject.acr,
    amr: [],
    authTime: subject.authTime,
    createdAt: now,
    expiresAt: epochSeconds(now + SESSION_SECONDS),
    lastSeenAt: now,
    tokens: { idToken: undefined, accessToken: undefined, refreshToken: undefined, accessTokenExpiresAt: undefined },
    tokensAt: now,
    confirmedAt: now,
    mark: { history: '', seq: 0 },
    version: 1,
  };
}

/** Where a case does not say by which provider its subject is signed in, it is one that the route takes. */
function takenIdp(given: AccessCase, { config, routes }: Generation): string {
  const { request } = given;
  const target = canonicalise(request);
  const route = !target.ok
    ? undefined
    : request.route === undefined
      ? routes.match(target.value.host, target.value.path)
      : routes.pinned(request.route, target.value.host);
  return route?.idps[0] ?? config.idps[0]?.name ?? 'default';
}

/** Under both of its names: which one counts is the route's to say. */
function cookiesOf(session: Session, given: AccessCase, { config }: Generation, now: EpochSeconds): readonly string[] {
  const target = canonicalise(given.request);
  if (!target.ok) return [];
  const times = { issuedAt: now, expiresAt: session.expiresAt };
  const value = sealSessionCookie({ id: SESSION_ID, ...times }, target.value.host, openSealer);
  return (['https', 'http'] as const).map((scheme) => `${sessionCookieName(config.cookie_name, scheme)}=${value}`);
}

/** Hides nothing: what it makes never leaves a case. */
const openSealer: Sealer = {
  seal: (purpose, plaintext, context) =>
    Buffer.from(JSON.stringify([purpose, context, plaintext])).toString('base64url'),
  open(purpose, sealed, context) {
    const head = `${JSON.stringify([purpose, context]).slice(0, -1)},`;
    const text = Buffer.from(sealed, 'base64url').toString();
    return text.startsWith(head) ? (JSON.parse(text.slice(head.length, -1)) as string) : undefined;
  },
};

const noCertificate: CertificateFacts = { presented: false, valid: false, leaf: undefined };

/** Valid is a certificate only where there are authorities. */
function certificateOf(given: AccessCase, { config }: Generation, clientCa: string | undefined): CertificateFacts {
  const certificate = given.request.certificate ?? noCertificate;
  const hasAuthorities = (clientCa ?? config.downstream_mtls?.ca) !== undefined;
  return { ...certificate, valid: certificate.valid && hasAuthorities };
}

/** What stands for a signed assertion: nobody could take it for one. */
export const ASSERTION_SHOWN = '(assertion)';

const showsAssertion: AssertionSigner = { sign: () => ASSERTION_SHOWN, jwks: () => '' };
const noEntropy: Entropy = { bytes: (length) => new Uint8Array(length) };

function toldUpstream(
  { findings: { route, target, session } }: Extract<CheckDecision, { kind: 'allow' }>,
  { request, known, now }: Judging,
): UpstreamChanges {
  return upstreamOf({
    request,
    route,
    host: target.host,
    session,
    subject: session === undefined ? undefined : subjectOf(session),
    config: known.generation.config,
    now,
    assertions: createAssertionCache(),
    signer: showsAssertion,
    entropy: noEntropy,
    certificate: () => known.certificate(request, route.clientCa, now),
  });
}
