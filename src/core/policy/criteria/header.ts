/**
 * `header/<name>`: the only line of a request header. Where the header is absent, no matcher holds; several lines are unknown. String matcher.
 * Reasons: header-ok, header-unauthorized, header-ambiguous. Source: docs/policy-language.md "header".
 */

import { httpCriterion } from '../criterion.ts';
import { parseHeaderName } from '../header-name.ts';
import { stringMatcher } from '../matchers.ts';

export const header = httpCriterion({
  name: 'header',
  data: stringMatcher,
  hasSubPath: true,
  needs: ['headers'],
  reads: ({ subPath = '' }) => [`header/${subPath.toLowerCase()}`],
  reasons: { pass: 'header-ok', fail: 'header-unauthorized', unknown: 'header-ambiguous' },
  compile: (matches, context) => {
    const parsed = parseHeaderName(context.subPath ?? '', context.ownHeaders);
    if (!parsed.ok) context.error(context.path, parsed.error);
    const name = parsed.ok ? parsed.value : '';
    return (http) => {
      const lines = http.header(name);
      const [line] = lines;
      if (line === undefined) return false;
      // Which of several lines the application looks at, nobody knows.
      return lines.length > 1 ? undefined : matches(line);
    };
  },
});
