/**
 * `ticket`: brings a session from the authentication host to an application host. Sealed for that host, short-lived, for one flow, used once,
 * and worth nothing in a browser that does not have the flow's cookie.
 */

import { meetsStepUp } from '../../core/policy/step-up.ts';
import { endSuperseded } from '../end-session.ts';
import type { EndpointAnswer, EndpointContext, EndpointPorts } from '../endpoint.ts';
import { redirect } from '../answers.ts';
import { originOfHost } from '../origin.ts';
import { singleParameters } from '../parameters.ts';
import { numberIn, openJson, sealJson, textIn } from '../sealed-json.ts';
import { PATHS } from '../own-paths.ts';
import { handleOfSession, setSessionCookie } from '../session-cookies.ts';
import { arrive } from './arrive.ts';
import { flowHostOf } from './flow-host.ts';
import { deleteFlowCookie, flowOfBrowser } from './flow-cookies.ts';
import { isFlowExpired, isFlowId, SKEW_SECONDS, type Back } from './flow.ts';
import { loginFailedPage, loginFailures } from './pages.ts';
import { countRound } from './rounds.ts';

/** From one redirect to the next. */
const TICKET_SECONDS = 60;

/** Sends the browser to the host that waits, with a ticket for the session whose id is `sessionId`. */
export function ticketFor(
  back: Extract<Back, { kind: 'host' }>,
  sessionId: string,
  context: EndpointContext,
  ports: EndpointPorts,
  cookies: readonly string[] = [],
): EndpointAnswer {
  const origin = originOfHost(context.generation, back.host);
  if (origin === undefined) return loginFailedPage(context, loginFailures.hostGone, { cookies });
  // The clock is read again: redeeming the code took a part of the ticket's minute.
  const fields = { s: sessionId, w: back.flowId, e: ports.clock.now() + TICKET_SECONDS };
  const sealed = sealJson(ports.sealer, 'ticket', fields, back.host);
  return redirect(`${origin}${PATHS.ticket}?ticket=${sealed}`, cookies);
}

/** @throws DependencyError: 503, and the ticket may be tried again. */
export async function ticket(context: EndpointContext, ports: EndpointPorts): Promise<EndpointAnswer> {
  const at = flowHostOf(context, ports);
  const parsed = singleParameters(context.target.query, ['ticket']);
  const sealed = parsed.ok ? parsed.value.ticket : undefined;
  const fields = sealed === undefined ? undefined : openJson(ports.sealer, 'ticket', sealed, at.host);
  const sessionId = fields === undefined ? undefined : textIn(fields, 's');
  const flowId = fields === undefined ? undefined : textIn(fields, 'w');
  const until = fields === undefined ? undefined : numberIn(fields, 'e');
  if (sessionId === undefined || flowId === undefined || until === undefined || !isFlowId(flowId)) {
    return loginFailedPage(context, loginFailures.badTicket);
  }

  // SECURITY: without it a stranger could sign others in as himself, by giving them a ticket of his own.
  const flow = flowOfBrowser(flowId, at);
  if (flow === undefined || flow.idp !== undefined || flow.back.kind !== 'here') {
    return loginFailedPage(context, loginFailures.notOurs);
  }
  const refuse = (failure: (typeof loginFailures)[keyof typeof loginFailures]): EndpointAnswer =>
    loginFailedPage(context, failure, {
      retry: `${context.origin}${flow.back.kind === 'here' ? flow.back.path : '/'}`,
      cookies: deleteFlowCookie(flow.id, at),
    });
  if (context.now >= until || until > context.now + TICKET_SECONDS + SKEW_SECONDS)
    return refuse(loginFailures.ticketExpired);
  if (isFlowExpired(flow, context.now)) return refuse(loginFailures.tookTooLong);

  const session = await ports.sessions.get(handleOfSession(sessionId));
  if (session === undefined || session.expiresAt <= context.now) return refuse(loginFailures.sessionOver);
  if (flow.stepUp !== undefined && !meetsStepUp(flow.stepUp, session, context.now))
    return refuse(loginFailures.stepUpNotMet);
  if (!(await ports.once.use(`ticket:${flow.id}`, TICKET_SECONDS + 2 * SKEW_SECONDS)))
    return refuse(loginFailures.ticketUsed);

  const previous = context.presented;
  if (previous !== session.handle) await endSuperseded(previous, 'renewed', ports);
  const cookies = [
    setSessionCookie({ id: sessionId, session }, context, ports),
    ...deleteFlowCookie(flow.id, at),
    countRound(at),
  ];
  return { ...arrive(flow.back.path, cookies, context), session };
}
