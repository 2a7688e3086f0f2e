/** Each fault of Redis, for as long as an outage lasts; see the lines that are printed. */

import { afterAll, beforeAll, test } from '@jest/globals';

import { LONG } from './plays/play.ts';
import {
  oneProcessCutOff,
  redisBlackHole,
  redisCorrupted,
  redisKilled,
  redisLate,
  redisSecondsLate,
} from './plays/redis.ts';
import { openScene } from './scene.ts';
import type { Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ direct: true });
});
afterAll(() => scene.close());

test('Redis killed and started again', () => redisKilled({ ...LONG, scene }));
test('Redis behind a black hole', () => redisBlackHole({ ...LONG, scene }));
test('Redis 100 ms late', () => redisLate({ ...LONG, scene }));
test('Redis a second late', () => redisSecondsLate({ ...LONG, scene }));
test.each([1, 2, 3])('Redis answers nonsense, seed %i', (seed) => redisCorrupted({ ...LONG, scene }, seed));
test('one process cut off across revocations', () => oneProcessCutOff({ ...LONG, scene }));
