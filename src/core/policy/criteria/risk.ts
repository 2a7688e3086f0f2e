/**
 * `risk`: how risky transmitters of security events say that the subject is, at most: `low` or `medium`, or `{max, unknown}`. `unknown` is the level
 * of whom nobody has said anything; without it that is unknown, in both semantics.
 * Reasons: risk-ok, risk-too-high, risk-unknown, user-unauthenticated. Source: docs/policy-language.md "risk".
 */

import type { Tree } from '../../problem.ts';
import { isAbove, isRiskLevel, type RiskLevel } from '../../signals/user-fact.ts';
import type { DataParser, LoadContext } from '../criterion.ts';
import { criterion, outcome, withoutSubject } from '../criterion.ts';
import { LOGIN_REASON } from '../reasons.ts';
import { isObject, kindOf } from '../tree.ts';

type RiskLimit = { readonly max: RiskLevel; readonly unknown: RiskLevel | undefined };

const riskLimit: DataParser<RiskLimit> = {
  form: 'risk limit',
  parse(data, context) {
    if (!isObject(data)) {
      const max = parseMax(data, context, []);
      return max && { max, unknown: undefined };
    }
    for (const key of Object.keys(data))
      if (key !== 'max' && key !== 'unknown')
        context.error([...context.path, key], `\`${key}\` says nothing about a risk: use max, unknown`);
    const max = parseMax(data['max'] ?? null, context, ['max']);
    const { unknown } = data;
    if (unknown !== undefined && !isRiskLevel(unknown)) {
      context.error([...context.path, 'unknown'], `expected low, medium or high, not ${shown(unknown)}`);
      return undefined;
    }
    return max && { max, unknown };
  },
};

/** Nobody is above `high`. */
function parseMax(data: Tree, context: LoadContext, at: readonly string[]): RiskLevel | undefined {
  if (data === 'low' || data === 'medium') return data;
  context.error([...context.path, ...at], `say the highest risk that is taken, low or medium, not ${shown(data)}`);
  return undefined;
}

const shown = (data: Tree): string => (isRiskLevel(data) ? data : kindOf(data));

const ok = outcome('true', 'risk-ok');
const tooHigh = outcome('false', 'risk-too-high');
const notKnown = outcome('unknown', 'risk-unknown');

export const risk = criterion({
  name: 'risk',
  data: riskLimit,
  needs: ['subject', 'risk'],
  reads: ['user', 'risk'],
  reasons: ['risk-ok', 'risk-too-high', 'risk-unknown', LOGIN_REASON],
  isIdentity: true,
  compile: ({ max, unknown }, { semantics }) => {
    const noSubject = withoutSubject(semantics);
    const unsaid = unknown === undefined ? notKnown : isAbove(unknown, max) ? tooHigh : ok;
    return (facts) => {
      if (facts.subject === undefined) return noSubject;
      const known = facts.risk;
      if (known !== undefined && isAbove(known.level, max)) return tooHigh;
      return known?.isSaid === true ? ok : unsaid;
    };
  },
});
