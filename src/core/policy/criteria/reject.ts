/** `reject`: never holds, so in a deny rule it denies nothing. Takes no data. Reason: reject. Source: docs/policy-language.md "reject". */

import { criterion, outcome } from '../criterion.ts';
import { nothing } from '../data.ts';

const rejected = outcome('false', 'reject');

export const reject = criterion({
  name: 'reject',
  data: nothing,
  needs: [],
  reads: [],
  reasons: ['reject'],
  compile: () => () => rejected,
});
