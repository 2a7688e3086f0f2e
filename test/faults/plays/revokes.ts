/** Revocations one after the other at both processes, each followed at once by a request at each. */

import { expect } from '@jest/globals';

import type { Place, Scene } from '../scene.ts';
import { percentile, verdictOn } from '../tally.ts';
import type { Shot } from '../load.ts';

const PLACES: readonly Place[] = ['first', 'second'];
/** Revocations under way at once. */
const AT_ONCE = 8;

/** R13: the first request that is sent after the return is refused, whoever was asked to revoke. */
export async function revokes(scene: Scene, count: number): Promise<void> {
  const visitors = await scene.mint({ count });
  const took: number[] = [];
  const after: Shot[] = [];
  let next = 0;
  let unconfirmed = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const visitor = visitors[index];
      if (visitor === undefined) continue;
      // So that both have it at hand, and there is something to be wrong about.
      const before = await Promise.all(PLACES.map((place) => scene.ask(visitor, place)));
      expect(before.map(({ status }) => status)).toEqual([200, 200]);
      const revoked = await scene.revoke(visitor, PLACES[index % PLACES.length]);
      if (revoked.status !== 200) unconfirmed += 1;
      else took.push(revoked.tookMs);
      after.push(...(await Promise.all(PLACES.map((place) => scene.ask(visitor, place)))));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const wrong = after.filter((shot) => verdictOn(shot) === 'wrongAllows').length;
  const [p50, p99] = [0.5, 0.99].map((part) => `${percentile(took, part).toFixed(1)} ms`);
  process.stdout.write(
    `faults: ${count} revokes: ${after.length} requests sent after the return, ${wrong} allowed, revoke p50 ${p50}, p99 ${p99}, ${unconfirmed} not confirmed\n`,
  );
  expect(wrong).toBe(0);
  expect(took.length).toBeGreaterThan(count * 0.9);
}
