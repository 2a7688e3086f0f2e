/**
 * Where `strict` and `pomerium` could decide differently for a loaded policy. What could open is a warning at its place. What only changes
 * how a request is refused, or concerns requests that hardly occur, is one notice for the whole policy.
 * Criteria report of themselves what only they know (LoadContext.differs).
 */

import type { Tree } from '../problem.ts';
import { anonymousFacts } from './anonymous.ts';
import { runTest } from './combine.ts';
import type { PolicyFacts, Subject } from './facts.ts';
import { createLoader } from './load.ts';
import type { LoadedBlock, LoadedCriterion, LoadOptions } from './load.ts';
import type { Action, Operator } from './parse.ts';
import type { Report } from './report.ts';
import { createSilentReport } from './report.ts';
import { isObject } from './tree.ts';

export function warnOfDifferences(blocks: readonly LoadedBlock[], options: LoadOptions, report: Report): void {
  for (const body of bodies(blocks)) reportSeveralOperators(body, report);
  const allowing = blocks.filter(({ action, criteria }) => action === 'allow' && criteria.length > 0);
  const holds = createPomeriumTest(options);
  for (const block of blocks) {
    for (const loaded of block.criteria) warnOfCriterion(loaded, block, holds, report);
    warnOfIdentity(block, allowing, report);
  }
  noticeRareRequests(blocks, report);
}

const isInverted = (operator: Operator): boolean => operator === 'not' || operator === 'nor';

/** `allow[0].or` -> `allow[0].`: the body that a block belongs to. */
const bodyOf = ({ at, operator }: LoadedBlock): string => at.slice(0, -operator.length);

/** Blocks by the body that they stand in; those of one body follow each other. */
function bodies(blocks: readonly LoadedBlock[]): readonly (readonly LoadedBlock[])[] {
  const grouped: LoadedBlock[][] = [];
  for (const block of blocks) {
    const last = grouped.at(-1);
    const previous = last?.at(-1);
    if (last !== undefined && previous !== undefined && block.at.includes('.') && bodyOf(previous) === bodyOf(block))
      last.push(block);
    else grouped.push([block]);
  }
  return grouped;
}

/** The operators of one body are OR'ed, which is not how it reads: `strict` wants it written out. */
function reportSeveralOperators(body: readonly LoadedBlock[], report: Report): void {
  const [first, second] = body;
  if (first === undefined || second === undefined) return;
  const names = body.map(({ operator }) => `\`${operator}\``).join(' and ');
  report.strictly(
    first.path.slice(0, -1),
    `${names} stand in one rule, and one of them would be enough. Write either ${eitherRule(body)} (one is enough), or ${bothRules(body, first.action)} (all must hold)`,
  );
}

/** Longest list that a message quotes. */
const QUOTE_CHARS_MAX = 300;

const quote = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > QUOTE_CHARS_MAX ? '[...]' : text;
};

const dataOf = ({ name, data }: LoadedCriterion): { readonly [key: string]: Tree } => ({ [name]: data });
const listOf = (block: LoadedBlock): readonly unknown[] => block.criteria.map(dataOf);

/** The same meaning, one operator to a rule. */
const eitherRule = (body: readonly LoadedBlock[]): string =>
  `[${body.map((block) => `{${block.action}: {${block.operator}: ${quote(listOf(block))}}}`).join(', ')}]`;

/**
 * All operators at once. What is negated moves to the other action of the route; the positive criteria become `and` rules, one for each
 * choice among those of `or`.
 */
function bothRules(body: readonly LoadedBlock[], action: Action): string {
  const criteriaOf = (operator: Operator): readonly LoadedCriterion[] =>
    body.find((block) => block.operator === operator)?.criteria ?? [];
  if (action === 'deny')
    return `one {deny: {and: [...]}} that holds the criteria of ${body.map(({ operator }) => `\`${operator}\``).join(' and ')}, each negated one with the opposite matcher (\`not\`, \`not_in\`, \`exclude\`)`;
  const and = criteriaOf('and').map(dataOf);
  const or = criteriaOf('or').map(dataOf);
  const choices = or.length === 0 ? [and] : or.map((choice) => [...and, choice]);
  const allow = choices.map((choice) => `{allow: {and: ${quote(choice.length === 0 ? [{ accept: true }] : choice)}}}`);
  const not = criteriaOf('not').map(dataOf);
  const nor = criteriaOf('nor').map(dataOf);
  const deny = [
    ...(not.length === 0 ? [] : [`{deny: {or: ${quote(not)}}}`]),
    ...(nor.length === 0 ? [] : [`{deny: {and: ${quote(nor)}}}`]),
  ];
  return `[${[...allow, ...deny].join(', ')}]`;
}

