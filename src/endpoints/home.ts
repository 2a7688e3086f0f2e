/** `/.doorward/`: who am I, until when, and the ways out. */

import { subjectOf } from '../core/facts.ts';
import type { Session } from '../core/session/session.ts';
import type { EpochSeconds } from '../core/units.ts';
import { pageAnswer } from './answers.ts';
import type { EndpointAnswer, EndpointContext } from './endpoint.ts';
import { signOutFormTargets } from './form-targets.ts';
import { PATHS } from './own-paths.ts';

/** Enough to recognise oneself; a directory may say hundreds. */
const GROUPS_SHOWN_MAX = 20;

const time = (at: EpochSeconds): string => `${new Date(at * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

export function home(context: EndpointContext): EndpointAnswer {
  return context.session === undefined ? signedOutHome(context) : signedInHome(context.session, context);
}

function signedInHome(session: Session, context: EndpointContext): EndpointAnswer {
  const groups = subjectOf(session).groups ?? [];
  const more = groups.length - GROUPS_SHOWN_MAX;
  const shown = groups.slice(0, GROUPS_SHOWN_MAX).join(', ');
  return pageAnswer({
    title: 'Who am I',
    heading: ['You are signed in as ', { strong: nameOf(session) }],
    paragraphs: [{ text: [`This session ends at ${time(session.expiresAt)} at the latest.`], quiet: true }],
    actions: [
      { kind: 'form', action: PATHS.signOut, label: 'Sign out', fields: [] },
      { kind: 'link', href: `${PATHS.signIn}?prompt=login`, label: 'Sign in as someone else' },
    ],
    facts: [
      ['User', session.subject],
      ...(session.email === '' ? [] : [['E-mail', session.email] as const]),
      ...(groups.length === 0 ? [] : [['Groups', more > 0 ? `${shown} and ${more} more` : shown] as const]),
      ['Provider', session.idp],
      ['Signed in', time(session.createdAt)],
      ['Request', context.requestId],
    ],
    formTargets: signOutFormTargets(context),
  });
}

/** The best name there is for a person. */
export const nameOf = (session: Session): string =>
  [session.name, session.email].find((name) => name !== '') ?? session.subject;

const signedOutHome = (context: EndpointContext): EndpointAnswer =>
  pageAnswer({
    title: 'Who am I',
    heading: ['You are not signed in'],
    paragraphs: [{ text: ['Nobody is signed in in this browser on this host.'] }],
    actions: [{ kind: 'link', href: PATHS.signIn, label: 'Sign in' }],
    facts: [['Request', context.requestId]],
  });
