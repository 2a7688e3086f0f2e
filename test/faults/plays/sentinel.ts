/** The master killed under load; the sentinels promote its replica. */

import { expect } from '@jest/globals';
import { startSentinelGroup } from '../../support/redis-groups.ts';
import { sleep, waitFor } from '../../support/wait.ts';
import { openScene } from '../scene.ts';
import { sentBetween, tallyOf, withSession } from '../tally.ts';
import { ms, play, revokeAll } from './play.ts';
import { LEASE_MS } from '../../../src/core/revocation/lease-terms.ts';

const PASSWORD = 'of-the-sentinels';
/** R2. The sentinels here call a master down after a second. */
const OVER_WITHIN_MS = 15_000;

/** R2: what was told as revoked before the kill is so after it, by the node that was a replica. */
export async function sentinelFailover(options: {
  readonly ratePerSecond: number;
  readonly afterMs: number;
  readonly visitors: number;
}): Promise<void> {
  const group = await startSentinelGroup(PASSWORD);
  const config = {
    sentinels: {
      nodes: group.sentinels.map(({ host, port }) => `${host}:${port}`),
      ...{ master_name: group.masterName, password: PASSWORD },
    },
    replicas: 1,
  };
  const scene = await openScene({ redis: { config, port: group.master.port } });
  const moments = { killed: 0, over: 0 };
  try {
    const { shots } = await play('failover by sentinels', { ...options, scene, faultMs: 0 }, async (visitors, load) => {
      await sleep(700);
      await revokeAll(scene, visitors.slice(0, 5));
      await group.master.kill();
      moments.killed = performance.now();
      await sleep(LEASE_MS);
      const withoutLease = performance.now();
      await waitFor(
        'somebody to be let in again',
        () => tallyOf(withSession(sentBetween(load.shots(), withoutLease, Infinity))).allowed > 0 || undefined,
        OVER_WITHIN_MS,
      );
      moments.over = performance.now();
      await sleep(options.afterMs);
      return { 'over after': ms(moments.over - moments.killed) };
    });
    const after = withSession(sentBetween(shots, moments.over + options.afterMs / 2, Infinity));
    expect(tallyOf(after).allowed).toBeGreaterThan(0);
    expect(tallyOf(after).refused).toBeGreaterThan(0);
  } finally {
    await scene.close();
    await group.stop();
  }
}
