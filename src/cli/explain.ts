/** `doorward explain`: what a described request comes to, why, and what would have to be otherwise for it to be allowed. */

import { CASE_INSTANT, type AccessCase } from '../core/cases/access-case.ts';
import { recordsOf } from '../core/cases/case-records.ts';
import type { Change } from '../core/cases/changes.ts';
import { passedOver, type PassedOver } from '../core/cases/passed-over.ts';
import type { Generation } from '../core/generation.ts';
import type { LocatedProblem } from '../core/problem.ts';
import type { Result } from '../core/result.ts';
import { judgeCase, type JudgedCase } from '../judge-case.ts';
import { formatProblems } from './format-problems.ts';
import { judgedJson, painter, placeText, routeText, ruleLines, shown, type Paint } from './show-case.ts';

type Problems = readonly LocatedProblem[];

export type ExplainCommand = {
  /** The case, from a file or from options. The error has a line for each problem. */
  readonly given: () => Promise<Result<AccessCase, readonly string[]>>;
  readonly load: () => Promise<Result<Generation, Problems>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly output: 'text' | 'json';
  readonly color: boolean;
};

/** Routes of the host that are named one by one. */
const PASSED_OVER_MAX = 20;

/** The exit code: 0 when it was explained, whatever the verdict; 2 when it could not be. */
export async function explainCommand(command: ExplainCommand): Promise<0 | 2> {
  const { write, writeError, output, color } = command;
  const cannot = (lines: readonly string[]): 2 => {
    if (output === 'json') write(`${JSON.stringify({ errors: lines }, undefined, 2)}\n`);
    else writeError(`${lines.join('\n')}\n`);
    return 2;
  };
  const given = await command.given();
  if (!given.ok) return cannot(given.error);
  const loaded = await command.load();
  if (!loaded.ok)
    return cannot(loaded.error.map((problem) => formatProblems([problem], { color: color && output === 'text' })));
  const records = recordsOf(given.value.records, loaded.value.config, given.value.time ?? CASE_INSTANT);
  if (!records.ok) return cannot([records.error]);
  const judged = judgeCase(given.value, loaded.value);
  if (judged.lacksTime)
    return cannot(['the policy looks at the time: say it, for example --time 2026-03-04T09:30:00Z']);
  const others = othersOf(judged, loaded.value);
  if (output === 'json') write(`${JSON.stringify(jsonOf(given.value, judged, others), undefined, 2)}\n`);
  else write(`${textOf(given.value, judged, others, painter(color)).join('\n')}\n`);
  return 0;
}

/** None where the request was refused before a route was looked for: none was passed over. */
const othersOf = ({ findings, route, verdict }: JudgedCase, { routes }: Generation): readonly PassedOver[] =>
  findings.target === undefined || verdict === 'bad-request'
    ? []
    : passedOver(findings.target, routes.routes, route, findings.pinned !== undefined);

const timeText = (now: number): string => new Date(now * 1000).toISOString();

function whoText({ subject }: AccessCase, { findings }: JudgedCase): string {
  if (subject === undefined) return 'nobody is signed in';
  const { session } = findings;
  const groups = subject.claims.get('groups');
  const details = [
    ...(subject.email === '' || subject.email === subject.user ? [] : [subject.email]),
    ...(groups === undefined ? [] : [`groups ${groups.map(String).join(', ')}`]),
    ...(session === undefined ? [] : [`by ${session.idp}`]),
  ];
  return `${subject.user}${details.length === 0 ? '' : ` (${details.join('; ')})`}`;
}

function textOf(given: AccessCase, judged: JudgedCase, others: readonly PassedOver[], paint: Paint): readonly string[] {
  const { method, authority, path, ip } = given.request;
  const { verdict, detail, route, rule, reasons, rules } = judged;
  const isAllowed = verdict === 'allow';
  const because = [...(rule === undefined ? [] : [rule]), ...reasons].join(', ');
  return [
    `request  ${shown(`${method} ${authority}${path}`)}${ip === '' ? '' : ` from ${shown(ip)}`}`,
    `subject  ${shown(whoText(given, judged))}`,
    ...(given.time === undefined ? [] : [`time     ${timeText(given.time)}`]),
    `route    ${route === undefined ? 'none' : shown(routeText(route))}`,
    ...others.slice(0, PASSED_OVER_MAX).map((other) => `         not ${shown(routeText(other.route))}: ${other.why}`),
    ...(others.length > PASSED_OVER_MAX ? [`         and ${others.length - PASSED_OVER_MAX} more of this host`] : []),
    ...ruleLines(rules, '  ', paint),
    `verdict  ${paint(isAllowed ? 'green' : 'red', verdict)}${because === '' ? '' : ` (${because})`}`,
    ...(detail === undefined ? [] : [`         ${shown(detail)}`]),
    ...(judged.upstream === undefined ? [] : toldLines(judged.upstream)),
    ...changeLines(judged, paint),
  ];
}

function toldLines({ set, remove }: NonNullable<JudgedCase['upstream']>): readonly string[] {
  return [
    ...set.map(([name, value], index) => `${index === 0 ? 'upstream' : '        '} ${shown(`${name}: ${value}`)}`),
    ...(remove.length === 0 ? [] : [`removed  ${remove.map(shown).join(', ')}`]),
  ];
}

/** What would have to be otherwise; of a request that no policy judged, the detail says it. */
function changeLines(judged: JudgedCase, paint: Paint): readonly string[] {
  const { verdict, route, rules, changes } = judged;
  if (verdict === 'allow' || route === undefined || judged.findings.verdict === undefined) return [];
  const lines = [
    ...(firstSteps[verdict] ?? []),
    ...changes.deny.map((change) => `${change.rule} must not hold: ${stepText(change, rules)}`),
    ...changes.allow.map(
      (change, index) => `${index === 0 ? '' : 'or '}${change.rule} must hold: ${stepText(change, rules)}`,
    ),
    ...(rules.some(({ action }) => action === 'allow') ? [] : ['some rule must allow: this route has none']),
  ];
  return [paint('bold', 'to be allowed'), ...lines.map((line) => `  - ${shown(line)}`)];
}

function stepText({ of, must, criteria }: Change, rules: JudgedCase['rules']): string {
  const named = rules
    .flatMap((rule) => rule.criteria)
    .filter(({ at }) => criteria.includes(at))
    .map(({ name, data }) => `${name} ${data}`);
  return `${named.join(of === 'each' ? ' and ' : ' or ')} must ${must}`;
}

const firstSteps: { readonly [verdict in JudgedCase['verdict']]?: readonly string[] } = {
  login: ['somebody must be signed in'],
  'step-up': ['whoever is signed in must show more: sign in anew, more strongly, or with a device'],
  certificate: ['the client must present a valid certificate'],
};

const jsonOf = (given: AccessCase, judged: JudgedCase, others: readonly PassedOver[]): object => ({
  request: { method: given.request.method, host: given.request.authority, path: given.request.path },
  subject: given.subject?.user ?? null,
  time: given.time === undefined ? undefined : timeText(given.time),
  ...judgedJson(judged),
  passed_over: others.map(({ route, why }) => ({ route: route.id, place: placeText(route), why })),
  to_be_allowed: judged.verdict === 'allow' ? { deny: [], allow: [] } : judged.changes,
  upstream: judged.upstream && { set: Object.fromEntries(judged.upstream.set), remove: judged.upstream.remove },
});
