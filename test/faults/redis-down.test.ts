/** Redis killed and started again, while people are asking. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { sleep } from '../support/wait.ts';
import { openScene } from './scene.ts';
import type { Scene } from './scene.ts';
import { report, tallyOf } from './tally.ts';
import type { Visitor } from './visitors.ts';

const RATE = 100;
const DOWN_MS = 10_000;

let scene: Scene;
let visitors: readonly Visitor[];
beforeAll(async () => {
  scene = await openScene();
  visitors = [...(await scene.mint({ count: 40 })), await scene.signIn('alice'), await scene.signIn('bob')];
});
afterAll(() => scene.close());

test('Redis killed for ten seconds: 503 for who has a session, nobody is let in who is not, nobody is logged out', async () => {
  const load = scene.load({ ratePerSecond: RATE, visitors: () => visitors });
  await sleep(1000);
  for (const visitor of visitors.slice(0, 2)) expect(await scene.revoke(visitor)).toMatchObject({ status: 200 });
  await scene.redis.kill();
  await sleep(DOWN_MS);
  await scene.redis.restart();
  await sleep(3000);
  const shots = await load.stop();
  report('Redis killed for 10 s', shots);
  expect(tallyOf(shots)).toMatchObject({ wrongAllows: 0, lost: 0, odd: 0, failed: 0, unanswered: 0, publicFailed: 0 });
});
