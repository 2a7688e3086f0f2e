/** A failover by sentinels, three times: each with nodes and processes of its own. */

import { test } from '@jest/globals';

import { LONG } from './plays/play.ts';
import { sentinelFailover } from './plays/sentinel.ts';

test.each([1, 2, 3])('failover by sentinels, run %i', () => sentinelFailover(LONG), 120_000);
