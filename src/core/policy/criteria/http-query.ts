/**
 * `http_query`: parameters of the query, each with a string matcher; all must hold. Where a parameter is absent, no matcher holds; one that
 * applications could read in different ways is unknown.
 * Reasons: http-query-ok, http-query-unauthorized, http-query-ambiguous. Source: docs/policy-language.md "http_query".
 */

import type { DataParser } from '../criterion.ts';
import { httpCriterion } from '../criterion.ts';
import type { StringMatcher } from '../matchers.ts';
import { stringMatcher } from '../matchers.ts';
import { onlyValue, parseQuery } from '../query-parameters.ts';
import { isObject, kindOf } from '../tree.ts';
import type { Truth } from '../verdict.ts';

type ParameterMatcher = { readonly name: string; readonly matches: StringMatcher };

const queryMatcher: DataParser<readonly ParameterMatcher[]> = {
  form: 'mapping of parameters to string matchers',
  parse(data, context) {
    const { path } = context;
    if (!isObject(data)) {
      context.error(path, `expected a mapping of parameters to matchers (\`{action: read}\`), not ${kindOf(data)}`);
      return undefined;
    }
    const entries = Object.entries(data);
    if (entries.length === 0) context.error(path, 'name at least one parameter');
    const parameters = entries.flatMap(([name, value]) => {
      const matches = stringMatcher.parse(value, { ...context, path: [...path, name] });
      return matches === undefined ? [] : [{ name, matches }];
    });
    return entries.length > 0 && parameters.length === entries.length ? parameters : undefined;
  },
};

/** False wins over unknown. */
function both(a: Truth, b: Truth): Truth {
  if (a === false || b === false) return false;
  return a === undefined || b === undefined ? undefined : true;
}

export const httpQuery = httpCriterion({
  name: 'http_query',
  data: queryMatcher,
  reads: ({ data }) => (isObject(data) ? Object.keys(data).map((name) => `query/${name}` as const) : []),
  reasons: { pass: 'http-query-ok', fail: 'http-query-unauthorized', unknown: 'http-query-ambiguous' },
  compile: (matchers) => (http) => {
    const parameters = parseQuery(http.query);
    if (parameters === undefined) return undefined;
    return matchers.reduce<Truth>((truth, { name, matches }) => {
      const found = onlyValue(parameters, name);
      return both(truth, found === undefined ? false : found === 'several' ? undefined : matches(found.value));
    }, true);
  },
});
