/**
 * `acr`: how strongly the provider says that the subject signed in (its `acr` claim). Takes a string matcher, or the list of accepted
 * values. Where the provider says nothing of it, no matcher holds.
 * Reasons: acr-ok, acr-insufficient (step-up), text-not-utf8, user-unauthenticated. Source: docs/policy-language.md "acr".
 */

import type { DataParser } from '../criterion.ts';
import { criterion, NOT_UTF8_REASON, outcome, withoutSubject } from '../criterion.ts';
import type { StringMatcher } from '../matchers.ts';
import { stringMatcher } from '../matchers.ts';
import { LOGIN_REASON } from '../reasons.ts';

const acrMatcher: DataParser<StringMatcher> = {
  form: 'string matcher or list of texts',
  parse(data, context) {
    if (!Array.isArray(data)) return stringMatcher.parse(data, context);
    if (data.length === 0) context.error(context.path, 'no value is accepted: this never holds');
    return stringMatcher.parse({ in: data }, context);
  },
};

const ok = outcome('true', 'acr-ok');
const notUtf8 = outcome('unknown', NOT_UTF8_REASON);

export const acr = criterion({
  name: 'acr',
  data: acrMatcher,
  needs: ['subject'],
  reads: ['user', 'acr'],
  reasons: ['acr-ok', 'acr-insufficient', NOT_UTF8_REASON, LOGIN_REASON],
  isIdentity: true,
  compile: (matches, { semantics }) => {
    const insufficient = outcome(semantics === 'strict' ? 'curable' : 'false', 'acr-insufficient');
    const noSubject = withoutSubject(semantics);
    return ({ subject }) => {
      if (subject === undefined) return noSubject;
      const truth = subject.acr === undefined ? false : matches(subject.acr);
      if (truth === undefined) return notUtf8;
      return truth ? ok : insufficient;
    };
  },
});
