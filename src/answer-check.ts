/**
 * The other half of a Check: fetch what `check` needs, act on its Decision, audit, all within the time that Envoy gives. Nothing happens before
 * the Decision, everything that happens follows from it. With everything at hand there is no promise on the way.
 */

import { check, type CheckDecision, type Known } from './check.ts';
import type { AssertionCache } from './core/assertion/assertion-cache.ts';
import { upstreamOf } from './core/assertion/upstream.ts';
import { auditDecisions, recordOf } from './core/audit/record-of.ts';
import type { Findings, SessionNeed } from './core/decision.ts';
import { subjectOf } from './core/facts.ts';
import type { Generation } from './core/generation.ts';
import type { ExplainedCriterion } from './core/policy/compiled-policy.ts';
import type { RecordSnapshots } from './core/policy/record-snapshot.ts';
import {
  DependencyError,
  isDependencyError,
  type AuditSink,
  type CheckHandler,
  type ClientCertificates,
  type DependencyCode,
  type Eventually,
} from './core/ports.ts';
import type { AccessRequest } from './core/request/access-request.ts';
import { requestId as requestIdOf } from './core/request/request-id.ts';
import type { Outcome } from './core/response/decision.ts';
import type { RefusalCode } from './core/response/refusal-codes.ts';
import { renderRefusal } from './core/response/render-refusal.ts';
import { originText } from './core/route/origin.ts';
import { touchIsDue } from './core/session/state.ts';
import { streamBoundMs, withStreamBound } from './core/streams/bound.ts';
import { heldFrom, sealTicket, withHold } from './core/streams/ticket.ts';
import { epochSeconds, type EpochSeconds, type SessionHandle } from './core/units.ts';
import { uuid } from './core/uuid.ts';
import type { EndpointAnswer, EndpointContext, EndpointPorts } from './endpoints/endpoint.ts';
import { answerEndpoint, beginLogin } from './endpoints/answer-endpoint.ts';
import type { KeepFresh } from './keep-fresh.ts';
import type { ShadowWatch } from './shadow-watch.ts';

/**
 * `check` asks for one session, and once more for one that looks unused; each may have to be fetched first. More rounds are those of a session
 * that is invalidated again and again between its fetch and its use.
 */
const NEEDS_ROUNDS_MAX = 10;
/** What of Envoy's patience is left for the way back; half of it where Envoy is in a hurry (its default is 200 ms). */
const ANSWER_MARGIN_MS = 250;
/** A login callback waits for the identity provider; nothing waits longer, whatever Envoy allows. */
const ANSWER_WITHIN_MS = 4_500;

/** What a reload swaps, whole: the generation, and the ports made from its secrets, keys and providers. */
export type Live = {
  readonly generation: Generation;
  readonly ports: EndpointPorts;
  readonly certificates: ClientCertificates;
  /** What the sources of records said last, at hand at once. */
  readonly records: () => RecordSnapshots;
};

export type CheckPorts = Pick<EndpointPorts, 'clock' | 'entropy' | 'logger'> & {
  /** What is in force now. A Check asks once, and keeps to it. */
  live(): Live;
  readonly assertions: AssertionCache;
  readonly audit: AuditSink;
  /** Judges beside what was decided; nothing follows from it but a field of the record. */
  readonly shadow: ShadowWatch;
  /** Refreshes the sessions that Checks meet. */
  readonly keepFresh: Pick<KeepFresh, 'tend'>;
  /** Told of each answer, for metrics. `micros` from first byte decoded to Outcome. */
  observe(answer: { readonly decision: string; readonly code: string; readonly micros: number }): void;
  /** Told of each dependency that failed a Check. */
  observeFailure(code: DependencyCode): void;
};

/** One Check on its way: what stays the same from its first byte to its record. */
type Passage = {
  readonly request: AccessRequest | undefined;
  readonly requestId: string;
  readonly live: Live;
  /** Those that it is judged by, to the end. */
  readonly records: RecordSnapshots;
  readonly now: EpochSeconds;
  readonly startedMs: number;
  /** What there is for the answer. */
  readonly withinMs: number;
  /** How far the judgement came; for the record of a Check that fails on its way. */
  readonly trail: { findings: Findings | undefined };
};

type Answered = {
  readonly outcome: Outcome;
  readonly findings: Findings | undefined;
  readonly decision: CheckDecision['kind'] | 'error';
  readonly code: RefusalCode | 'allow';
  readonly detail?: string | undefined;
  readonly endpoint?: string;
};

