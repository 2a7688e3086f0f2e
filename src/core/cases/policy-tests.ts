/**
 * parsePolicyTests: a file of policy tests from plain data:
 *
 *   config: doorward.yaml          # from the folder of the file
 *   env: { NAME: text }            # what ${NAME} of the configuration stands for
 *   given: { ... }                 # of every case
 *   cases:
 *     - name: ...
 *       given: { ... }             # on top of it (parseCase)
 *       expect: allow              # or { verdict, rule, reasons, route, headers }
 */

import { meant } from '../policy/parse.ts';
import { criteria } from '../policy/registry.ts';
import { isList, isObject } from '../policy/tree.ts';
import type { Problem, Tree, TreePath } from '../problem.ts';
import { err, ok, type Result } from '../result.ts';
import type { AccessCase } from './access-case.ts';
import { CaseFields, CaseProblems } from './case-fields.ts';
import { caseVerdicts, type CaseVerdict } from './case-verdict.ts';
import { mergeTrees, parseCase } from './parse-case.ts';

export type Expectation = {
  readonly verdict: CaseVerdict;
  readonly rule: string | undefined;
  /** All of these are among the reasons that decided. */
  readonly reasons: readonly string[];
  readonly route: string | undefined;
  /** Headers that the upstream is told, by lower-case name; `null` = it is not. */
  readonly headers: ReadonlyMap<string, string | null>;
};

export type PolicyTest = {
  readonly name: string;
  /** Where it stands. */
  readonly path: TreePath;
  readonly given: AccessCase;
  readonly expect: Expectation;
};

export type PolicyTests = {
  readonly config: string;
  readonly env: ReadonlyMap<string, string>;
  readonly cases: readonly PolicyTest[];
};

/** Cases of one file. */
const CASES_MAX = 10_000;

/** The error holds every problem. */
export function parsePolicyTests(tree: Tree): Result<PolicyTests, readonly Problem[]> {
  const problems = new CaseProblems();
  const fields = CaseFields.open(tree, { path: [], known: ['config', 'env', 'given', 'cases'], problems });
  if (fields === undefined) return err(problems.found);
  const config = fields.text('config');
  if (config === undefined && !fields.has('config'))
    problems.error([], '`config` is missing: name the configuration that is tested');
  const env = parseEnv(fields);
  const shared = fields.value('given') ?? {};
  const list = fields.value('cases');
  const cases: PolicyTest[] = [];
  if (list === undefined || !isList(list) || list.length === 0) {
    problems.error(fields.at('cases'), 'there are no `cases`: a file of policy tests has at least one');
  } else if (list.length > CASES_MAX) {
    problems.error(fields.at('cases'), `there are more than ${CASES_MAX} cases`);
  } else {
    for (const [index, entry] of list.entries()) {
      const parsed = parseTest(entry, ['cases', index], shared, problems);
      if (parsed !== undefined) cases.push(parsed);
    }
  }
  nameTwice(cases, problems);
  if (problems.found.length > 0 || config === undefined) return err(problems.found);
  return ok({ config, env, cases });
}

function parseEnv(fields: CaseFields): ReadonlyMap<string, string> {
  const env = new Map<string, string>();
  for (const [name, value] of Object.entries(fields.object('env') ?? {})) {
    if (typeof value === 'string') env.set(name, value);
    else fields.error('env', `\`${name}\` must be a text`);
  }
  return env;
}

function parseTest(entry: Tree, path: TreePath, shared: Tree, problems: CaseProblems): PolicyTest | undefined {
  const fields = CaseFields.open(entry, { path, known: ['name', 'given', 'expect'], problems });
  if (fields === undefined) return undefined;
  const name = fields.text('name') ?? '';
  if (name === '') problems.error(fields.path, '`name` is missing: say in a few words what is expected');
  const given = parseCase(mergeTrees(shared, fields.value('given') ?? {}), fields.at('given'), problems);
  const expect = parseExpectation(fields, problems);
  return given && expect && { name, path, given, expect };
}

function nameTwice(cases: readonly PolicyTest[], problems: CaseProblems): void {
  const names = new Set<string>();
  for (const { name, path } of cases) {
    if (names.has(name)) problems.error([...path, 'name'], `another case has the name \`${name}\``);
    names.add(name);
  }
}

const EXPECT_KEYS = ['verdict', 'rule', 'reasons', 'route', 'headers'];

function parseExpectation(of: CaseFields, problems: CaseProblems): Expectation | undefined {
  const tree = of.value('expect');
  if (tree === undefined) {
    of.error('expect', '`expect` is missing: say the verdict');
    return undefined;
  }
  const fields = CaseFields.open(isObject(tree) ? tree : { verdict: tree }, {
    path: of.at('expect'),
    known: EXPECT_KEYS,
    problems,
  });
  if (fields === undefined) return undefined;
  const reasons = fields.texts('reasons') ?? [];
  for (const reason of reasons)
    if (!knownReasons.includes(reason))
      fields.error('reasons', `no criterion gives the reason \`${reason}\`${meant(reason, knownReasons)}`);
  const verdict = parseVerdict(fields);
  const headers = parseHeaders(fields);
  const rule = fields.text('rule');
  const route = fields.text('route');
  if (headers.size > 0 && verdict !== undefined && verdict !== 'allow')
    fields.error('headers', 'only a request that is allowed reaches the upstream');
  return verdict && { verdict, rule, reasons, route, headers };
}

const knownReasons: readonly string[] = [
  ...new Set([...criteria.flatMap(({ reasons }) => reasons), 'criterion-error']),
];

function parseVerdict(fields: CaseFields): CaseVerdict | undefined {
  const text = fields.text('verdict');
  const verdict = caseVerdicts.find((known) => known === text);
  if (verdict !== undefined) return verdict;
  if (text !== undefined)
    fields.error('verdict', `\`${text}\` is no verdict: use ${caseVerdicts.join(', ')}${meant(text, caseVerdicts)}`);
  else if (!fields.has('verdict')) fields.error('verdict', '`verdict` is missing');
  return undefined;
}

function parseHeaders(fields: CaseFields): Expectation['headers'] {
  const headers = new Map<string, string | null>();
  for (const [name, value] of Object.entries(fields.object('headers') ?? {})) {
    if (value === null || typeof value === 'string') headers.set(name.toLowerCase(), value);
    else fields.error('headers', `\`${name}\` must be a text, or null where the upstream is not told`);
  }
  return headers;
}
