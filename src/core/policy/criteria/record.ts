/**
 * `record`: a field of the row that a source of facts has for who or what asks. Where there is no such row or field, only `exists: false` holds.
 * Reasons: record-ok, record-unauthorized, user-unauthenticated. Source: docs/policy-language.md "record".
 */

import type { Tree, TreePath } from '../../problem.ts';
import type { ClaimValue } from '../../session/session.ts';
import type { Need } from '../compiled-policy.ts';
import type { DataParser, LoadContext } from '../criterion.ts';
import { criterion, criterionFailed, outcomes, withoutSubject } from '../criterion.ts';
import { isEqual, stringOperators } from '../matchers.ts';
import { meant } from '../parse.ts';
import { LOGIN_REASON } from '../reasons.ts';
import type { ForeignKey, RecordSourceRule } from '../records.ts';
import { findRecord } from '../records.ts';
import { isObject, kindOf } from '../tree.ts';
import type { TreeObject } from '../tree.ts';

/** Undefined: a value of a kind that the operator says nothing about. */
type ValueTest = (value: ClaimValue) => boolean | undefined;
type OperatorParser = (data: Tree, context: LoadContext, path: TreePath) => ValueTest | undefined;

type RecordTest = {
  readonly source: string;
  readonly field: string;
  readonly rule: RecordSourceRule;
  /** undefined = not asked. */
  readonly exists: boolean | undefined;
  readonly tests: readonly ValueTest[];
};

const isList = (value: ClaimValue): value is readonly ClaimValue[] => Array.isArray(value);
const isScalar = (value: ClaimValue): boolean => typeof value !== 'object';

const scalar =
  (build: (wanted: Tree) => ValueTest): OperatorParser =>
  (data, context, path) => {
    if (typeof data !== 'object') return build(data);
    context.error(path, `expected a text, a number or a boolean, not ${kindOf(data)}`);
    return undefined;
  };

/** An operator on texts, as string matchers have it. */
const ofText =
  (name: string): OperatorParser =>
  (data, context, path) => {
    const test = stringOperators[name]?.(data, context, path);
    return test && ((value) => (typeof value === 'string' ? test(value) : undefined));
  };

const ofNumber =
  (holds: (value: number, bound: number) => boolean): OperatorParser =>
  (data, context, path) => {
    if (typeof data !== 'number') {
      context.error(path, `expected a number, not ${kindOf(data)}`);
      return undefined;
    }
    return (value) => {
      const number = numberOf(value);
      return number === undefined ? undefined : holds(number, data);
    };
  };

/** CSV knows only texts. */
function numberOf(value: ClaimValue): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$/.test(value) ? Number(value) : undefined;
}

/** One value counts as a list of one. */
const has =
  (wanted: Tree): ((value: ClaimValue) => boolean) =>
  (value) =>
    isList(value) ? value.some((entry) => isEqual(wanted, entry)) : isEqual(wanted, value);

const valueOperators: { readonly [name: string]: OperatorParser } = {
  is: scalar(
    (wanted) => (value) => (isList(value) ? value.length === 1 && has(wanted)(value) : isEqual(wanted, value)),
  ),
  not: scalar((wanted) => (value) => (isScalar(value) ? !isEqual(wanted, value) : undefined)),
  contains: ofText('contains'),
  starts_with: ofText('starts_with'),
  ends_with: ofText('ends_with'),
  in: ofText('in'),
  not_in: ofText('not_in'),
  has: scalar(has),
  exclude: scalar((unwanted) => (value) => !has(unwanted)(value)),
  '<': ofNumber((value, bound) => value < bound),
  '<=': ofNumber((value, bound) => value <= bound),
  '=': ofNumber((value, bound) => value === bound),
  '>': ofNumber((value, bound) => value > bound),
  '>=': ofNumber((value, bound) => value >= bound),
};

const NAMING = new Set(['source', 'type', 'field', 'exists']);

const recordMatcher: DataParser<RecordTest> = {
  form: 'record matcher',
  parse(data, context) {
    if (!isObject(data)) {
      context.error(context.path, `expected a mapping with source, field and what must hold, not ${kindOf(data)}`);
      return undefined;
    }
    const named = parseSource(data, context);
    const field = data['field'];
    if (typeof field !== 'string' || field === '')
      context.error([...context.path, 'field'], 'name the field of the row as a text: `field: department`');
    const exists = parseExists(data, context);
    const wanted = Object.entries(data).filter(([key]) => !NAMING.has(key));
    if (wanted.length === 0 && exists === undefined)
      context.error(context.path, `say what must hold: ${Object.keys(valueOperators).join(', ')} or exists`);
    if (exists === false && wanted.length > 0)
      context.error(
        [...context.path, 'exists'],
        'where there is no value, nothing else holds of it: ask one of the two',
      );
    const tests = wanted.flatMap(([key, value]) => parseOperator(key, value, context) ?? []);
    if (named?.rule.format === 'csv') refuseUnequal(wanted, context);
    if (named === undefined || typeof field !== 'string' || tests.length < wanted.length) return undefined;
    return { ...named, field, exists, tests };
  },
};