export function createCheckHandler(ports: CheckPorts): CheckHandler {
  const begin = (request: AccessRequest | undefined, withinMs: number): Passage => {
    const live = ports.live();
    return {
      request,
      requestId: (request === undefined ? undefined : requestIdOf(request)) ?? uuid(ports.entropy.bytes(16)),
      live,
      records: live.records(),
      now: ports.clock.now(),
      startedMs: ports.clock.monotonicMs(),
      withinMs,
      trail: { findings: undefined },
    };
  };

  return {
    answer(request, budgetMs) {
      const withinMs = answerWithin(budgetMs);
      const passage = begin(request, withinMs);
      if (ports.audit.isFull()) return unrecorded(passage, ports);
      const answered = guard(passage, ports, () => judgeAndAct(request, passage, ports));
      if (!(answered instanceof Promise)) return finish(answered, passage, ports);
      return within(answered, withinMs, () =>
        failed(passage, 'timeout', 'no answer within the time that Envoy gives'),
      ).then((inTime) => finish(inTime, passage, ports));
    },
    malformed(reason) {
      const passage = begin(undefined, ANSWER_WITHIN_MS);
      return finish(failed(passage, 'bad-request', reason), passage, ports);
    },
    overloaded(request) {
      const passage = begin(request, ANSWER_WITHIN_MS);
      return finish(failed(passage, 'overloaded', 'more Checks in flight than the bound'), passage, ports);
    },
  };
}

const answerWithin = (budgetMs: number | undefined): number =>
  budgetMs === undefined
    ? ANSWER_WITHIN_MS
    : Math.min(ANSWER_WITHIN_MS, Math.max(budgetMs - ANSWER_MARGIN_MS, budgetMs / 2));

/** decode -> check -> (needs -> fetch -> check)* -> tend the session -> act */
function judgeAndAct(request: AccessRequest, passage: Passage, ports: CheckPorts): Eventually<Answered> {
  const decided = judge(request, passage, ports, NOTHING_FETCHED);
  return decided instanceof Promise
    ? decided.then((decision) => tendAndAct(request, decision, passage, ports))
    : tendAndAct(request, decided, passage, ports);
}

/** Where the session has to be refreshed first, it is judged once more by what is stored then; what came of the refresh shows there. */
function tendAndAct(
  request: AccessRequest,
  decision: CheckDecision,
  passage: Passage,
  ports: CheckPorts,
): Eventually<Answered> {
  const { session } = decision.findings;
  const waiting =
    session === undefined || decision.kind === 'own'
      ? undefined
      : ports.keepFresh.tend(session, passage.live, passage.now, passage.withinMs);
  if (waiting === undefined) return act(request, decision, passage, ports);
  return waiting
    .then(() => judge(request, passage, ports, NOTHING_FETCHED))
    .then((judged) => act(request, judged, passage, ports));
}

type Judging = Pick<Passage, 'live' | 'records' | 'now' | 'trail'>;
type JudgingPorts = Pick<CheckPorts, 'observeFailure'>;

/**
 * What `check` decides of a request now, and nothing more: nothing follows from it. A promise gives no decision but says when to ask again; only what
 * comes at once holds, in the turn in which it comes. @throws DependencyError, also by the promise
 */
export function decideNow(
  request: AccessRequest,
  live: Live,
  ports: JudgingPorts & Pick<CheckPorts, 'clock'>,
): Eventually<CheckDecision> {
  const judging = { live, records: live.records(), now: ports.clock.now(), trail: { findings: undefined } };
  return judge(request, judging, ports, { session: undefined, facts: undefined, readAnew: undefined, round: 0 });
}

/** What was fetched so far. */
type Fetched = {
  readonly session: Known['session'];
  readonly facts: Known['facts'];
  /** The session that was read anew for this Check. */
  readonly readAnew: SessionHandle | undefined;
  readonly round: number;
};

const NOTHING_FETCHED: Fetched = { session: undefined, facts: undefined, readAnew: undefined, round: 0 };

function judge(
  request: AccessRequest,
  passage: Judging,
  ports: JudgingPorts,
  { session, facts, readAnew, round }: Fetched,
): Eventually<CheckDecision> {
  const known: Known = {
    generation: passage.live.generation,
    sealer: passage.live.ports.sealer,
    session,
    facts,
    records: passage.records,
    certificate: (of, clientCa, now) => passage.live.certificates.factsOf(of.source.certificate, clientCa, now),
  };
  const judgement = check(request, known, passage.now);
  passage.trail.findings = judgement.findings;
  if (judgement.kind !== 'needs') return judgement;
  if (round === NEEDS_ROUNDS_MAX) throw new DependencyError('store-unavailable', 'a session changes all the time');
  if (judgement.needs === 'facts') {
    const { of } = judgement;
    const found = passage.live.ports.facts.of(of);
    // SECURITY: as in `fetchNeeded`; the session is asked for again as well, since its turn is over.
    return found instanceof Promise
      ? found.then(() =>
          judge(request, passage, ports, { session: undefined, facts: undefined, readAnew, round: round + 1 }),
        )
      : judge(request, passage, ports, { session, facts: { of, facts: found }, readAnew, round: round + 1 });
  }
  const next = { facts: undefined, readAnew: judgement.anew ? judgement.session : readAnew, round: round + 1 };
  const fetched = fetchNeeded(judgement, next.readAnew, passage, ports);
  return fetched instanceof Promise
    ? fetched.then((answer) => judge(request, passage, ports, { ...next, session: answer }))
    : judge(request, passage, ports, { ...next, session: fetched });
}

