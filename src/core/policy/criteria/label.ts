/**
 * `label/<key>`: a label of the target (the route's `labels`). Where it has no such label, no matcher holds. String matcher.
 * Reasons: label-ok, label-unauthorized. Source: docs/policy-language.md "label".
 */

import { criterion, outcomes, reasonsOf } from '../criterion.ts';
import { stringMatcher } from '../matchers.ts';

const reasons = { pass: 'label-ok', fail: 'label-unauthorized' };
const byTruth = outcomes(reasons);

export const label = criterion({
  name: 'label',
  data: stringMatcher,
  hasSubPath: true,
  needs: [],
  reads: ({ subPath = '' }) => [`label/${subPath}`],
  reasons: reasonsOf(reasons, stringMatcher),
  compile: (matches, context) => {
    const key = context.subPath ?? '';
    if (key === '') context.error(context.path, 'name the label after a slash, for example `label/environment`');
    else if (!context.labels.has(key))
      context.warn(context.path, `the route has no label \`${key}\`: this never holds`);
    return ({ labels }) => {
      const value = labels.get(key);
      return byTruth(value === undefined ? false : matches(value));
    };
  },
});
