/** Validate: looks each criterion of the parsed blocks up, has it read its data, and makes its test. */

import type { PolicySemantics } from '../config.ts';
import type { ChangeWindows } from './change-window.ts';
import type { Criterion, LoadContext, LoadedUse } from './criterion.ts';
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
  return blocks.map((block) => ({
    ...block,
    criteria: block.criteria.flatMap((parsed) => {
      const loaded = loadCriterion(parsed, options, report);
      return loaded === undefined ? [] : [loaded];
    }),
  }));
}

export function loadCriterion(
  parsed: ParsedCriterion,
  options: LoadOptions,
  report: Report,
): LoadedCriterion | undefined {
  const { name, subPath, data, path } = parsed;
  const criterion = criteriaByName.get(name);
  if (criterion === undefined) {
    report.errorAtKey(path, `there is no criterion \`${name}\`${meant(name, [...criteriaByName.keys()])}`);
    return undefined;
  }
  const context: LoadContext = {
    semantics: options.semantics,
    path,
    subPath,
    changeWindows: options.changeWindows,
    recordSources: options.recordSources ?? noSources,
    labels: options.labels,
    ownHeaders: options.ownHeaders,
    hasClientCa: options.hasClientCa,
    refusesInvalidCertificate: options.denyInvalidCertificate,
    error: (at, message) => report.error(at, message),
    strictly: (at, message) => report.strictly(at, message),
    warn: (at, message) => report.warn(at, message),
    differs: (at, message) => report.warn(at, message),
  };
  const use = criterion.load(data, context);
  if (use === undefined) return undefined;
  return { ...parsed, ...use, name: subPath === undefined ? name : `${name}/${subPath}`, criterion };
}
