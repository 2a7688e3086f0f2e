/** Validate: looks each criterion of the parsed blocks up, has it read its data, and makes its test. */

import type { PolicySemantics } from '../config.ts';
import type { ChangeWindows } from './change-window.ts';
import type { Criterion, LoadContext, LoadedUse } from './criterion.ts';
import type { TreePath } from '../problem.ts';
import type { Block, ParsedCriterion } from './parse.ts';
import { meant } from './parse.ts';
import { criteriaByName } from './registry.ts';
import type { RecordSourceRules } from './records.ts';
import type { Report } from './report.ts';

export type LoadedCriterion = Omit<ParsedCriterion, 'name'> &
  LoadedUse & {
    /** With its path: `claim/department`. */
    readonly name: string;
    readonly criterion: Criterion;
  };

export type LoadedBlock = Omit<Block, 'criteria'> & { readonly criteria: readonly LoadedCriterion[] };

/** What the criteria of a route are told besides their data. */
export type LoadOptions = {
  readonly semantics: PolicySemantics;
  readonly hasClientCa: boolean;
  readonly denyInvalidCertificate: boolean;
  readonly changeWindows: ChangeWindows;
  /** undefined = there are none. */
  readonly recordSources?: RecordSourceRules;
  /** Labels of the route. */
  readonly labels: ReadonlyMap<string, string>;
  /** Request headers, in lower case, that Doorward sets for the application on this route. */
  readonly ownHeaders: ReadonlySet<string>;
};

const noSources: RecordSourceRules = new Map();

/** Criteria of one policy. */
const CRITERIA_MAX = 20_000;

/** Unknown criteria and those whose data is wrong are reported and left out. */
export function loadBlocks(blocks: readonly Block[], options: LoadOptions, report: Report): readonly LoadedBlock[] {
  const count = blocks.reduce((sum, { criteria }) => sum + criteria.length, 0);
  if (count > CRITERIA_MAX) {
    report.error(blocks[0]?.path ?? [], `the policy has more than ${CRITERIA_MAX} criteria`);
    return [];
  }
  const loadCriterion = createLoader(options, report);
  return blocks.map(({ at, action, operator, criteria, path }) => {
    const loaded: LoadedCriterion[] = [];
    for (const parsed of criteria) {
      const each = loadCriterion(parsed);
      if (each !== undefined) loaded.push(each);
    }
    return { at, action, operator, criteria: loaded, path };
  });
}

/** Loads one criterion after the other; what they share is made once. */
export function createLoader(
  options: LoadOptions,
  report: Report,
): (parsed: ParsedCriterion) => LoadedCriterion | undefined {
  const shared = {
    semantics: options.semantics,
    changeWindows: options.changeWindows,
    recordSources: options.recordSources ?? noSources,
    labels: options.labels,
    ownHeaders: options.ownHeaders,
    hasClientCa: options.hasClientCa,
    refusesInvalidCertificate: options.denyInvalidCertificate,
    error: (at: TreePath, message: string) => report.error(at, message),
    strictly: (at: TreePath, message: string) => report.strictly(at, message),
    warn: (at: TreePath, message: string) => report.warn(at, message),
  };
  return (parsed) => loadCriterion(parsed, shared, report);
}

function loadCriterion(
  { at, name, subPath, data, path }: ParsedCriterion,
  shared: Omit<LoadContext, 'path' | 'subPath' | 'differs'>,
  report: Report,
): LoadedCriterion | undefined {
  const criterion = criteriaByName.get(name);
  if (criterion === undefined) {
    report.errorAtKey(path, `there is no criterion \`${name}\`${meant(name, [...criteriaByName.keys()])}`);
    return undefined;
  }
  // Field by field: spreading objects costs several times as much, and there are many criteria.
  const use = criterion.load(data, {
    semantics: shared.semantics,
    path,
    subPath,
    changeWindows: shared.changeWindows,
    recordSources: shared.recordSources,
    labels: shared.labels,
    ownHeaders: shared.ownHeaders,
    hasClientCa: shared.hasClientCa,
    refusesInvalidCertificate: shared.refusesInvalidCertificate,
    error: shared.error,
    strictly: shared.strictly,
    warn: shared.warn,
    differs: shared.warn,
  });
  if (use === undefined) return undefined;
  const { needs, reads, isIdentity, test } = use;
  const fullName = subPath === undefined ? name : `${name}/${subPath}`;
  return { at, name: fullName, subPath, data, path, needs, reads, isIdentity, test, criterion };
}
