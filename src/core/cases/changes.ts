/** changesToAllow: what would have to be otherwise for a policy to allow, read off the criteria that it was judged by. */

import type { ExplainedCriterion } from '../policy/compiled-policy.ts';
import type { Action, Operator } from '../policy/parse.ts';
import type { Truth } from '../policy/verdict.ts';

/** The criteria of one operator of one rule. */
export type ExplainedRule = {
  /** e.g. `allow[0].or` */
  readonly at: string;
  readonly action: Action;
  readonly operator: Operator;
  readonly value: Truth;
  readonly criteria: readonly ExplainedCriterion[];
};

export type Change = {
  readonly rule: string;
  /** What the rule must come to. */
  readonly rule_must: 'hold' | 'not hold';
  /** How many of `criteria`. */
  readonly of: 'each' | 'one';
  readonly must: 'hold' | 'not hold';
  /** Their places. */
  readonly criteria: readonly string[];
};

export function explainedRules(criteria: readonly ExplainedCriterion[]): readonly ExplainedRule[] {
  const byRule = new Map<string, ExplainedCriterion[]>();
  for (const criterion of criteria) {
    const rule = criterion.at.replace(/\[\d+\]$/, '');
    const known = byRule.get(rule);
    if (known === undefined) byRule.set(rule, [criterion]);
    else known.push(criterion);
  }
  return [...byRule].map(([at, ofRule]) => {
    const operator = operatorOf(at);
    // Of the rules that the configuration itself brings, only the default deny of `downstream_mtls` denies.
    const action = at.startsWith('deny[') || at === 'downstream_mtls' ? 'deny' : 'allow';
    return { at, action, operator, value: valueOf(operator, ofRule), criteria: ofRule };
  });
}

const operators: readonly Operator[] = ['and', 'not', 'nor'];

/** Rules of the configuration itself name none; they are an `or`. */
const operatorOf = (rule: string): Operator => operators.find((operator) => rule.endsWith(`.${operator}`)) ?? 'or';

function valueOf(operator: Operator, criteria: readonly ExplainedCriterion[]): Truth {
  const isInverted = operator === 'not' || operator === 'nor';
  const values = criteria.map(({ value }) => (isInverted && value !== undefined ? !value : value));
  const decides = operator === 'or' || operator === 'nor';
  if (values.includes(decides)) return decides;
  return values.includes(undefined) ? undefined : !decides;
}

/** First the deny rules, each of which must not hold; then the allow rules, one of which must. Empty where none is in the way. */
export function changesToAllow(rules: readonly ExplainedRule[]): {
  readonly deny: readonly Change[];
  readonly allow: readonly Change[];
} {
  const deny = rules.filter(({ action, value }) => action === 'deny' && value !== false);
  const allow = rules.filter(({ action }) => action === 'allow');
  return {
    deny: deny.map((rule) => changeOf(rule, false)),
    allow: allow.some(({ value }) => value === true) ? [] : allow.map((rule) => changeOf(rule, true)),
  };
}

/** `and` and `not` hold by each of their criteria, `or` and `nor` by one; for them not to hold it is the other way round. */
function changeOf({ at, operator, criteria }: ExplainedRule, wanted: boolean): Change {
  const criterionMust = (operator === 'and' || operator === 'or') === wanted;
  const isByEach = operator === 'and' || operator === 'not';
  return {
    rule: at,
    rule_must: wanted ? 'hold' : 'not hold',
    of: isByEach === wanted ? 'each' : 'one',
    must: criterionMust ? 'hold' : 'not hold',
    criteria: criteria.filter(({ value }) => value !== criterionMust).map((criterion) => criterion.at),
  };
}
