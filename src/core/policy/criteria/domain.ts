/**
 * `domain`: the part of the subject's e-mail address after the `@`. String matcher.
 * Reasons: domain-ok, domain-unauthorized, user-unauthenticated. Source: docs/policy-language.md "domain".
 */

import type { Tree, TreePath } from '../../problem.ts';
import type { DataParser, LoadContext } from '../criterion.ts';
import { identityCriterion } from '../criterion.ts';
import type { StringMatcher, StringOperators } from '../matchers.ts';
import { createStringMatcher, stringOperators } from '../matchers.ts';
import { isList, kindOf } from '../tree.ts';

/** A domain is known to be a text before any request, so comparing it with something else is an error in both semantics. */
const textOnly =
  (operator: 'is' | 'in' | 'not_in', isComparable: (data: Tree) => boolean): StringOperators[string] =>
  (data: Tree, context: LoadContext, path: TreePath) => {
    if (isComparable(data)) return stringOperators[operator]?.(data, context, path);
    context.error(path, `a domain is a text, and is compared with ${kindOf(data)} here`);
    return undefined;
  };

const isText = (data: Tree): boolean => typeof data === 'string';
const mayHoldTexts = (data: Tree): boolean => !isList(data) || data.length === 0 || data.some(isText);

const domainMatcher: DataParser<StringMatcher> = createStringMatcher({
  ...stringOperators,
  is: textOnly('is', isText),
  in: textOnly('in', mayHoldTexts),
  not_in: textOnly('not_in', mayHoldTexts),
});

export const domain = identityCriterion({
  name: 'domain',
  data: domainMatcher,
  reads: ['email'],
  reasons: { pass: 'domain-ok', fail: 'domain-unauthorized', unknown: 'domain-ambiguous' },
  compile: (matches, { semantics }) => {
    const isStrict = semantics === 'strict';
    return (subject) => {
      const address = subject?.email ?? '';
      const at = address.indexOf('@');
      if (at < 0) return false;
      const next = address.indexOf('@', at + 1);
      if (next < 0) return matches(address.slice(at + 1));
      // Two readings of `a@b@c` differ in who owns the address.
      return isStrict ? undefined : matches(address.slice(at + 1, next));
    };
  },
});
