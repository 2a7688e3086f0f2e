/** CompiledPolicy: closures made once per load. */

import type { FactName } from './fact-name.ts';
import type { PolicyFacts } from './facts.ts';
import type { Truth, Verdict, VerdictKind } from './verdict.ts';

/** What must be at hand before a policy can be evaluated; what it does not name is not decoded. */
export type Need = 'subject' | 'headers' | 'certificate' | 'body' | 'device' | 'risk';

/** One criterion as `explain` shows it. */
export type ExplainedCriterion = {
  /** e.g. `allow[0].or[1]` */
  readonly at: string;
  readonly name: string;
  /** The criterion's data as configured, JSON text. */
  readonly data: string;
  readonly value: Truth;
  readonly reasons: readonly string[];
};

/** Facts, as far as they are known: `lacks` names those whose value in `facts` means nothing. */
export type PartialFacts = { readonly facts: PolicyFacts; lacks(name: FactName): boolean };

export type Possible = {
  readonly kinds: ReadonlySet<VerdictKind>;
  /** What would have to be known for certainty; empty where only one kind is possible. In order of the policy. */
  readonly lacking: readonly FactName[];
};

export type CompiledPolicy = {
  readonly needs: ReadonlySet<Need>;
  /** Every fact that some criterion reads, each once. */
  readonly reads: readonly FactName[];
  /** True when some rule could be met by an anonymous request; decides nothing, serves warnings and pages. */
  readonly mayAllowAnonymous: boolean;
  /** True when some rule names `actor`; without it delegated requests are refused. */
  readonly namesActor: boolean;
  /** Pure; never throws. A criterion that throws counts as unknown with reason `criterion-error`. */
  evaluate(facts: PolicyFacts): Verdict;
  /** What it can come to where not all facts are known. */
  possible(partial: PartialFacts): Possible;
  /** The same evaluation with every criterion shown. */
  explain(facts: PolicyFacts): { readonly verdict: Verdict; readonly criteria: readonly ExplainedCriterion[] };
};
