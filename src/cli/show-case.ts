/** How a judged case is shown: the same words in `doorward test` and `doorward explain`. */

import type { ExplainedRule } from '../core/cases/changes.ts';
import type { Route } from '../core/route/route.ts';
import { originText } from '../core/route/origin.ts';
import type { Truth } from '../core/policy/verdict.ts';
import type { JudgedCase } from '../judge-case.ts';

/** SECURITY: what others wrote must not steer a terminal. */
// eslint-disable-next-line no-control-regex -- these are the characters that steer one
export const shown = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\uFFFD');

export type Paint = (colour: 'red' | 'green' | 'yellow' | 'dim' | 'bold', text: string) => string;

/** ANSI SGR. */
const CODES = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;

export const painter =
  (color: boolean): Paint =>
  (colour, text) =>
    color ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;

const operatorWords: { readonly [operator in ExplainedRule['operator']]: string } = {
  and: 'all must hold',
  or: 'one must hold',
  not: 'none may hold',
  nor: 'not all may hold',
};

export const truthWord = (value: Truth): string =>
  value === undefined ? 'unknown' : value ? 'holds' : 'does not hold';

/** Each rule and, below it, its criteria with value and reasons; one line for each, indented by `indent`. */
export function ruleLines(rules: readonly ExplainedRule[], indent: string, paint: Paint): readonly string[] {
  return rules.flatMap((rule) => {
    const colour = colourOf(rule.value, rule.action === 'allow');
    return [
      `${indent}${paint('bold', rule.at)} (${operatorWords[rule.operator]}): ${paint(colour, truthWord(rule.value))}`,
      ...rule.criteria.map(
        ({ at, name, data, value, reasons }) =>
          `${indent}  ${at.slice(rule.at.length)} ${shown(name)}: ${shown(data)} -> ${truthWord(value)} (${reasons.join(', ')})`,
      ),
    ];
  });
}

const colourOf = (value: Truth, isGood: boolean): 'green' | 'red' | 'yellow' =>
  value === undefined ? 'yellow' : value === isGood ? 'green' : 'red';

/** `grafana: https://grafana.example.com, prefix /` */
export const routeText = (route: Route): string => `${route.id}: ${placeText(route)}`;

export function placeText({ origin, pattern }: Route): string {
  const path =
    pattern.kind === 'regex'
      ? `regex ${pattern.source}`
      : pattern.kind === 'path'
        ? `path ${pattern.path}`
        : `${pattern.kind} ${pattern.prefix}`;
  return `${originText(origin, origin.host)}, ${path}`;
}

/** As JSON output has it. */
export const judgedJson = (judged: JudgedCase): object => ({
  verdict: judged.verdict,
  detail: judged.detail,
  route: judged.route?.id,
  rule: judged.rule,
  reasons: judged.reasons,
  rules: judged.rules.map(({ value, criteria, ...rule }) => ({
    ...rule,
    value: value ?? 'unknown',
    criteria: criteria.map((criterion) => ({ ...criterion, value: criterion.value ?? 'unknown' })),
  })),
});
