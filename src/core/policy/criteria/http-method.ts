/**
 * `http_method`: the method of the request, as sent (methods are case-sensitive, RFC 9110 §9.1). String matcher.
 * Reasons: http-method-ok, http-method-unauthorized. Source: docs/policy-language.md "http_method".
 */

import { httpCriterion } from '../criterion.ts';
import { stringMatcher } from '../matchers.ts';
import { warnOfTexts } from '../warn-of-texts.ts';

export const httpMethod = httpCriterion({
  name: 'http_method',
  data: warnOfTexts(stringMatcher, (text) =>
    /[a-z]/.test(text) ? 'methods are in capitals, so this never matches the usual ones: write `GET`' : undefined,
  ),
  reads: [],
  reasons: { pass: 'http-method-ok', fail: 'http-method-unauthorized' },
  compile: (matches) => (http) => matches(http.method),
});
