/** The first half of a login: from a page that needs one, or from `sign_in`, to the identity provider or to the authentication host. */

import type { EndpointPorts, EndpointAnswer, EndpointContext } from '../endpoint.ts';
import type { Eventually, IdentityProvider } from '../../core/ports.ts';
import { meetsStepUp, type StepUp } from '../../core/policy/step-up.ts';
import type { Session } from '../../core/session/session.ts';
import { sessionState } from '../../core/session/state.ts';
import type { EpochSeconds } from '../../core/units.ts';
import { redirect } from '../answers.ts';
import { PATHS } from '../own-paths.ts';
import { parseReturnTarget, returnTargetOf } from '../return-target.ts';
import { sealAsk, type Ask } from './ask.ts';
import { setFlowCookie } from './flow-cookies.ts';
import { flowHostOf } from './flow-host.ts';
import { codeVerifierOf, newFlow, nonceOf, stateOf, type Flow } from './flow.ts';
import { chooserPage, goingRoundPage, noProviderPage } from './pages.ts';
import { callbackPath } from './redirect-uri.ts';
import { isGoingRound } from './rounds.ts';

/**
 * Answers a navigation that a route challenged: on to the identity provider, to the authentication host, or to a choice of providers. May be
 * called without limit by strangers: it writes nothing but a cookie. @throws DependencyError idp-unavailable
 */
export function beginLogin(
  context: EndpointContext,
  ports: EndpointPorts,
  stepUp?: StepUp,
): Eventually<EndpointAnswer> {
  const path = returnTargetOf(context.target);
  const at = flowHostOf(context, ports);
  if (isGoingRound(at)) {
    // `sign_in` is stricter than a relaxed route: where it would not take the page, it leads to the one about oneself.
    const isTaken = parseReturnTarget(path, { host: at.host, origin: context.origin }) !== undefined;
    const query = isTaken ? `?${new URLSearchParams({ return: path }).toString()}` : '';
    return goingRoundPage(context, { retry: `${PATHS.signIn}${query}`, isStepUp: stepUp !== undefined });
  }
  // Whoever must show more is signed in, and shows it where he signed in.
  const own = stepUp === undefined || context.session === undefined ? {} : { idps: [context.session.idp], stepUp };
  return beginAsked(askFor(context, path, own), context, ports);
}

/** What a login for a page of this host must satisfy: what its route says, else what is said for all. */
export const askFor = (
  context: Pick<EndpointContext, 'generation' | 'route' | 'now'>,
  path: string,
  more: Partial<Pick<Ask, 'idps' | 'prompt' | 'stepUp'>> = {},
): Ask => ({
  at: context.now,
  idps: more.idps ?? context.route?.idps ?? [],
  lifetimeSeconds: context.route?.sessionLifetimeSeconds ?? context.generation.config.session_lifetime,
  idleSeconds:
    context.route === undefined ? context.generation.config.session_idle_timeout : context.route.sessionIdleSeconds,
  prompt: more.prompt,
  stepUp: more.stepUp,
  back: { kind: 'here', path },
});

/** Begins the login here, or sends the browser to the authentication host to have it there. */
export function beginAsked(ask: Ask, context: EndpointContext, ports: EndpointPorts): Eventually<EndpointAnswer> {
  const { authOrigin } = context.generation;
  if (authOrigin === undefined || authOrigin.host === context.target.host) return beginHere(ask, context, ports);

  const at = flowHostOf(context, ports);
  const flow = newFlow({ ...startOf(ask, context), idp: undefined }, ports.entropy);
  const back = { kind: 'host', host: at.host, flowId: flow.id } as const;
  const sealed = sealAsk({ ...ask, back }, authOrigin.host, ports.sealer);
  return redirect(`${authOrigin.origin}${PATHS.signIn}?ask=${sealed}`, setFlowCookie(flow, at));
}

/** One acceptable provider: straight to it. Several: the choice. */
export function beginHere(ask: Ask, context: EndpointContext, ports: EndpointPorts): Eventually<EndpointAnswer> {
  const idps = acceptableIdps(ask, ports);
  const [idp] = idps;
  if (idp === undefined) return noProviderPage(context);
  if (idps.length > 1) return chooserPage(context, idps, sealAsk(ask, context.target.host, ports.sealer));
  return beginAtProvider(idp, ask, context, ports);
}

export const acceptableIdps = (ask: Pick<Ask, 'idps'>, ports: EndpointPorts): readonly IdentityProvider[] =>
  ask.idps.length === 0 ? ports.idps : ports.idps.filter((idp) => ask.idps.includes(idp.name));

/** Whether the session that is there already does for what is asked. */
export const isAcceptable = (session: Session, ask: Ask, now: EpochSeconds): boolean =>
  ask.prompt === undefined &&
  (ask.stepUp === undefined || meetsStepUp(ask.stepUp, session, now)) &&
  (ask.idps.length === 0 || ask.idps.includes(session.idp)) &&
  sessionState(session, now, { lifetimeSeconds: ask.lifetimeSeconds, idleSeconds: ask.idleSeconds }) === 'live';

const startOf = (
  { prompt, stepUp, back }: Ask,
  { now }: EndpointContext,
): Pick<Flow, 'beganAt' | 'isForced' | 'stepUp' | 'back'> => ({
  beganAt: now,
  isForced: prompt !== undefined || stepUp !== undefined,
  stepUp,
  back,
});

async function beginAtProvider(
  idp: IdentityProvider,
  ask: Ask,
  context: EndpointContext,
  ports: EndpointPorts,
): Promise<EndpointAnswer> {
  const flow = newFlow({ ...startOf(ask, context), idp: idp.name }, ports.entropy);
  const url = await idp.authorizationUrl({
    redirectUri: `${context.origin}${callbackPath(idp.name)}`,
    state: stateOf(flow),
    nonce: nonceOf(flow),
    codeVerifier: codeVerifierOf(flow),
    ...(ask.prompt === undefined ? {} : { prompt: ask.prompt }),
    ...(ask.stepUp === undefined ? {} : { stepUp: ask.stepUp }),
  });
  return redirect(url, setFlowCookie(flow, flowHostOf(context, ports)));
}
