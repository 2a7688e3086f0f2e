/**
 * `http_path`: the canonical path of the request, percent-decoded once, without the query. String matcher.
 * Reasons: http-path-ok, http-path-unauthorized. Source: docs/policy-language.md "http_path".
 */

import { httpCriterion } from '../criterion.ts';
import { stringMatcher } from '../matchers.ts';
import { warnOfTexts } from '../warn-of-texts.ts';

export const httpPath = httpCriterion({
  name: 'http_path',
  data: warnOfTexts(stringMatcher, (text) =>
    text !== '' && !text.startsWith('/') ? 'every path begins with `/`, so this never matches' : undefined,
  ),
  reads: [],
  reasons: { pass: 'http-path-ok', fail: 'http-path-unauthorized' },
  compile: (matches) => (http) => matches(http.path),
});
