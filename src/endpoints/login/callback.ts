/**
 * `callback`: the second half of a login. The order is the point: everything that can be refused without the identity provider is refused
 * first, nothing is written before the code was redeemed, and the first write afterwards makes the flow unusable.
 */

import { isDependencyError, type Eventually, type Identity, type IdentityProvider } from '../../core/ports.ts';
import { meetsStepUp } from '../../core/policy/step-up.ts';
import type { Session } from '../../core/session/session.ts';
import { endSuperseded } from '../end-session.ts';
import type { EndpointAnswer, EndpointContext, EndpointPorts } from '../endpoint.ts';
import { originOfHost } from '../origin.ts';
import { singleParameters } from '../parameters.ts';
import { handleOfSession, newSessionId, sessionIdOf, setSessionCookie } from '../session-cookies.ts';
import { arrive } from './arrive.ts';
import { flowHostOf } from './flow-host.ts';
import { deleteFlowCookie, flowOfBrowser } from './flow-cookies.ts';
import {
  codeVerifierOf,
  FLOW_SECONDS,
  flowIdOfState,
  isFlowExpired,
  isStateOf,
  nonceOf,
  SKEW_SECONDS,
  stateOf,
  type Flow,
} from './flow.ts';
import { limitSessions } from './limit-sessions.ts';
import { loginFailedPage, loginFailures } from './pages.ts';
import { callbackPath } from './redirect-uri.ts';
import { countRound } from './rounds.ts';
import { sessionOf } from './session-of.ts';
import { ticketFor } from './ticket.ts';

/** How long a used flow id is remembered: no longer than its cookie opens on any replica. */
const USED_FLOW_SECONDS = FLOW_SECONDS + 2 * SKEW_SECONDS;

/** Error codes of RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6; others are not repeated in audit and log. */
const ERROR_CODE = /^[a-z_]{1,40}$/;

type Pending = { readonly flow: Flow; readonly idp: IdentityProvider; readonly retry: string };

/** @throws DependencyError: 503, and the same callback may be tried again, as its code was not redeemed or its flow not used. */
export async function callback(context: EndpointContext, ports: EndpointPorts): Promise<EndpointAnswer> {
  const parsed = singleParameters(context.target.query, ['state', 'code', 'error', 'iss']);
  if (!parsed.ok) return loginFailedPage(context, loginFailures.ambiguous);
  const { state, code, error } = parsed.value;
  if (state === undefined) return loginFailedPage(context, loginFailures.missingState);

  const found = findPending(state, context, ports);
  if (found.kind === 'refused') return found.answer;
  const { flow, retry } = found.pending;
  const at = flowHostOf(context, ports);
  const refuse = (failure: (typeof loginFailures)[keyof typeof loginFailures], evidence?: string): EndpointAnswer =>
    loginFailedPage(context, failure, {
      retry,
      cookies: deleteFlowCookie(flow.id, at),
      ...(evidence === undefined ? {} : { evidence }),
    });

  if (error === 'access_denied') return refuse(loginFailures.accessDenied);
  if (error !== undefined)
    return refuse(loginFailures.providerError, ERROR_CODE.test(error) ? error : 'an unknown error');
  if (code === undefined) return refuse(loginFailures.missingCode);
  if (await ports.once.wasUsed(usedId(flow))) return refuse(loginFailures.usedAlready);
  const currentId = isSignedInMeanwhile(flow, context.session) ? sessionIdOf(context, ports) : undefined;
  if (currentId !== undefined) return goOn(flow, currentId, context, ports);

  const mark = await ports.sessions.loginMark();
  const redeemed = await unlessRefused(() => redeem(found.pending, context));
  if (typeof redeemed === 'string') return refuse(loginFailures.providerRefused, redeemed);
  if (!(await ports.once.use(usedId(flow), USED_FLOW_SECONDS))) return refuse(loginFailures.usedAlready);

  const id = newSessionId(ports.entropy);
  const session = await unlessRefused(() =>
    sessionOf({
      identity: redeemed,
      idp: found.pending.idp.name,
      handle: handleOfSession(id),
      mark,
      now: ports.clock.now(),
      lifetimeSeconds: context.generation.config.session_lifetime,
    }),
  );
  if (typeof session === 'string') return refuse(loginFailures.providerRefused, session);
  // Nothing is written: who did not show more keeps the session that he has.
  if (flow.stepUp !== undefined && !meetsStepUp(flow.stepUp, session, session.createdAt))
    return refuse(loginFailures.stepUpNotMet);
  if (!(await ports.sessions.create(session))) return refuse(loginFailures.revokedMeanwhile);
  await endSuperseded(context.presented, 'renewed', ports);
  await limitSessions(session, context.generation.config.sessions_per_user, ports);

  const cookies = [setSessionCookie({ id, session }, context, ports), ...deleteFlowCookie(flow.id, at), countRound(at)];
  const answer =
    flow.back.kind === 'here'
      ? arrive(flow.back.path, cookies, context)
      : ticketFor(flow.back, id, context, ports, cookies);
  return { ...answer, session };
}

