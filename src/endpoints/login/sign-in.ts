/** `sign_in`: begins a login because somebody asked for it, here or (with `auth_url`) for another host that sent the browser. */

import type { Eventually } from '../../core/ports.ts';
import { canonicalise } from '../../core/request/canonicalise.ts';
import type { IdpName } from '../../core/units.ts';
import { redirect, refusal } from '../answers.ts';
import type { EndpointAnswer, EndpointContext, EndpointPorts } from '../endpoint.ts';
import { originOfHost } from '../origin.ts';
import { singleParameters } from '../parameters.ts';
import { DEFAULT_RETURN_TARGET, parseReturnTarget } from '../return-target.ts';
import { mayBeNavigation } from '../same-origin.ts';
import { sessionIdOf } from '../session-cookies.ts';
import { isAskExpired, openAsk, parsePrompt, type Ask } from './ask.ts';
import { acceptableIdps, askFor, beginAsked, beginHere, isAcceptable } from './begin.ts';
import { flowHostOf } from './flow-host.ts';
import { loginFailedPage, loginFailures } from './pages.ts';
import { forgetRounds } from './rounds.ts';
import { ticketFor } from './ticket.ts';

/**
 * Parameters: `ask` (made by Doorward) or `return` (a path of this host; also `pomerium_redirect_uri`), `idp` (the chosen provider), `prompt`.
 */
export function signIn(context: EndpointContext, ports: EndpointPorts): Eventually<EndpointAnswer> {
  if (!mayBeNavigation(context.request)) return refusal(context, 'bad-request', 'sign_in is for navigations only');
  const parsed = singleParameters(context.target.query, ['ask', 'return', 'pomerium_redirect_uri', 'idp', 'prompt']);
  if (!parsed.ok) return refusal(context, 'bad-request', parsed.error);
  const { ask: sealedAsk, idp, prompt } = parsed.value;
  const chosen = idp === undefined ? undefined : ports.idps.find(({ name }) => name === idp)?.name;
  if (idp !== undefined && chosen === undefined) return refusal(context, 'bad-request', 'no such identity provider');
  if (sealedAsk !== undefined) return signInAsked(sealedAsk, chosen, context, ports);

  const text = parsed.value.return ?? parsed.value.pomerium_redirect_uri;
  const path = text === undefined ? DEFAULT_RETURN_TARGET : parseReturnTarget(text, hereOf(context));
  if (path === undefined) return refusal(context, 'bad-request', 'the return target is not a page of this host');
  const parsedPrompt = prompt === undefined ? undefined : parsePrompt(prompt);
  if (prompt !== undefined && parsedPrompt === undefined) return refusal(context, 'bad-request', 'no such prompt');

  const ask = askFor({ ...context, route: routeOf(path, context) }, path, {
    ...(chosen === undefined ? {} : { idps: [chosen] }),
    prompt: parsedPrompt,
  });
  if (context.session !== undefined && isAcceptable(context.session, ask, context.now)) {
    return withForgottenRounds(redirect(`${context.origin}${path}`), context, ports);
  }
  return withForgottenRounds(beginAsked(ask, context, ports), context, ports);
}

const hereOf = (context: EndpointContext): { readonly host: string; readonly origin: string } => ({
  host: context.target.host,
  origin: context.origin,
});

/** The route of a return target, whose providers and lifetimes a login for it must satisfy. */
function routeOf(path: string, context: EndpointContext): EndpointContext['route'] {
  const target = canonicalise({ method: 'GET', authority: context.target.host, path });
  return target.ok ? context.generation.routes.match(target.value.host, target.value.path) : undefined;
}

function signInAsked(
  sealedAsk: string,
  chosen: IdpName | undefined,
  context: EndpointContext,
  ports: EndpointPorts,
): Eventually<EndpointAnswer> {
  const opened = openAsk(sealedAsk, context.target.host, ports.sealer);
  if (opened === undefined) return loginFailedPage(context, loginFailures.badAsk);
  const retry = retryUrl(opened, context);
  if (retry === undefined) return loginFailedPage(context, loginFailures.hostGone);
  if (isAskExpired(opened, context.now)) return loginFailedPage(context, loginFailures.tookTooLong, { retry });
  if (chosen !== undefined && !acceptableIdps(opened, ports).some(({ name }) => name === chosen)) {
    return refusal(context, 'bad-request', 'the page does not accept that identity provider');
  }

  const ask: Ask = chosen === undefined ? opened : { ...opened, idps: [chosen] };
  const sessionId = sessionIdOf(context, ports);
  if (sessionId !== undefined && context.session !== undefined && isAcceptable(context.session, ask, context.now)) {
    return ask.back.kind === 'here'
      ? redirect(`${context.origin}${ask.back.path}`)
      : ticketFor(ask.back, sessionId, context, ports);
  }
  return beginHere(ask, context, ports);
}

/** Where to start again; undefined when the host that asked is no longer served. */
function retryUrl(ask: Ask, context: EndpointContext): string | undefined {
  if (ask.back.kind === 'here') return `${context.origin}${ask.back.path}`;
  const origin = originOfHost(context.generation, ask.back.host);
  return origin === undefined ? undefined : `${origin}/`;
}

async function withForgottenRounds(
  answer: Eventually<EndpointAnswer>,
  context: EndpointContext,
  ports: EndpointPorts,
): Promise<EndpointAnswer> {
  const { response, ...rest } = await answer;
  const forgotten = ['set-cookie', forgetRounds(flowHostOf(context, ports))] as const;
  return { ...rest, response: { ...response, headers: [...response.headers, forgotten] } };
}
