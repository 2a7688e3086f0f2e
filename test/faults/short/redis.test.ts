/** Each fault of Redis once, for moments; `npm run test:faults` has them for longer. */

import { afterAll, beforeAll, test } from '@jest/globals';

import { SHORT } from '../plays/play.ts';
import {
  oneProcessCutOff,
  redisBlackHole,
  redisCorrupted,
  redisKilled,
  redisLate,
  redisSecondsLate,
} from '../plays/redis.ts';
import { openScene } from '../scene.ts';
import type { Scene } from '../scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ direct: true });
});
afterAll(() => scene.close());

test('Redis killed and started again', () => redisKilled({ ...SHORT, scene }));
test('Redis behind a black hole', () => redisBlackHole({ ...SHORT, scene }));
test('Redis 100 ms late', () => redisLate({ ...SHORT, scene }));
test('Redis a second late', () => redisSecondsLate({ ...SHORT, scene }));
test('Redis answers nonsense', () => redisCorrupted({ ...SHORT, scene }, 1));
test('one process cut off across revocations', () => oneProcessCutOff({ ...SHORT, scene }));