const usedId = (flow: Flow): string => `flow:${flow.id}`;

/** The pending login that the callback belongs to; all that can be refused without asking anybody is refused here. */
function findPending(
  state: string,
  context: EndpointContext,
  ports: EndpointPorts,
):
  | { readonly kind: 'pending'; readonly pending: Pending }
  | { readonly kind: 'refused'; readonly answer: EndpointAnswer } {
  const at = flowHostOf(context, ports);
  const refused = (answer: EndpointAnswer): { readonly kind: 'refused'; readonly answer: EndpointAnswer } => ({
    kind: 'refused',
    answer,
  });
  const flowId = flowIdOfState(state);
  const flow = flowId === undefined ? undefined : flowOfBrowser(flowId, at);
  if (flow === undefined) return refused(loginFailedPage(context, loginFailures.notOurs));
  // The flow stays as it is: whoever guesses at states must not be able to end a login.
  if (!isStateOf(flow, state)) return refused(loginFailedPage(context, loginFailures.wrongState));

  const cookies = deleteFlowCookie(flow.id, at);
  const retry = retryUrl(flow, context);
  if (retry === undefined) return refused(loginFailedPage(context, loginFailures.hostGone, { cookies }));
  if (isFlowExpired(flow, context.now)) {
    return refused(loginFailedPage(context, loginFailures.tookTooLong, { retry, cookies }));
  }
  // SECURITY: each provider has its own redirect URI, so an answer that arrives at another one is a mix-up (RFC 9700 §4.4).
  if (flow.idp === undefined || callbackPath(flow.idp) !== context.target.path) {
    return refused(loginFailedPage(context, loginFailures.otherProvider, { retry, cookies }));
  }
  const idp = ports.idps.find(({ name }) => name === flow.idp);
  if (idp === undefined) return refused(loginFailedPage(context, loginFailures.providerGone, { retry, cookies }));
  return { kind: 'pending', pending: { flow, idp, retry } };
}

function retryUrl(flow: Flow, context: EndpointContext): string | undefined {
  if (flow.back.kind === 'here') return `${context.origin}${flow.back.path}`;
  const origin = originOfHost(context.generation, flow.back.host);
  return origin === undefined ? undefined : `${origin}/`;
}

/** Another tab of this browser has signed in at the same provider since this flow began: nothing is left to do but to go on. */
const isSignedInMeanwhile = (flow: Flow, session: Session | undefined): boolean =>
  session !== undefined && !flow.isForced && session.idp === flow.idp && session.createdAt >= flow.beganAt;

function goOn(flow: Flow, sessionId: string, context: EndpointContext, ports: EndpointPorts): EndpointAnswer {
  const cookies = deleteFlowCookie(flow.id, flowHostOf(context, ports));
  return flow.back.kind === 'here'
    ? arrive(flow.back.path, cookies, context)
    : ticketFor(flow.back, sessionId, context, ports, cookies);
}

const redeem = ({ flow, idp }: Pending, context: EndpointContext): Promise<Identity> =>
  idp.redeem({
    callbackUrl: `${context.origin}${context.target.path}?${context.target.query ?? ''}`,
    state: stateOf(flow),
    nonce: nonceOf(flow),
    codeVerifier: codeVerifierOf(flow),
  });

/** What `run` gives; or, where the provider or the verification says no, why, in words for audit and log. @throws DependencyError */
async function unlessRefused<T extends object>(run: () => Eventually<T>): Promise<T | string> {
  try {
    return await run();
  } catch (error) {
    if (isDependencyError(error) && error.code === 'idp-refused') return error.message;
    throw error;
  }
}