/**
 * What is decided by, or a promise of undefined: ask again.
 * SECURITY: what a promise gave held when it was read; until its reader's turn something may have been revoked. So only what the store gives at
 * once is decided by, in the turn in which it was given.
 */
function fetchNeeded(
  needs: SessionNeed,
  readAnew: SessionHandle | undefined,
  passage: Judging,
  ports: JudgingPorts,
): Eventually<Known['session']> {
  const handle = needs.session;
  const { sessions } = passage.live.ports;
  const unknown = (error: unknown): Known['session'] => {
    if (!isDependencyError(error)) throw error;
    const isNone = needs.optional || (needs.unreadableIsNone && error.code === 'store-corrupt');
    if (!isNone) throw error;
    ports.observeFailure(error.code);
    return { handle, session: undefined, isUnreadable: true };
  };
  try {
    if (needs.anew) sessions.forget(handle);
    const found = sessions.get(handle);
    if (found instanceof Promise) return found.then(() => undefined, unknown);
    return { handle, session: found, mayBeOlder: readAnew !== handle };
  } catch (error) {
    return unknown(error);
  }
}

function act(
  request: AccessRequest,
  decision: CheckDecision,
  passage: Passage,
  ports: CheckPorts,
): Eventually<Answered> {
  const { findings } = decision;
  switch (decision.kind) {
    case 'allow':
      return { outcome: allow(request, decision.findings, passage, ports), findings, decision: 'allow', code: 'allow' };
    case 'refuse':
      return refused(passage, findings, 'refuse', decision.code, decision.detail);
    case 'challenge': {
      const origin = originText(decision.findings.route.origin, decision.findings.target.host);
      const context = contextOf(request, decision.findings, origin, passage);
      const answer = beginLogin(context, passage.live.ports, decision.stepUp);
      if (decision.stepUp === undefined) return whenAnswered(answer, findings, 'challenge', 'login');
      const answered = whenAnswered(answer, findings, 'challenge', 'step-up');
      return answered instanceof Promise ? answered.then(toldAsStepUp) : toldAsStepUp(answered);
    }
    case 'own': {
      const context = contextOf(request, decision.findings, decision.origin, passage);
      return whenAnswered(
        answerEndpoint(decision.path, context, passage.live.ports),
        findings,
        'own',
        decision.path.endpoint,
      );
    }
  }
}

/** The record tells a step-up from a login by its code. */
const toldAsStepUp = (answered: Answered): Answered =>
  answered.code === 'own-response' ? { ...answered, code: 'step-up-required' } : answered;

type AllowedFindings = Extract<CheckDecision, { kind: 'allow' }>['findings'];

function allow(request: AccessRequest, findings: AllowedFindings, passage: Passage, ports: CheckPorts): Outcome {
  const { session, route, target } = findings;
  if (session !== undefined && touchIsDue(session, passage.now, route.sessionIdleSeconds)) {
    passage.live.ports.sessions.touch(session.handle, passage.now).catch((error: unknown) => {
      ports.logger.warn({ error, request_id: passage.requestId }, 'the last use of a session could not be written');
    });
  }
  const upstream = upstreamOf({
    request,
    route,
    host: target.host,
    session,
    subject: findings.facts?.subject ?? (session === undefined ? undefined : subjectOf(session)),
    config: passage.live.generation.config,
    now: passage.now,
    assertions: ports.assertions,
    signer: passage.live.ports.signer,
    entropy: ports.entropy,
    certificate: () => passage.live.certificates.factsOf(request.source.certificate, route.clientCa, passage.now),
  });
  const boundMs = session === undefined ? undefined : streamBoundMs(session, passage.now, route);
  const bounded = withStreamBound(upstream, boundMs);
  if (passage.live.generation.config.streams?.hold !== true) return { kind: 'allow', upstream: bounded };
  return {
    kind: 'allow',
    upstream: withHold(bounded, heldFrom(request)),
    ticket: ticketOf(request, target.host, boundMs, passage),
  };
}

