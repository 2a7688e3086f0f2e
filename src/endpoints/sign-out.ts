/** Sign-out: ends the session here, its tokens at the identity provider, and where the provider can, the login there too. */

import type { IdentityProvider } from '../core/ports.ts';
import type { Session } from '../core/session/session.ts';
import { bestEffort, pageAnswer, redirect, refusal } from './answers.ts';
import type { EndpointAnswer, EndpointContext, EndpointPorts } from './endpoint.ts';
import { endSession } from './end-session.ts';
import { signOutFormTargets } from './form-targets.ts';
import { nameOf } from './home.ts';
import { originOfHost } from './origin.ts';
import { PATHS } from './own-paths.ts';
import { singleParameters } from './parameters.ts';
import { isSameOriginPost } from './same-origin.ts';
import { dropSessionCookie } from './session-cookies.ts';
import { openJson, sealJson, textIn } from './sealed-json.ts';

const stateContext = (host: string): string => `signed_out ${host}`;

/** GET ends nothing: a link or an image of another site could have sent it. */
export function signOutConfirm(context: EndpointContext): EndpointAnswer {
  const { session } = context;
  if (session === undefined) return signedOutPage(context, []);
  return pageAnswer({
    title: 'Sign out',
    heading: ['Do you want to sign out?'],
    paragraphs: [{ text: ['You are signed in as ', { strong: nameOf(session) }, '.'] }],
    actions: [
      { kind: 'form', action: PATHS.signOut, label: 'Sign out', fields: [] },
      { kind: 'link', href: PATHS.home, label: 'Stay signed in' },
    ],
    facts: [['Request', context.requestId]],
    formTargets: signOutFormTargets(context),
  });
}

/** @throws DependencyError when the session could not be ended; nothing else is done then. */
export async function signOut(context: EndpointContext, ports: EndpointPorts): Promise<EndpointAnswer> {
  if (!isSameOriginPost(context.request, context.origin)) {
    return refusal(context, 'cross-site', 'the sign-out did not come from a page of this host');
  }
  const cookies = [dropSessionCookie(context)];
  const { session, presented } = context;
  // What the cookie names is ended also where it cannot be read: another process, or a later secret, may be able to.
  await endSession(presented, 'sign-out', ports);
  if (session === undefined) return redirect(afterwards(context), cookies, 303);
  const idp = ports.idps.find(({ name }) => name === session.idp);
  const endSessionUrl = idp === undefined ? undefined : await endAtProvider(idp, session, context, ports);
  return { ...redirect(endSessionUrl ?? afterwards(context), cookies, 303), session };
}

const afterwards = (context: EndpointContext): string =>
  context.generation.config.signout_redirect_url ?? `${context.origin}${PATHS.signedOut}`;

/** Where to go on at the provider. The session is over already, so a provider that does not answer changes nothing. */
async function endAtProvider(
  idp: IdentityProvider,
  session: Session,
  context: EndpointContext,
  ports: EndpointPorts,
): Promise<string | undefined> {
  const { authOrigin } = context.generation;
  const back = authOrigin ?? { origin: context.origin, host: context.target.host };
  const state = sealJson(ports.sealer, 'confirm', { h: context.target.host }, stateContext(back.host));
  const [url] = await Promise.all([
    bestEffort(
      () => idp.endSessionUrl({ idToken: session.tokens.idToken, returnTo: `${back.origin}${PATHS.signedOut}`, state }),
      'the end-session endpoint of an identity provider is not known',
      ports.logger,
    ),
    bestEffort(
      () => idp.revokeTokens(session.tokens),
      'the tokens of an ended session could not be revoked at the identity provider',
      ports.logger,
    ),
  ]);
  return url;
}

/** Where an identity provider sends the browser back to. `state` tells on which host the sign-out began. */
export function signedOut(context: EndpointContext, ports: EndpointPorts): EndpointAnswer {
  const redirectUrl = context.generation.config.signout_redirect_url;
  const cookies = context.session === undefined ? [dropSessionCookie(context)] : [];
  const parsed = singleParameters(context.target.query, ['state']);
  const state = parsed.ok ? parsed.value.state : undefined;
  const fields =
    state === undefined ? undefined : openJson(ports.sealer, 'confirm', state, stateContext(context.target.host));
  // Only for who comes from the provider: the configured page may itself lead here.
  if (fields !== undefined && redirectUrl !== undefined) return redirect(redirectUrl, cookies);
  const host = fields === undefined ? undefined : textIn(fields, 'h');
  const origin = host === undefined ? undefined : originOfHost(context.generation, host);
  return signedOutPage(context, cookies, origin);
}

const signedOutPage = (
  context: EndpointContext,
  cookies: readonly string[],
  origin: string = context.origin,
): EndpointAnswer =>
  context.session === undefined
    ? pageAnswer(
        {
          title: 'Signed out',
          heading: ['You are signed out'],
          paragraphs: [{ text: ['Your session here is over.'] }],
          actions: [{ kind: 'link', href: `${origin}${PATHS.signIn}`, label: 'Sign in again' }],
          facts: [['Request', context.requestId]],
        },
        { cookies },
      )
    : pageAnswer({
        title: 'Signed in',
        heading: ['You are still signed in as ', { strong: nameOf(context.session) }],
        paragraphs: [{ text: ['The session of this browser on this host goes on.'] }],
        actions: [{ kind: 'link', href: PATHS.signOut, label: 'Sign out' }],
        facts: [['Request', context.requestId]],
      });
