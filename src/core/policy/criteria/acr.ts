/**
 * `acr`: how strongly the provider says that the subject signed in (its `acr` claim). Takes a string matcher, or the list of accepted
 * values. Where the provider says nothing of it, no matcher holds.
 * Reasons: acr-ok, acr-insufficient (step-up), text-not-utf8, user-unauthenticated. Source: docs/policy-language.md "acr".
 */

import type { Tree } from '../../problem.ts';
import type { DataParser } from '../criterion.ts';
import { criterion, NOT_UTF8_REASON, outcome, withoutSubject } from '../criterion.ts';
import type { StringMatcher } from '../matchers.ts';
import { stringMatcher } from '../matchers.ts';
import { LOGIN_REASON } from '../reasons.ts';
import type { Outcome } from '../reasons.ts';
import { isObject } from '../tree.ts';

type AcrMatcher = {
  readonly matches: StringMatcher;
  /** The values that can be asked of a provider: those that `is` and `in` name. */
  readonly askable: readonly string[];
};

/** A value travels in a list that spaces separate (OpenID Connect Core §3.1.2.1). */
const ASKABLE = /^[\x21-\x7e]{1,256}$/;
/** More make a URL that servers refuse. */
const ASKABLE_MAX = 16;

function askableIn(data: Tree, matches: StringMatcher): readonly string[] {
  const named = isObject(data) ? [data['is'], data['in']].flat() : [data].flat();
  return named
    .filter((value) => typeof value === 'string')
    .filter((value) => ASKABLE.test(value) && matches(value) === true)
    .slice(0, ASKABLE_MAX);
}

const acrMatcher: DataParser<AcrMatcher> = {
  form: 'string matcher or list of texts',
  parse(data, context) {
    const isList = Array.isArray(data);
    if (isList && data.length === 0) context.error(context.path, 'no value is accepted: this never holds');
    const matches = stringMatcher.parse(isList ? { in: data } : data, context);
    return matches === undefined ? undefined : { matches, askable: askableIn(data, matches) };
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
  compile: ({ matches, askable }, { semantics }) => {
    const insufficient: Outcome = {
      ...outcome(semantics === 'strict' ? 'curable' : 'false', 'acr-insufficient'),
      ...(askable.length === 0 ? {} : { stepUp: { acrValues: askable, maxAge: undefined } }),
    };
    const noSubject = withoutSubject(semantics);
    return ({ subject }) => {
      if (subject === undefined) return noSubject;
      const truth = subject.acr === undefined ? false : matches(subject.acr);
      if (truth === undefined) return notUtf8;
      return truth ? ok : insufficient;
    };
  },
});