/** Criteria about how somebody signed in. */
const signIn: ReadonlySet<string> = new Set(['auth_age', 'acr']);

const hasSignIn = (criteria: readonly LoadedCriterion[]): boolean =>
  criteria.some(({ criterion }) => signIn.has(criterion.name));

/** What a request may lack so that these criteria lead to a login or a step-up. */
const lacking = (criteria: readonly LoadedCriterion[]): string =>
  hasSignIn(criteria)
    ? 'without identity (or device), or whose sign-in is too old or too weak,'
    : 'without identity (or device)';

const asked = (criteria: readonly LoadedCriterion[]): string => (hasSignIn(criteria) ? 'login or a step-up' : 'login');

/** Somebody without a device. */
const someone: Subject = {
  kind: 'human',
  userId: 'someone',
  issuer: '',
  email: 'someone@example.com',
  name: '',
  groups: [],
  sessionClaims: new Map(),
  userClaims: new Map(),
  authTime: undefined,
  acr: undefined,
  actors: [],
};

type HoldsUnderPomerium = (loaded: LoadedCriterion, facts: PolicyFacts) => boolean;

function warnOfCriterion(loaded: LoadedCriterion, block: LoadedBlock, holds: HoldsUnderPomerium, report: Report): void {
  const { criterion, isIdentity, path } = loaded;
  if (isIdentity) {
    if (holds(loaded, anonymousFacts))
      report.warn(path, 'for a request without identity this is unknown under `strict`, and holds under `pomerium`');
    else if (criterion.needs.includes('device') && holds(loaded, { ...anonymousFacts, subject: someone }))
      report.warn(path, 'without a device this is unknown under `strict`, and holds under `pomerium`');
  }
  if (criterion.name === 'mcp_tool' && (block.action === 'deny' || isInverted(block.operator)))
    report.warn(
      path,
      'a message that is absent, cut short or unreadable is unknown under `strict`, and is no tool call under `pomerium`',
    );
  if (criterion.name === 'invalid_client_certificate' && block.action === 'deny' && isInverted(block.operator))
    report.warn(
      path,
      'under `pomerium` an invalid certificate is refused with status 495 by its reason alone; under `strict` this rule does not refuse it',
    );
  if (signIn.has(criterion.name) && (block.action === 'allow') === isInverted(block.operator))
    report.warn(
      path,
      `\`${criterion.name}\` lets nobody in here: whoever does not meet it is refused for want of a step-up, and whoever meets it gains nothing. Write \`allow\` with \`and\` or \`or\`, or \`deny\` with \`not\` or \`nor\``,
    );
  if (criterion.name === 'reject' && block.action === 'deny' && !isInverted(block.operator))
    report.warn(path, '`reject` never holds, so it denies nothing here: write `accept` to deny always');
}

/** A criterion is loaded once more where it was loaded under the other semantics. */
function createPomeriumTest(options: LoadOptions): HoldsUnderPomerium {
  if (options.semantics === 'pomerium') return ({ test }, facts) => runTest(test, facts).state === 'true';
  const load = createLoader({ ...options, semantics: 'pomerium' }, createSilentReport());
  return ({ at, criterion, subPath, data, path }, facts) => {
    const again = load({ at, name: criterion.name, subPath, data, path });
    return again !== undefined && runTest(again.test, facts).state === 'true';
  };
}

/** Under `pomerium` the reason of a criterion that lacks identity leads to a login even from a rule that cannot hold, or that does hold. */
function warnOfIdentity(block: LoadedBlock, allowing: readonly LoadedBlock[], report: Report): void {
  const { action, operator, criteria, path } = block;
  const identity = criteria.find(({ isIdentity }) => isIdentity);
  if (identity === undefined) return;
  const isAmongOthers = criteria.length > 1;
  const hasOtherBlocks = allowing.some((other) => other !== block);
  if (action === 'allow' && isInverted(operator) && ((operator === 'nor' && isAmongOthers) || hasOtherBlocks))
    report.warn(
      path,
      `a request ${lacking(criteria)} that is allowed by something else is allowed under \`strict\`; under \`pomerium\` \`${identity.name}\` in \`${operator}\` still asks for a ${asked(criteria)}`,
    );
  if (action === 'deny' && operator === 'and' && isAmongOthers)
    report.warn(
      path,
      `a request ${lacking(criteria)} that another criterion of this \`and\` exempts is not denied under \`strict\`; under \`pomerium\` \`${identity.name}\` still asks for a ${asked(criteria)}`,
    );
}

