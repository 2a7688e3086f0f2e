/**
 * Matchers: the data of criteria that compare a text or a list. Compiled once; several operators in one matcher must all hold.
 * In `strict` a text that holds U+FFFD (bytes that were not UTF-8) is neither matched nor not matched: the answer is unknown.
 */

import type { ClaimValue } from '../session/session.ts';
import type { Tree, TreePath } from '../problem.ts';
import type { DataParser, LoadContext } from './criterion.ts';
import type { Truth } from './verdict.ts';
import { isObject, kindOf } from './tree.ts';

export type StringMatcher = (text: string) => Truth;
export type ListMatcher = (values: readonly ClaimValue[]) => boolean;

type TextTest = (text: string) => boolean;

/** Entries of one `in` list. */
const LIST_MAX = 10_000;
/** Characters of one text in a policy. */
const TEXT_CHARS_MAX = 8192;

const REPLACEMENT = '\uFFFD';

/** `is` (or just the text), `not`, `contains`, `starts_with`, `ends_with`, `in`, `not_in`; all that stand in one matcher must hold. */
export const createStringMatcher = (operators: StringOperators): DataParser<StringMatcher> => ({
  form: 'string matcher',
  parse(data, context) {
    const tests = stringTests(data, context, operators);
    if (tests === undefined) return undefined;
    return context.semantics === 'strict' ? strictText(all(tests)) : all(tests);
  },
});

function strictText(matches: TextTest): StringMatcher {
  return (text) => (text.includes(REPLACEMENT) ? undefined : matches(text));
}

function all(tests: readonly TextTest[]): TextTest {
  const [first, second] = tests;
  if (first === undefined) return () => true;
  return second === undefined ? first : everyText(tests);
}

const everyText =
  (tests: readonly TextTest[]): TextTest =>
  (text) =>
    tests.every((test) => test(text));

export type StringOperators = {
  readonly [operator: string]: (data: Tree, context: LoadContext, path: TreePath) => TextTest | undefined;
};

/** The tests of a string matcher, one per operator; undefined after an error. */
export function stringTests(
  data: Tree,
  context: LoadContext,
  operators: StringOperators,
  path: TreePath = context.path,
): readonly TextTest[] | undefined {
  return operatorTests(data, context, { operators, shorthand: 'is', path });
}

function operatorTests<T>(
  data: Tree,
  context: LoadContext,
  reading: {
    readonly operators: {
      readonly [name: string]: (data: Tree, context: LoadContext, path: TreePath) => T | undefined;
    };
    readonly shorthand: string;
    readonly path: TreePath;
  },
): readonly T[] | undefined {
  const { operators, shorthand, path } = reading;
  const entries = isObject(data) ? Object.entries(data) : [[shorthand, data] as const];
  if (entries.length === 0) context.strictly(path, 'an empty matcher tests nothing: say what must match');
  const tests: T[] = [];
  for (const [name, value] of entries) {
    const operator = Object.hasOwn(operators, name) ? operators[name] : undefined;
    const at = isObject(data) ? [...path, name] : path;
    if (operator === undefined)
      context.error(at, `\`${name}\` is not an operator here: use ${Object.keys(operators).join(', ')}`);
    const test = operator?.(value, context, at);
    if (test !== undefined) tests.push(test);
  }
  return tests.length === entries.length ? tests : undefined;
}

/** Equality with any value loads in `pomerium`; a text is never equal to a value that is none. */
const equality =
  (isEqual: boolean) =>
  (data: Tree, context: LoadContext, path: TreePath): TextTest => {
    if (typeof data !== 'string') {
      context.strictly(path, `a text is compared here, and ${kindOf(data)} is never equal to it: write a text`);
      return () => !isEqual;
    }
    checkLength(data, context, path);
    return isEqual ? (text) => text === data : (text) => text !== data;
  };

const part =
  (holds: (text: string, part: string) => boolean) =>
  (data: Tree, context: LoadContext, path: TreePath): TextTest | undefined => {
    if (typeof data !== 'string') {
      context.error(path, `expected a text, not ${kindOf(data)}`);
      return undefined;
    }
    checkLength(data, context, path);
    if (data === '') context.strictly(path, 'every text has an empty part: this tests nothing');
    return (text) => holds(text, data);
  };

