/** A failover by sentinels, once; `npm run test:faults` has it three times. */

import { test } from '@jest/globals';

import { SHORT } from '../plays/play.ts';
import { sentinelFailover } from '../plays/sentinel.ts';

test('failover by sentinels', () => sentinelFailover(SHORT));