/** What Envoy brings back to have the stream held. */
function ticketOf(
  request: AccessRequest,
  host: string,
  boundMs: number | undefined,
  { live, now, requestId }: Passage,
): string {
  const endsAt = boundMs === undefined ? undefined : epochSeconds(now + boundMs / 1000);
  return sealTicket({ requestId, endsAt, request: request.encoded?.() ?? '' }, host, live.ports.sealer);
}

const contextOf = (
  request: AccessRequest,
  findings: Findings & Pick<EndpointContext, 'target'>,
  origin: string,
  passage: Passage,
): EndpointContext => ({
  request,
  target: findings.target,
  origin,
  generation: passage.live.generation,
  presented: findings.presented,
  session: findings.session,
  route: findings.route,
  now: passage.now,
  requestId: passage.requestId,
});

function whenAnswered(
  answer: Eventually<EndpointAnswer>,
  findings: Findings,
  decision: 'challenge' | 'own',
  endpoint: string,
): Eventually<Answered> {
  const toAnswered = ({ response, code, detail, session }: EndpointAnswer): Answered => ({
    outcome: { kind: 'answer', response, code },
    findings: session === undefined ? findings : { ...findings, session, found: { kind: 'session', session } },
    decision,
    code,
    detail,
    endpoint,
  });
  return answer instanceof Promise ? answer.then(toAnswered) : toAnswered(answer);
}

/** Every way to fail ends in an explicit refusal: a dependency in 503, anything else in 500. */
function guard(passage: Passage, ports: CheckPorts, run: () => Eventually<Answered>): Eventually<Answered> {
  const onError = (error: unknown): Answered => {
    if (isDependencyError(error)) {
      ports.observeFailure(error.code);
      ports.logger.warn({ error, request_id: passage.requestId }, 'a Check was refused because a dependency failed');
      return failed(passage, error.code === 'store-corrupt' ? 'store-corrupt' : 'unavailable', error.message);
    }
    ports.logger.error({ error, request_id: passage.requestId }, 'a Check was refused because of a fault in Doorward');
    return failed(passage, 'internal-error', 'a fault in Doorward');
  };
  try {
    const answered = run();
    return answered instanceof Promise ? answered.catch(onError) : answered;
  } catch (error) {
    return onError(error);
  }
}

/** The client is told nothing of what was found; the record has it. */
const failed = (passage: Passage, code: RefusalCode, detail: string): Answered => ({
  ...refused(passage, undefined, 'error', code, detail),
  findings: passage.trail.findings,
});

function refused(
  passage: Passage,
  findings: Findings | undefined,
  decision: 'refuse' | 'error',
  code: RefusalCode,
  detail: string | undefined,
): Answered {
  const response = renderRefusal({
    request: passage.request,
    requestId: passage.requestId,
    code,
    findings,
    detail,
    now: passage.now,
    ...criteriaShown(findings),
  });
  return { outcome: { kind: 'answer', response, code }, findings, decision, code, detail };
}

/** The criteria as they came out, for a page that may name what is missing; evaluated only where the route shows details. */
function criteriaShown(findings: Findings | undefined): { readonly criteria?: readonly ExplainedCriterion[] } {
  if (findings?.route?.showErrorDetails !== true || findings.facts === undefined) return {};
  return { criteria: findings.route.policy.explain(findings.facts).criteria };
}

/** The end of every Check: one record, one observation. */
function finish(answered: Answered, passage: Passage, ports: CheckPorts): Outcome {
  const micros = Math.round((ports.clock.monotonicMs() - passage.startedMs) * 1000);
  const { request, requestId, now } = passage;
  const { generation, certificates } = passage.live;
  const decided = { ...answered, request, requestId, generation, now };
  const shadow =
    generation.shadow === undefined
      ? undefined
      : ports.shadow({
          ...decided,
          certificates,
          records: passage.records,
          decision: auditDecisions[answered.decision],
        });
  const record = recordOf({ ...decided, shadow, micros });
  ports.audit.write(record);
  ports.observe({ decision: record.decision, code: answered.code, micros });
  return answered.outcome;
}

/** The audit can take no record, so nothing may be decided (invariant 4). Only metrics and log tell of it. */
function unrecorded(passage: Passage, ports: CheckPorts): Outcome {
  ports.observe({ decision: 'error', code: 'unavailable', micros: 0 });
  ports.logger.error({ request_id: passage.requestId }, 'a Check was refused because the audit cannot take its record');
  return refused(passage, undefined, 'error', 'unavailable', undefined).outcome;
}

/** The answer, or `late()` after `ms`. What comes later is dropped: it has not been told to anybody. */
function within<T>(promise: Promise<T>, ms: number, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(late()), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
