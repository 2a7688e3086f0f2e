/** Pages of a login: the choice of a provider, and each way in which a sign-in does not come about. Plain words first, facts last. */

import type { IdentityProvider } from '../../core/ports.ts';
import { pageAnswer } from '../answers.ts';
import type { EndpointAnswer, EndpointContext } from '../endpoint.ts';
import { PATHS } from '../own-paths.ts';

/** Why a login did not come about: what the user is told, and what audit and log are told. Neither holds client text. */
type LoginFailure = {
  readonly words: string;
  readonly detail: string;
};

export const loginFailures = {
  notOurs: {
    words:
      'This sign-in was not started in this browser, or it is finished already. Start again from the page that you want to see.',
    detail: 'no pending login of this browser belongs to the callback',
  },
  missingState: {
    words: 'The answer of the identity provider is incomplete.',
    detail: 'the callback has no state',
  },
  ambiguous: {
    words: 'The answer of the identity provider can be read in two ways.',
    detail: 'a parameter of the callback occurs twice, or the query is too long',
  },
  missingCode: {
    words: 'The answer of the identity provider is incomplete.',
    detail: 'the callback has neither code nor error',
  },
  wrongState: {
    words: 'The answer of the identity provider belongs to another sign-in.',
    detail: 'the state of the callback is not that of the pending login',
  },
  otherProvider: {
    words: 'Another identity provider answered than the one that was asked.',
    detail: 'the callback of one identity provider came with the state of another',
  },
  providerGone: {
    words: 'The identity provider of this sign-in is no longer in use here.',
    detail: 'the identity provider of the pending login is not configured',
  },
  tookTooLong: {
    words: 'This sign-in took too long. For your safety it has to be started again.',
    detail: 'the pending login has expired',
  },
  usedAlready: {
    words: 'This sign-in is finished already. It can be used only once.',
    detail: 'the pending login was used before',
  },
  accessDenied: {
    words: 'The sign-in was cancelled, or the identity provider did not permit it.',
    detail: 'the identity provider answered access_denied',
  },
  providerError: {
    words: 'The identity provider reported an error.',
    detail: 'the identity provider answered with an error',
  },
  providerRefused: {
    words: 'What the identity provider answered could not be verified.',
    detail: 'the identity provider refused the code, or its answer did not verify',
  },
  stepUpNotMet: {
    words:
      'The page asks for a more recent or a stronger sign-in than the identity provider reported. Sign in there again, in the way that the page asks for.',
    detail: 'the sign-in is not as recent or as strong as the step-up asked for',
  },
  revokedMeanwhile: {
    words: 'Sign-ins were ended while this one was under way. Start again.',
    detail: 'a revocation came between the beginning and the end of the login',
  },
  badTicket: {
    words: 'This link does not complete a sign-in here.',
    detail: 'the ticket is missing, was made for another host, or is not ours',
  },
  ticketExpired: {
    words: 'This sign-in took too long. For your safety it has to be started again.',
    detail: 'the ticket has expired',
  },
  ticketUsed: {
    words: 'This sign-in is finished already. It can be used only once.',
    detail: 'the ticket was used before',
  },
  sessionOver: {
    words: 'Your session was ended meanwhile. Sign in again.',
    detail: 'the session of the ticket is not live',
  },
  badAsk: {
    words: 'This sign-in link is damaged, or was made for another place.',
    detail: 'the ask is not ours, or not for this host',
  },
  hostGone: {
    words: 'The place that this sign-in was for is no longer served here.',
    detail: 'no route covers the host that asked',
  },
} as const satisfies Record<string, LoginFailure>;

export const loginFailedPage = (
  context: Pick<EndpointContext, 'requestId'>,
  failure: LoginFailure,
  options: {
    /** Where to start again: an absolute URL or a path of this host. */
    readonly retry?: string;
    readonly cookies?: readonly string[];
    /** More for audit and log. */
    readonly evidence?: string;
  } = {},
): EndpointAnswer =>
  pageAnswer(
    {
      title: 'Sign-in not completed',
      heading: ['The sign-in was not completed'],
      paragraphs: [{ text: [failure.words] }],
      actions: [{ kind: 'link', href: options.retry ?? PATHS.home, label: 'Try again' }],
      facts: [['Request', context.requestId]],
    },
    {
      code: 'login-failed',
      detail: options.evidence === undefined ? failure.detail : `${failure.detail}: ${options.evidence}`,
      cookies: options.cookies ?? [],
    },
  );

export const chooserPage = (
  context: Pick<EndpointContext, 'requestId' | 'target'>,
  idps: readonly IdentityProvider[],
  sealedAsk: string,
): EndpointAnswer =>
  pageAnswer({
    title: 'Sign in',
    heading: ['Sign in to ', { strong: context.target.host }],
    paragraphs: [{ text: ['Choose how you want to sign in.'] }],
    actions: idps.map((idp) => ({
      kind: 'link',
      href: `${PATHS.signIn}?${new URLSearchParams({ ask: sealedAsk, idp: idp.name }).toString()}`,
      label: idp.label,
    })),
    facts: [['Request', context.requestId]],
  });

export const noProviderPage = (context: Pick<EndpointContext, 'requestId'>): EndpointAnswer =>
  pageAnswer(
    {
      title: 'No way to sign in',
      heading: ['There is no way to sign in here'],
      paragraphs: [{ text: ['No identity provider is set up for this page. Ask whoever runs it.'] }],
      actions: [],
      facts: [['Request', context.requestId]],
    },
    { code: 'login-failed', detail: 'no configured identity provider is accepted here' },
  );

const goingRound = {
  login: {
    heading: 'You were signed in several times, but the browser comes back without it',
    why: 'Usually the browser does not keep the cookie of this host: cookies may be blocked, or the host is used under another address than the configured one.',
    detail: 'too many completed logins in a short time',
  },
  stepUp: {
    heading: 'You signed in several times, and are asked to sign in once more',
    why: 'You are signed in. Usually two pages ask for sign-ins of different kinds, of which the provider keeps one, or a page asks for one that is more recent than the way back takes.',
    detail: 'too many completed logins in a short time, and a step-up after each',
  },
} as const;

export const goingRoundPage = (
  context: Pick<EndpointContext, 'requestId'>,
  options: { readonly retry: string; readonly isStepUp: boolean },
): EndpointAnswer => {
  const { heading, why, detail } = options.isStepUp ? goingRound.stepUp : goingRound.login;
  return pageAnswer(
    {
      title: 'Signed in, again and again',
      heading: [heading],
      paragraphs: [
        {
          text: [
            'Each sign-in succeeded, and then this page asked for another one. It stopped here instead of going on for ever.',
          ],
        },
        { text: [why], quiet: true },
      ],
      actions: [{ kind: 'link', href: options.retry, label: 'Try once more' }],
      facts: [['Request', context.requestId]],
    },
    { code: 'login-failed', detail },
  );
};

/** Between the identity provider and the page, where the session cookie is `SameSite=Strict`: only a navigation from here carries it. */
export const goOnPage = (location: string, cookies: readonly string[]): EndpointAnswer =>
  pageAnswer(
    {
      title: 'Signed in',
      heading: ['You are signed in'],
      paragraphs: [{ text: ['The page that you wanted to see comes next.'] }],
      actions: [{ kind: 'link', href: location, label: 'Go on' }],
      facts: [],
    },
    { cookies, headers: [['refresh', `0;url=${location}`]] },
  );
