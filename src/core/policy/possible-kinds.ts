/**
 * possibleKinds: every verdict that a policy can come to where some of the facts that it reads are not known. A criterion that lacks one may have
 * any outcome that it can give at all; each criterion is looked at for itself, so what is found may be too much, and is never too little.
 */

import type { PolicySemantics } from '../config.ts';
import { inverse, mergeOutcomes, nothingMatched, ranks, runTest } from './combine.ts';
import type { PartialFacts, Possible } from './compiled-policy.ts';
import type { Criterion } from './criterion.ts';
import { decideVerdict } from './decide-verdict.ts';
import type { FactName } from './fact-name.ts';
import type { LoadedBlock, LoadedCriterion } from './load.ts';
import type { Action } from './parse.ts';
import { reasonSet } from './reasons.ts';
import type { Outcome, ReasonSet, State } from './reasons.ts';
import type { VerdictKind } from './verdict.ts';

type Outcomes = readonly Outcome[];
type Found = { readonly outcomes: Outcomes; readonly lacking: readonly FactName[] };

export function possibleKinds(
  semantics: PolicySemantics,
  blocks: readonly LoadedBlock[],
  partial: PartialFacts,
): Possible {
  const allow = ofAction(blocks, 'allow', partial);
  const deny = ofAction(blocks, 'deny', partial);
  const kinds = new Set<VerdictKind>();
  for (const allowed of allow.outcomes)
    for (const denied of deny.outcomes)
      kinds.add(
        decideVerdict(semantics, { outcome: allowed, rule: undefined }, { outcome: denied, rule: undefined }).kind,
      );
  return { kinds, lacking: kinds.size === 1 ? [] : [...new Set([...allow.lacking, ...deny.lacking])] };
}

function ofAction(blocks: readonly LoadedBlock[], action: Action, partial: PartialFacts): Found {
  const found = blocks
    .filter((block) => block.action === action && block.criteria.length > 0)
    .map((block) => ofBlock(block, partial));
  return {
    outcomes: combined(
      found.map(({ outcomes }) => outcomes),
      ranks[action].any,
    ),
    lacking: found.flatMap(({ lacking }) => lacking),
  };
}

function ofBlock({ action, operator, criteria }: LoadedBlock, partial: PartialFacts): Found {
  const rank = operator === 'and' || operator === 'not' ? ranks[action].all : ranks[action].any;
  const isInverted = operator === 'not' || operator === 'nor';
  const found = criteria.map((loaded) => ofCriterion(loaded, partial));
  const outcomes = combined(
    found.map((each) =>
      isInverted ? each.outcomes.map((outcome) => ({ ...outcome, state: inverse[outcome.state] })) : each.outcomes,
    ),
    rank,
  );
  return { outcomes, lacking: outcomes.length === 1 ? [] : found.flatMap(({ lacking }) => lacking) };
}

function ofCriterion({ criterion, reads, test }: LoadedCriterion, partial: PartialFacts): Found {
  const lacking = reads.filter((name) => partial.lacks(name));
  return lacking.length === 0
    ? { outcomes: [reduced(runTest(test, partial.facts))], lacking }
    : { outcomes: everyOutcome(criterion), lacking };
}

/** All that can come of choosing one outcome from each part. */
function combined(parts: readonly Outcomes[], rank: Parameters<typeof mergeOutcomes>[2]): Outcomes {
  let merged: Outcomes | undefined;
  for (const part of parts)
    merged = merged === undefined ? part : distinct(merged.flatMap((a) => part.map((b) => mergeOutcomes(a, b, rank))));
  return merged ?? [nothingMatched.outcome];
}

const states: readonly State[] = ['true', 'false', 'curable', 'unknown'];

/** Only what is about who asks, or says so by its reason, can be cured. */
const everyOutcome = ({ reasons, isIdentity }: Criterion): Outcomes =>
  distinct(
    [...reasons, 'criterion-error'].flatMap((reason) => {
      const set = reasonSet([reason]);
      const isCurable = isIdentity || set.asksLogin || set.asksStepUp;
      return states
        .filter((state) => state !== 'curable' || isCurable)
        .map((state) => reduced({ state, reasons: set }));
    }),
  );

const distinct = (outcomes: Outcomes): Outcomes => [
  ...new Map(outcomes.map((outcome) => [`${outcome.state} ${outcome.reasons.list.join(' ')}`, outcome])).values(),
];

/** Only what a verdict's kind rests on, so that there are few different outcomes, however many reasons there are. */
const reduced = ({ state, reasons }: Outcome): Outcome => ({ state, reasons: reducedReasons(reasons) });

const reducedReasons = ({ list, asksLogin, asksStepUp, asksCertificate }: ReasonSet): ReasonSet =>
  asksLogin || asksStepUp || asksCertificate || list.includes('device-unauthorized')
    ? reasonSet(list.filter(decides))
    : reasonSet([]);

function decides(reason: string): boolean {
  const { asksLogin, asksStepUp, asksCertificate } = reasonSet([reason]);
  return asksLogin || asksStepUp || asksCertificate || reason === 'device-unauthorized';
}
