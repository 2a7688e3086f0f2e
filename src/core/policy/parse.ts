/**
 * Parse: from the tree of a policy to its rules, each with its place. Knows the grammar and nothing about criteria. Finds every problem,
 * not only the first; what has a problem is left out.
 *
 *   policy    := rules | [ rules ... ]
 *   rules     := { allow: body, deny: body }
 *   body      := { and | or | not | nor: [ criterion ... ] }
 *   criterion := { name[/path]: data }
 */

import type { Tree, TreePath } from '../problem.ts';
import type { Report } from './report.ts';
import { suggest } from './suggest.ts';
import { isList, isObject, kindOf } from './tree.ts';

export type Action = 'allow' | 'deny';
export type Operator = 'and' | 'or' | 'not' | 'nor';

export const operators: readonly Operator[] = ['and', 'or', 'not', 'nor'];
const actions: readonly Action[] = ['allow', 'deny'];

export type ParsedCriterion = {
  /** e.g. `allow[0].or[1]` */
  readonly at: string;
  readonly name: string;
  readonly subPath: string | undefined;
  readonly data: Tree;
  /** Where the data stands; its last element is the criterion's key. */
  readonly path: TreePath;
};

/** The criteria of one operator of one rule. */
export type Block = {
  /** e.g. `allow[0].or`: the first allow rule of the policy, its `or`. */
  readonly at: string;
  readonly action: Action;
  readonly operator: Operator;
  readonly criteria: readonly ParsedCriterion[];
  readonly path: TreePath;
};

/** Rules of one policy, and what they hold in all. Far beyond what people write; a bound on what one file can cost. */
const RULES_MAX = 1000;
const NODES_MAX = 200_000;
const DEPTH_MAX = 16;

export function parsePolicy(policy: Tree, path: TreePath, report: Report): readonly Block[] {
  const excess = exceeds(policy);
  if (excess !== undefined) {
    report.error(path, excess);
    return [];
  }
  if (!isObject(policy) && !isList(policy)) {
    report.error(
      path,
      `expected a mapping with \`allow\` or \`deny\`, or a list of such mappings, not ${kindOf(policy)}`,
    );
    return [];
  }
  const blocks: Block[] = [];
  const counts = { allow: 0, deny: 0 };
  const entries = isList(policy)
    ? policy.map((rules, index) => [rules, [...path, index]] as const)
    : [[policy, path] as const];
  if (entries.length > RULES_MAX) report.error(path, `the policy has more than ${RULES_MAX} rules`);
  for (const [rules, at] of entries) {
    if (isObject(rules)) blocks.push(...parseRules(rules, at, counts, report));
    else report.error(at, `expected a mapping with \`allow\` or \`deny\`, not ${kindOf(rules)}`);
  }
  return blocks;
}

/** What is too deep or too large, in words. Aliases of a YAML file count each time they are used. */
function exceeds(tree: Tree): string | undefined {
  let level: readonly Tree[] = [tree];
  let nodes = 1;
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) return `the policy is nested deeper than ${DEPTH_MAX} levels`;
    const below: Tree[] = [];
    for (const node of level) {
      if (node === null || typeof node !== 'object') continue;
      const children: readonly Tree[] = isList(node) ? node : Object.values(node);
      nodes += children.length;
      if (nodes > NODES_MAX) return `the policy has more than ${NODES_MAX} parts`;
      // Most values have nothing below them.
      for (const child of children) if (child !== null && typeof child === 'object') below.push(child);
    }
    level = below;
  }
  return undefined;
}

type Rules = { readonly [key: string]: Tree };

function parseRules(rules: Rules, path: TreePath, counts: { [A in Action]: number }, report: Report): readonly Block[] {
  const blocks: Block[] = [];
  for (const [key, body] of Object.entries(rules)) {
    const at = [...path, key];
    const action = actions.find((known) => known === key);
    if (action === undefined) {
      report.errorAtKey(at, `\`${key}\` is not an action: use \`allow\` or \`deny\`${meant(key, actions)}`);
    } else if (isObject(body)) {
      blocks.push(...parseBody(body, at, { action, index: counts[action]++ }, report));
    } else {
      report.error(at, `expected a mapping with ${operators.join(', ')}, not ${kindOf(body)}`);
    }
  }
  return blocks;
}

function parseBody(
  body: Rules,
  path: TreePath,
  rule: { readonly action: Action; readonly index: number },
  report: Report,
): readonly Block[] {
  for (const key of Object.keys(body)) {
    if (key === 'action') report.strictly([...path, key], '`action` has no effect inside a rule: leave it out', 'key');
    else if (!operators.some((operator) => operator === key))
      report.errorAtKey(
        [...path, key],
        `\`${key}\` is not an operator: use ${operators.join(', ')}${meant(key, operators)}`,
      );
  }
  const blocks: Block[] = [];
  for (const operator of operators) {
    const list = Object.hasOwn(body, operator) ? body[operator] : undefined;
    if (list === undefined) continue;
    const blockPath = [...path, operator];
    if (!isList(list)) {
      report.error(blockPath, `expected a list of criteria, not ${kindOf(list)}`);
      continue;
    }
    const at = `${rule.action}[${rule.index}].${operator}`;
    const criteria = list.flatMap((entry, index) => {
      const parsed = parseCriterion(entry, [...blockPath, index], `${at}[${index}]`, report);
      return parsed === undefined ? [] : [parsed];
    });
    blocks.push({ at, action: rule.action, operator, criteria, path: blockPath });
  }
  return blocks;
}

function parseCriterion(entry: Tree, path: TreePath, at: string, report: Report): ParsedCriterion | undefined {
  if (!isObject(entry)) {
    report.error(path, `expected one criterion as a mapping (\`- email: ...\`), not ${kindOf(entry)}`);
    return undefined;
  }
  const [only, ...rest] = Object.entries(entry);
  if (only === undefined || rest.length > 0) {
    report.error(
      path,
      'each entry of the list holds exactly one criterion: put every criterion under a dash of its own',
    );
    return undefined;
  }
  const [key, data] = only;
  const slash = key.indexOf('/');
  const name = slash < 0 ? key : key.slice(0, slash);
  return { at, name, subPath: slash < 0 ? undefined : key.slice(slash + 1), data, path: [...path, key] };
}

/** Text for the end of a message about a name that is not known. */
export function meant(name: string, known: readonly string[]): string {
  const suggestion = suggest(name, known);
  return suggestion === undefined ? '' : `; did you mean \`${suggestion}\`?`;
}
