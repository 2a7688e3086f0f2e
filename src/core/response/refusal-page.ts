/** The page of a refusal: for people, in plain words; who they are, what is missing, what they can do, and last the facts for their helpdesk. */

import type { ExplainedCriterion } from '../policy/compiled-policy.ts';
import type { Reason } from '../policy/verdict.ts';
import type { Session } from '../session/session.ts';
import type { Page, PageAction, PageText } from './page.ts';
import { refusalCodes } from './refusal-codes.ts';
import type { Refusal } from './refusal.ts';
import { HOME_PATH, showsDetails, shownReason, shownReasons, shownRule, signInPath } from './refusal.ts';

/** What a reason means to the person who reads it. Reasons that are not here are shown by their code alone. */
const WORDS: ReadonlyMap<Reason, string> = new Map([
  ['user-unauthenticated', 'Nobody is signed in.'],
  ['user-unauthorized', 'This page is for other accounts than yours.'],
  ['email-unauthorized', 'This page is for other e-mail addresses than yours.'],
  ['domain-unauthorized', 'This page is for e-mail addresses of another domain than yours.'],
  ['groups-unauthorized', 'Your account is in none of the groups that this page is for.'],
  ['claim-unauthorized', 'Your account lacks something that this page asks for.'],
  ['source-ip-unauthorized', 'This page cannot be reached from the network that you are in.'],
  ['http-method-unauthorized', 'This page allows other kinds of requests only.'],
  ['http-path-unauthorized', 'This part of the site is not open to you.'],
  ['auth-age-exceeded', 'This page asks for a more recent sign-in.'],
  ['acr-insufficient', 'This page asks for a stronger sign-in.'],
  ['risk-too-high', 'Your account or device is seen as too great a risk for this page.'],
  ['risk-unknown', 'It is not known how great a risk your account is, and this page asks for it.'],
  ['device-unauthenticated', 'This page asks for a known device.'],
  ['device-unauthorized', 'This device is not approved for this page.'],
  ['client-certificate-required', 'This page asks for a client certificate, and none was sent.'],
  ['client-certificate-unauthorized', 'This page is for other client certificates than yours.'],
  ['invalid-client-certificate', 'The client certificate that was sent is not valid here.'],
  ['criterion-error', 'A rule of this page could not be evaluated.'],
]);

/** Codes that tell something about a person who is signed in. */
const isPersonal = ({ code }: Refusal): boolean => code === 'forbidden' || code === 'device-unauthorized';

export function refusalPage(refusal: Refusal): Page {
  const { title, advice } = refusalCodes[refusal.code];
  const { findings } = refusal;
  const host = findings?.target?.host;
  return {
    title: host === undefined ? title : `${title} · ${host}`,
    heading: headingOf(refusal),
    paragraphs: [...explanationOf(refusal), { text: [advice], quiet: true }],
    actions: actionsOf(refusal),
    facts: factsOf(refusal),
  };
}

function headingOf(refusal: Refusal): PageText {
  const session = refusal.findings?.session;
  if (session === undefined || !isPersonal(refusal)) return [refusalCodes[refusal.code].title];
  const groups = groupsWanted(refusal);
  if (groups.length === 0) return [`${nameOf(session)}, you have no access to this page`];
  const word = groups.length === 1 ? 'the group ' : 'the groups ';
  return [`${nameOf(session)}, this page is for ${word}`, ...enumerate(groups)];
}

/** `a`, `a or b`, `a, b or c`, each emphasised. */
const enumerate = (names: readonly string[]): PageText =>
  names.flatMap((name, index) => {
    const separator = index === 0 ? [] : [index === names.length - 1 ? ' or ' : ', '];
    return [...separator, { strong: name }];
  });

function explanationOf(refusal: Refusal): Page['paragraphs'] {
  const session = refusal.findings?.session;
  const whoAmI =
    session === undefined || !isPersonal(refusal)
      ? []
      : [{ text: ['You are signed in as ', { strong: session.email === '' ? session.subject : session.email }, '.'] }];
  const words = shownReasons(refusal).flatMap((reason) => WORDS.get(reason) ?? []);
  const detail = words.length === 0 && shownReasons(refusal).length === 0 ? shownReason(refusal) : undefined;
  return [
    ...whoAmI,
    ...(words.length === 0 ? [] : [{ text: [words.join(' ')] }]),
    ...(detail === undefined ? [] : [{ text: [sentence(detail)] }]),
  ];
}

const sentence = (words: string): string => `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;

function actionsOf(refusal: Refusal): readonly PageAction[] {
  const { code, findings } = refusal;
  const home: PageAction = { kind: 'link', href: HOME_PATH, label: 'My access' };
  const signIn = (label: string, prompt?: 'login'): readonly PageAction[] => {
    const href = signInPath(refusal, prompt);
    return href === undefined ? [] : [{ kind: 'link', href, label }];
  };
  switch (code) {
    case 'login-required':
      return signIn('Sign in');
    case 'step-up-required':
      return signIn('Sign in again', 'login');
    case 'forbidden':
    case 'device-unauthorized':
      return findings?.session === undefined ? [] : [...signIn('Sign in as someone else', 'login'), home];
    default:
      return [];
  }
}

function factsOf(refusal: Refusal): Page['facts'] {
  const { findings, requestId, now } = refusal;
  const target = findings?.target;
  const rule = shownRule(refusal);
  const reasons = shownReasons(refusal);
  return [
    ...(target === undefined ? [] : [['Page', `${target.host}${target.path}`] as const]),
    ...(rule === undefined ? [] : [['Rule', rule] as const]),
    ...(reasons.length === 0 ? [] : [['Reason', reasons.join(', ')] as const]),
    ['Request', requestId],
    ['Time', `${new Date(now * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`],
  ];
}

const nameOf = ({ name, email, subject }: Session): string =>
  [name, email].find((candidate) => candidate !== '') ?? subject;

/** More would be no heading; and where so many groups have access, naming them helps nobody. */
const GROUPS_NAMED_MAX = 3;

/** The groups that would have opened the page, where it is plain that only a group is missing; else none. */
function groupsWanted({ findings, criteria = [] }: Refusal): readonly string[] {
  if (!showsDetails(findings)) return [];
  const missing = criteria.filter(({ at, value }) => at.startsWith('allow') && value === false);
  const isPlain = missing.every(({ at, name }) => name === 'groups' && !/\.(?:not|nor)\b/.test(at));
  const groups = isPlain ? missing.flatMap(groupsOf) : [];
  return groups.length <= GROUPS_NAMED_MAX ? [...new Set(groups)] : [];
}

/** `{"has":"sre"}`, `{"is":"sre"}`, `{"in":["sre","ops"]}`; other matchers name no group. */
function groupsOf({ data }: ExplainedCriterion): readonly string[] {
  const wanted: unknown = JSON.parse(data);
  if (typeof wanted === 'string') return [wanted];
  if (typeof wanted !== 'object' || wanted === null) return [];
  const values: readonly unknown[] = Object.entries(wanted).flatMap(([matcher, value]: [string, unknown]) =>
    ['has', 'is', 'in'].includes(matcher) ? value : [],
  );
  return values.filter((value) => typeof value === 'string');
}