const EQUALITY = new Set(['is', 'not', 'has', 'exclude']);

/** What is compared with the texts of CSV, and can equal none of them. */
function refuseUnequal(wanted: readonly (readonly [string, Tree])[], context: LoadContext): void {
  for (const [key, value] of wanted) {
    if (!EQUALITY.has(key) || (typeof value !== 'number' && typeof value !== 'boolean')) continue;
    const orCompare = typeof value === 'number' ? `, or compare numbers: \`"=": ${value}\`` : '';
    context.error(
      [...context.path, key],
      `every value of CSV is a text, and ${kindOf(value)} equals none: write "${value}"${orCompare}`,
    );
  }
}

/** `type` is Pomerium's word for `source`. */
function parseSource(data: TreeObject, context: LoadContext): Pick<RecordTest, 'source' | 'rule'> | undefined {
  const key = data['source'] === undefined && data['type'] !== undefined ? 'type' : 'source';
  const at = [...context.path, key];
  const source = data[key];
  if (key === 'source' && data['type'] !== undefined)
    context.error([...context.path, 'type'], '`type` is another name of `source`, which is given as well');
  if (typeof source !== 'string') {
    context.error(at, 'name one of `records` as a text: `source: hr`');
    return undefined;
  }
  const rule = context.recordSources.get(source);
  if (rule === undefined) {
    context.error(at, `\`records\` has no source \`${source}\`${meant(source, [...context.recordSources.keys()])}`);
    return undefined;
  }
  return { source, rule };
}

function parseExists(data: TreeObject, context: LoadContext): boolean | undefined {
  const exists = data['exists'];
  if (exists === undefined || typeof exists === 'boolean') return exists;
  context.error([...context.path, 'exists'], `expected true or false, not ${kindOf(exists)}`);
  return undefined;
}

function parseOperator(key: string, value: Tree, context: LoadContext): ValueTest | undefined {
  const at = [...context.path, key];
  const operators = Object.keys(valueOperators);
  const operator = Object.hasOwn(valueOperators, key) ? valueOperators[key] : undefined;
  if (operator !== undefined) return operator(value, context, at);
  context.error(at, `\`${key}\` is not an operator here: use ${operators.join(', ')}, exists`);
  return undefined;
}

const needsByKey: { readonly [K in ForeignKey]: readonly Need[] } = {
  'user.id': ['subject'],
  'user.email': ['subject'],
  'request.ip': [],
  'request.client_certificate.fingerprint': ['certificate'],
};

const readsByKey = {
  'user.id': ['user'],
  'user.email': ['email'],
  'request.ip': ['source_ip'],
  'request.client_certificate.fingerprint': ['certificate'],
} as const;

const isOfUser = (foreignKey: ForeignKey): boolean => needsByKey[foreignKey].includes('subject');

const byTruth = outcomes({ pass: 'record-ok', fail: 'record-unauthorized' });

export const record = criterion({
  name: 'record',
  data: recordMatcher,
  needs: [],
  uses: ({ source, field, rule: { foreignKey } }) => ({
    needs: needsByKey[foreignKey],
    reads: [...readsByKey[foreignKey], `record/${source}/${field}`],
    isIdentity: isOfUser(foreignKey),
  }),
  reasons: ['record-ok', 'record-unauthorized', LOGIN_REASON],
  compile: ({ source, field, rule, exists, tests }, { semantics }) => {
    const nobody = isOfUser(rule.foreignKey) ? withoutSubject(semantics) : undefined;
    return (facts) => {
      if (nobody !== undefined && facts.subject === undefined) return nobody;
      const row = findRecord(facts, source, rule);
      if (row === 'unknown') return criterionFailed;
      const value = row !== undefined && Object.hasOwn(row, field) ? (row[field] ?? null) : null;
      if (value === null) return byTruth(exists === false);
      if (exists === false) return byTruth(false);
      const results = tests.map((test) => test(value));
      return results.includes(undefined) ? criterionFailed : byTruth(results.every((holds) => holds === true));
    };
  },
});
