/** `accept`: always holds. Takes no data. Reason: accept. Source: docs/policy-language.md "accept". */

import { criterion, outcome } from '../criterion.ts';
import { nothing } from '../data.ts';

const accepted = outcome('true', 'accept');

export const accept = criterion({
  name: 'accept',
  data: nothing,
  needs: [],
  reads: [],
  reasons: ['accept'],
  compile: () => () => accepted,
});
