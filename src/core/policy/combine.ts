/**
 * Combine: how the outcomes of criteria make the outcome of a block, and blocks that of an action. `and` all, `or` any, `not` none, `nor` not
 * all; blocks of one action are OR'ed. The reasons are those of the parts that made the result.
 *
 * In `and` false wins, in `or` true wins, then unknown. Between the two kinds of unknown the order is that of the action: what stays unknown
 * is not met for allow and met for deny, so a curable part of an allow rule matters only where it could still make the rule hold, and of a
 * deny rule only where it could still keep it from holding.
 */

import type { Test } from './criterion.ts';
import { criterionFailed } from './criterion.ts';
import type { PolicyFacts } from './facts.ts';
import type { Action, Operator } from './parse.ts';
import { noReasons, union } from './reasons.ts';
import type { Outcome, State } from './reasons.ts';
import { joinStepUps } from './step-up.ts';
import type { Joins } from './step-up.ts';

/** `cured`: how many of the parts that made a result a step-up must cure, so that the rule comes out as it should. */
type Ranks = { readonly [S in State]: number } & { readonly cured: Joins };

export const ranks: { readonly [A in Action]: { readonly all: Ranks; readonly any: Ranks } } = {
  allow: {
    all: { false: 3, unknown: 2, curable: 1, true: 0, cured: 'all' },
    any: { true: 3, curable: 2, unknown: 1, false: 0, cured: 'any' },
  },
  deny: {
    all: { false: 3, curable: 2, unknown: 1, true: 0, cured: 'any' },
    any: { true: 3, unknown: 2, curable: 1, false: 0, cured: 'all' },
  },
};

export const inverse: { readonly [S in State]: State } = {
  false: 'true',
  true: 'false',
  curable: 'curable',
  unknown: 'unknown',
};

export type CompiledBlock = {
  readonly at: string;
  readonly action: Action;
  readonly operator: Operator;
  readonly tests: readonly Test[];
};

/** An action without a block that says something: nothing matched. */
export type ActionOutcome = { readonly outcome: Outcome; readonly rule: string | undefined };

export const nothingMatched: ActionOutcome = { outcome: { state: 'false', reasons: noReasons }, rule: undefined };

/** INVARIANT: a criterion that throws is unknown, whatever the semantics: it never opens. */
export function runTest(test: Test, facts: PolicyFacts): Outcome {
  try {
    return test(facts);
  } catch {
    return criterionFailed;
  }
}

export function evaluateBlock(block: CompiledBlock, facts: PolicyFacts): Outcome {
  const { operator, action, tests } = block;
  const rank = operator === 'and' || operator === 'not' ? ranks[action].all : ranks[action].any;
  const isInverted = operator === 'not' || operator === 'nor';
  const meeting = isInverted === (action === 'deny') ? 'helps' : 'harms';
  let merged: Outcome | undefined;
  for (const test of tests) {
    const outcome = runTest(test, facts);
    merged = mergeOutcomes(merged, asPart(outcome, isInverted, meeting), rank);
  }
  return merged ?? nothingMatched.outcome;
}

/** `meeting`: whether what a criterion asks for brings a request nearer to being allowed; where not, no sign-in cures it. */
function asPart(outcome: Outcome, isInverted: boolean, meeting: 'helps' | 'harms'): Outcome {
  const { state, reasons, deviceType } = outcome;
  if (meeting === 'harms' && outcome.stepUp !== undefined)
    return {
      state: isInverted ? inverse[state] : state,
      reasons,
      ...(deviceType === undefined ? {} : { deviceType }),
    };
  return isInverted ? { ...outcome, state: inverse[state] } : outcome;
}

/** The OR of the blocks of one action, and the first block that made it. */
export function evaluateAction(blocks: readonly CompiledBlock[], facts: PolicyFacts): ActionOutcome {
  let merged: Outcome | undefined;
  let rule: string | undefined;
  for (const block of blocks) {
    const outcome = evaluateBlock(block, facts);
    const rank = ranks[block.action].any;
    if (merged === undefined || rank[outcome.state] > rank[merged.state]) rule = block.at;
    merged = mergeOutcomes(merged, outcome, rank);
  }
  return merged === undefined ? nothingMatched : { outcome: merged, rule };
}

export function mergeOutcomes(a: Outcome | undefined, b: Outcome, rank: Ranks): Outcome {
  if (a === undefined || rank[b.state] > rank[a.state]) return b;
  if (rank[b.state] < rank[a.state]) return a;
  const reasons = union(a.reasons, b.reasons);
  const deviceType = laterType(a.deviceType, b.deviceType);
  const stepUp = joinStepUps(rank.cured, a.stepUp, b.stepUp);
  if (reasons === a.reasons && deviceType === a.deviceType && stepUp === a.stepUp) return a;
  return {
    state: a.state,
    reasons,
    ...(deviceType === undefined ? {} : { deviceType }),
    ...(stepUp === undefined ? {} : { stepUp }),
  };
}

/** Of several device types that are asked for, the last in alphabetical order. */
function laterType(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}
