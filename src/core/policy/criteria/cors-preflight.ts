/**
 * `cors_preflight`: OPTIONS with `Origin` and `Access-Control-Request-Method` (Fetch standard, "CORS-preflight request"). Takes no data.
 * Reasons: cors-request, non-cors-request. Source: docs/policy-language.md "cors_preflight".
 */

import { httpCriterion } from '../criterion.ts';
import { nothing } from '../data.ts';

const isPresent = (lines: readonly string[]): boolean => lines.some((line) => line !== '');

export const corsPreflight = httpCriterion({
  name: 'cors_preflight',
  data: nothing,
  needs: ['headers'],
  reads: ['header/origin', 'header/access-control-request-method'],
  reasons: { pass: 'cors-request', fail: 'non-cors-request' },
  compile: () => (http) =>
    http.method === 'OPTIONS' &&
    isPresent(http.header('access-control-request-method')) &&
    isPresent(http.header('origin')),
});
