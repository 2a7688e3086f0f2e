/**
 * compilePolicy: parse -> validate -> compile. From the tree of a policy and the flags of its route to closures, once per load; or to every
 * problem there is, each with its place.
 */

import type { PolicySemantics } from '../config.ts';
import type { Problem, Tree, TreePath } from '../problem.ts';
import { err, ok } from '../result.ts';
import type { Result } from '../result.ts';
import type { ChangeWindows } from './change-window.ts';
import { evaluateAction, runTest } from './combine.ts';
import type { CompiledBlock } from './combine.ts';
import type { CompiledPolicy, ExplainedCriterion, Need } from './compiled-policy.ts';
import { decideVerdict } from './decide-verdict.ts';
import { warnOfDifferences } from './differences.ts';
import type { FactName } from './fact-name.ts';
import type { PolicyFacts } from './facts.ts';
import { loadBlocks } from './load.ts';
import type { LoadedBlock } from './load.ts';
import { parsePolicy } from './parse.ts';
import type { Block } from './parse.ts';
import { possibleKinds } from './possible-kinds.ts';
import { ruleResult } from './reasons.ts';
import { createReport } from './report.ts';
import type { Report } from './report.ts';
import { blocksOfFlags } from './route-flags.ts';
import type { RecordSourceRules } from './records.ts';
import type { RouteFlags } from './route-flags.ts';
import { couldAllowAnonymous } from './anonymous.ts';

export type PolicySource = {
  /** As it stands in the configuration; undefined = the route has no `policy`. */
  readonly policy: Tree | undefined;
  /** Where `policy` stands, or would stand: below its route. */
  readonly path: TreePath;
  readonly semantics: PolicySemantics;
  readonly flags: RouteFlags;
  /** Adds the rule `deny: {or: [invalid_client_certificate: true]}` (`downstream_mtls.enforcement: policy_with_default_deny`). */
  readonly denyInvalidCertificate: boolean;
  /** Whether a CA is configured against which client certificates of this route are validated. */
  readonly hasClientCa: boolean;
  readonly changeWindows: ChangeWindows;
  /** undefined = there are none. */
  readonly recordSources?: RecordSourceRules;
  /** Labels of the route. */
  readonly labels: ReadonlyMap<string, string>;
  /** Request headers, in lower case, that Doorward sets for the application on this route. */
  readonly ownHeaders: ReadonlySet<string>;
};

export type PolicyResult = { readonly policy: CompiledPolicy; readonly warnings: readonly Problem[] };

/** The error holds every problem, warnings too; at least one of them is an error. */
export function compilePolicy(source: PolicySource): Result<PolicyResult, readonly Problem[]> {
  const report = createReport(source.semantics);
  const loaded = loadSource(source, report);
  warnOfDifferences(loaded, source, report);
  const { problems } = report;
  if (problems.some(({ severity }) => severity === 'error')) return err(problems);
  return ok({ policy: createPolicy(loaded, source), warnings: problems });
}

function loadSource(source: PolicySource, report: Report): readonly LoadedBlock[] {
  const { path, policy } = source;
  const blocks = [
    ...blocksOfFlags(source.flags, path.slice(0, -1)),
    ...(policy === undefined ? [] : parsePolicy(policy, path, report)),
    ...(source.denyInvalidCertificate ? [defaultDeny(path)] : []),
  ];
  return loadBlocks(blocks, source, report);
}

const defaultDeny = (path: TreePath): Block => ({
  at: 'downstream_mtls',
  action: 'deny',
  operator: 'or',
  criteria: [{ at: 'downstream_mtls', name: 'invalid_client_certificate', subPath: undefined, data: true, path }],
  path,
});

function createPolicy(loaded: readonly LoadedBlock[], source: PolicySource): CompiledPolicy {
  const needs = new Set<Need>();
  const reads = new Set<FactName>();
  let namesActor = false;
  for (const { criteria } of loaded)
    for (const each of criteria) {
      for (const need of each.needs) needs.add(need);
      for (const name of each.reads) reads.add(name);
      if (each.criterion.name === 'actor') namesActor = true;
    }
  return {
    needs: shared(needs),
    reads: [...reads],
    mayAllowAnonymous: couldAllowAnonymous(loaded),
    namesActor,
    ...createJudge(source, compiledBlocks(loaded, 'allow'), compiledBlocks(loaded, 'deny')),
  };
}

/**
 * Judging keeps the tests and nothing else. What is shown of each criterion is loaded again from the same source by the first who asks: most
 * policies are never explained, and keeping it for all of them is most of what a large configuration would take.
 */
function createJudge(
  source: PolicySource,
  allow: readonly CompiledBlock[],
  deny: readonly CompiledBlock[],
): Pick<CompiledPolicy, 'evaluate' | 'possible' | 'explain'> {
  const { semantics } = source;
  let known: readonly LoadedBlock[] | undefined;
  const loadedAgain = (): readonly LoadedBlock[] => (known ??= loadSource(source, createReport(semantics)));
  const evaluate = (facts: PolicyFacts) =>
    decideVerdict(semantics, evaluateAction(allow, facts), evaluateAction(deny, facts));
  return {
    evaluate,
    possible: (partial) => possibleKinds(semantics, loadedAgain(), partial),
    explain: (facts) => ({
      verdict: evaluate(facts),
      criteria: loadedAgain().flatMap(({ criteria }) =>
        criteria.map(({ at, name, data, test }): ExplainedCriterion => {
          const { value, reasons } = ruleResult(runTest(test, facts));
          return { at, name, data: JSON.stringify(data), value, reasons };
        }),
      ),
    }),
  };
}

// A memo and nothing else: policies need one of a few sets, and nobody adds to one.
const sharedNeeds = new Map<string, ReadonlySet<Need>>();

function shared(needs: ReadonlySet<Need>): ReadonlySet<Need> {
  const key = [...needs].join(' ');
  const known = sharedNeeds.get(key);
  if (known === undefined) sharedNeeds.set(key, needs);
  return known ?? needs;
}

/** An operator with an empty list says nothing: it neither holds nor gives a reason. */
const compiledBlocks = (loaded: readonly LoadedBlock[], action: Block['action']): readonly CompiledBlock[] =>
  loaded
    .filter((block) => block.action === action && block.criteria.length > 0)
    .map(({ at, operator, criteria }) => ({ at, action, operator, tests: criteria.map(({ test }) => test) }));