function noticeRareRequests(blocks: readonly LoadedBlock[], report: Report): void {
  const kinds = rareRequests(blocks);
  const place = blocks.find(({ criteria }) => criteria.length > 0);
  if (kinds.length === 0 || place === undefined) return;
  report.notice(place.path, `\`strict\` and \`pomerium\` decide differently on these requests: ${kinds.join('; ')}`);
}

/** Operators that hold only for a text that stands in the policy. */
const exactOperators = new Set(['is', 'in']);

const isExact = (data: Tree): boolean =>
  !isObject(data) || Object.keys(data).every((operator) => exactOperators.has(operator));

/** Labels are written by whoever writes the policy, and are UTF-8. */
const comparesRequestText = ({ criterion }: LoadedCriterion): boolean =>
  (criterion.form === 'string matcher' && criterion.name !== 'label') || criterion.name === 'http_query';

const httpNames: ReadonlySet<string> = new Set(['http_method', 'http_path', 'cors_preflight', 'header', 'http_query']);

/** Unknown under both semantics where they cannot be judged: several lines of a header, a failed expression, a record that is too old. */
const unknownInBoth: ReadonlySet<string> = new Set(['header', 'http_query', 'cel', 'record']);

function rareRequests(blocks: readonly LoadedBlock[]): readonly string[] {
  const kinds = new Set<string>();
  const all = blocks.flatMap((block) => block.criteria.map((loaded) => ({ loaded, block })));
  const hasIdentity = all.some(({ loaded }) => loaded.isIdentity);
  const criteria = all.map(({ loaded }) => loaded);
  const without = hasSignIn(criteria)
    ? 'without identity or device, or whose sign-in is too old or too weak,'
    : 'without identity or device,';
  const hasDeny = blocks.some(({ action, criteria }) => action === 'deny' && criteria.length > 0);
  if (hasIdentity && hasDeny)
    kinds.add(`${without} but denied anyway: \`strict\` refuses, \`pomerium\` asks for a ${asked(criteria)} first`);
  // A reason that leads to status 495 under one semantics may be hidden by something unknown under the other.
  const mayRefuseCertificate = all.some(
    ({ loaded, block }) => loaded.criterion.name === 'invalid_client_certificate' && isInverted(block.operator),
  );
  for (const { loaded, block } of all) {
    const { criterion, isIdentity, data } = loaded;
    const isPlain = block.action === 'allow' && !isInverted(block.operator) && !mayRefuseCertificate;
    if (isIdentity && block.operator === 'and' && block.criteria.length > 1)
      kinds.add(
        `${without} but refused by another criterion of the same \`and\`: \`strict\` refuses, \`pomerium\` asks for a ${asked(criteria)}`,
      );
    if (hasIdentity && all.length > 1 && unknownInBoth.has(criterion.name))
      kinds.add(
        `${without} and for which \`${criterion.name}\` cannot be judged: one semantics asks for a ${asked(criteria)} where the other refuses`,
      );
    // What does not match asks for a step-up, and what cannot be compared does not.
    const asksUnlessEqual = criterion.name === 'acr';
    if (asksUnlessEqual || (comparesRequestText(loaded) && !(isPlain && isExact(data))))
      kinds.add('with a text that is not UTF-8: unknown under `strict`');
    if (criterion.name === 'domain')
      kinds.add('of a user whose e-mail address has more than one `@`: unknown under `strict`');
    if (criterion.name === 'source_ip' && !isPlain)
      kinds.add('whose client address is not known: unknown under `strict`');
    if (criterion.name === 'mcp_tool' && !isPlain)
      kinds.add('whose MCP message cannot be read: unknown under `strict`');
    if (criterion.name.startsWith('ssh_'))
      kinds.add('that are not SSH: unknown under `strict`, an empty name and key under `pomerium`');
    if (httpNames.has(criterion.name) && !isPlain)
      kinds.add('that are not HTTP: unknown under `strict`, empty under `pomerium`');
  }
  return [...kinds];
}