const membership =
  (isMember: boolean) =>
  (data: Tree, context: LoadContext, path: TreePath): TextTest | undefined => {
    if (!Array.isArray(data)) {
      context.error(path, `expected a list of texts, not ${kindOf(data)}`);
      return undefined;
    }
    const list: readonly Tree[] = data;
    if (list.length === 0) context.strictly(path, 'an empty list tests nothing: say what must match');
    if (list.length > LIST_MAX) context.error(path, `the list has more than ${LIST_MAX} entries`);
    const texts: string[] = [];
    for (const [index, entry] of list.entries()) {
      if (typeof entry !== 'string') {
        context.strictly([...path, index], `expected a text, not ${kindOf(entry)}`);
        continue;
      }
      if (isTooLong(entry)) checkLength(entry, context, [...path, index]);
      texts.push(entry);
    }
    const isAmong = membershipTest(texts);
    return isMember ? isAmong : (text) => !isAmong(text);
  };

/** A Set takes several times the room of a short list, and is no faster. */
const SHORT_LIST_MAX = 8;

function membershipTest(texts: readonly string[]): TextTest {
  if (texts.length <= SHORT_LIST_MAX) return (text) => texts.includes(text);
  const set = new Set(texts);
  return (text) => set.has(text);
}

const isTooLong = (text: string): boolean => text.length > TEXT_CHARS_MAX;

function checkLength(text: string, context: LoadContext, path: TreePath): void {
  if (isTooLong(text)) context.error(path, `the text is longer than ${TEXT_CHARS_MAX} characters`);
}

export const stringOperators: StringOperators = {
  is: equality(true),
  not: equality(false),
  contains: part((text, wanted) => text.includes(wanted)),
  starts_with: part((text, wanted) => text.startsWith(wanted)),
  ends_with: part((text, wanted) => text.endsWith(wanted)),
  in: membership(true),
  not_in: membership(false),
};

export const stringMatcher = createStringMatcher(stringOperators);

/** What stays after the load is the test alone: it must hold on to nothing of how it was read. */
function createListMatcher(accepts: (value: Tree) => boolean, expected: string): DataParser<ListMatcher> {
  const compare =
    (build: (value: Tree) => ListMatcher) =>
    (value: Tree, context: LoadContext, path: TreePath): ListMatcher => {
      if (!accepts(value))
        context.strictly(
          path,
          `each element is compared with the whole value, so expected ${expected}, not ${kindOf(value)}`,
        );
      return build(value);
    };
  const operators = {
    has: compare((wanted) => (values) => values.some((value) => isEqual(wanted, value))),
    is: compare((wanted) => (values) => values.length === 1 && isEqual(wanted, values[0] ?? null)),
    exclude: compare((unwanted) => (values) => !values.some((value) => isEqual(unwanted, value))),
  };
  return {
    form: 'list matcher',
    parse(data, context) {
      const tests = operatorTests(data, context, { operators, shorthand: 'has', path: context.path });
      return tests === undefined ? undefined : allOfList(tests);
    },
  };
}

function allOfList(tests: readonly ListMatcher[]): ListMatcher {
  const [first, second] = tests;
  return first !== undefined && second === undefined ? first : everyList(tests);
}

const everyList =
  (tests: readonly ListMatcher[]): ListMatcher =>
  (values) =>
    tests.every((test) => test(values));

const isScalar = (value: Tree): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** `has` (or just the value), `is` (exactly one element, equal), `exclude`; all that stand in one matcher must hold. */
export const listMatcher: DataParser<ListMatcher> = createListMatcher(isScalar, 'a text, a number or a boolean');

/** The same where every element is a text. */
export const stringListMatcher: DataParser<ListMatcher> = createListMatcher(
  (value) => typeof value === 'string',
  'a text',
);

/** JSON equality: 5 equals 5.0, "5" does not equal 5; objects by their keys, in any order. */
export function isEqual(a: Tree, b: ClaimValue): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b)) return false;
    const other: readonly ClaimValue[] = b;
    return a.length === other.length && a.every((value: Tree, index) => isEqual(value, other[index] ?? null));
  }
  const left = a as { readonly [key: string]: Tree };
  const right = b as { readonly [key: string]: ClaimValue };
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isEqual(left[key] ?? null, right[key] ?? null))
  );
}
