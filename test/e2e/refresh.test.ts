/**
 * Sessions that are refreshed at a real provider, which rotates refresh tokens and takes their reuse for theft, by two processes on one Redis; and
 * what changes at the provider meanwhile.
 */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { ProviderRequests } from '../support/oidc-provider.ts';
import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { startSecondProcess } from '../support/second-process.ts';
import type { SecondProcess } from '../support/second-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sleep, waitFor } from '../support/wait.ts';
import type { WebClient } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

const TOKEN_SECONDS = 5;
const RECHECK_SECONDS = 5;

const folder = temporaryFolder();
let redis: RunningRedis;
let world: World;
let second: SecondProcess;

beforeAll(async () => {
  redis = await startRedis({ folder });
  world = await openWorld({
    profile: 'minimal',
    scheme: 'http',
    routes: standardRoutes,
    accessTokenSeconds: TOKEN_SECONDS,
    config: () => ({
      session_store: 'redis',
      redis: { url: `redis://${redis.host}:${redis.port}/0` },
      session_recheck_interval: `${RECHECK_SECONDS}s`,
    }),
  });
  second = await startSecondProcess(world, 'minimal');
});
afterAll(async () => {
  await second.close();
  await world.close();
  await redis.stop();
  folder.remove();
});

const signedIn = async (user: string): Promise<WebClient> => {
  const client = world.client();
  await world.login(client, `${world.origins('app')}/`, user);
  expect(await second.statuses(client)).toEqual([200, 200]);
  return client;
};

const asked = (): Promise<ProviderRequests> => world.provider().requests();

/** Of both processes together. */
async function refreshes(result: string): Promise<number> {
  const texts = await Promise.all([world.doorward, second.doorward].map((each) => each.ops('/metrics')));
  const counts = texts.flatMap(({ body }) =>
    [...body.matchAll(/^doorward_session_refreshes_total\{kind="\w+",result="(\w+)"\} (\d+)$/gm)]
      .filter(([, name]) => name === result)
      .map(([, , count]) => Number(count)),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

test('of 50 requests at once when tokens have run out, over two processes, the provider hears one, and all are answered right', async () => {
  const alice = await signedIn('alice');
  await world.provider().setFaults({ token: { delayMs: 300 } });
  for (let round = 0; round < 2; round += 1) {
    await sleep((TOKEN_SECONDS + 0.2) * 1000);
    const before = await asked();
    const statuses = await Promise.all(Array.from({ length: 25 }, () => second.statuses(alice, '/sre/x')));
    const after = await asked();
    expect(new Set(statuses.flat())).toEqual(new Set([200]));
    expect((after.refreshed ?? 0) - (before.refreshed ?? 0)).toBe(1);
    expect(after.refresh_refused).toBeUndefined();
  }
  await world.provider().setFaults({});
  expect(await refreshes('failed')).toBe(0);
  expect(world.doorward.output()).not.toContain('could not be refreshed');
});

test('groups that change, and a user who is disabled, count within the interval at both processes, whether they were seen meanwhile or not', async () => {
  const [alice, bob, carol, unused] = [
    await signedIn('alice'),
    await signedIn('bob'),
    await signedIn('carol'),
    await signedIn('carol'),
  ];
  expect(await second.statuses(alice, '/sre/x')).toEqual([200, 200]);
  expect(await second.statuses(bob, '/sre/x')).toEqual([403, 403]);
  await world.provider().setUser({ login: 'alice', groups: ['staff'] });
  await world.provider().setUser({ login: 'bob', groups: ['staff', 'sre'] });
  await world.provider().setUser({ login: 'carol', disabled: true });
  const changedAt = performance.now();
  while (performance.now() - changedAt < RECHECK_SECONDS * 1000) {
    for (const client of [bob, carol]) await second.statuses(client, '/sre/x');
    await sleep(100);
  }
  expect(await second.statuses(alice, '/sre/x')).toEqual([403, 403]);
  expect(await second.statuses(alice)).toEqual([200, 200]);
  expect(await second.statuses(bob, '/sre/x')).toEqual([200, 200]);
  expect(await second.statuses(carol)).toEqual([401, 401]);
  expect(await second.statuses(unused)).toEqual([401, 401]);
  expect(await refreshes('ended')).toBe(2);
  await world.provider().setUser({ login: 'alice', groups: ['sre', 'staff'] });
});

test('while the provider fails, sessions go on, and are refreshed when it does again', async () => {
  const [alice, bob] = [await signedIn('alice'), await signedIn('bob')];
  await world.provider().setFaults({ token: { status: 503 }, userinfo: { status: 503 } });
  await sleep((RECHECK_SECONDS + 0.2) * 1000);
  for (let count = 0; count < 5; count += 1) {
    for (const client of [alice, bob]) expect(await second.statuses(client)).toEqual([200, 200]);
    await sleep(100);
  }
  expect(await refreshes('failed')).toBeGreaterThan(0);
  const [failed, refreshed] = [await refreshes('failed'), (await asked()).refreshed ?? 0];
  await world.provider().setFaults({});
  await waitFor(
    'both to be refreshed',
    async () => {
      for (const client of [alice, bob]) expect(await second.statuses(client)).toEqual([200, 200]);
      return ((await asked()).refreshed ?? 0) >= refreshed + 2 ? true : undefined;
    },
    20_000,
  );
  // Not at each Check that came while it failed.
  expect(failed).toBeLessThan(20);
});

test('when the provider is gone, who is signed in stays so, and what was logged has no token in it', async () => {
  const bob = await signedIn('bob');
  await world.stopProvider();
  await sleep((TOKEN_SECONDS + 0.2) * 1000);
  for (let count = 0; count < 3; count += 1) expect(await second.statuses(bob)).toEqual([200, 200]);
  const logged = world.doorward.output() + second.doorward.output();
  expect(logged).toContain('a session could not be refreshed');
  // Its tokens are 43 characters of base64url; so are handles, which open nothing.
  for (const line of logged.split('\n').filter((each) => each.includes('refresh')))
    expect(line.replace(/"session":"[\w-]{43}"/, '')).not.toMatch(/[\w-]{40,}/);
});
