/** Secrets rotated under a running Doorward with Redis: nobody is logged out, what is dropped opens nothing, and a user has a way out. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { newSecret } from '../support/doorward.ts';
import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

const folder = temporaryFolder();
const [older, newer] = [newSecret(), newSecret()];
let redis: RunningRedis;
let world: World;

beforeAll(async () => {
  redis = await startRedis({ folder });
  world = await openWorld({
    profile: 'hardened',
    routes: standardRoutes,
    config: () => ({
      session_store: 'redis',
      redis: { url: `redis://${redis.host}:${redis.port}/0` },
      cookie_secret: older,
      shared_secret: older,
    }),
  });
});
afterAll(async () => {
  await world.close();
  await redis.stop();
  folder.remove();
});

async function reload(change: { readonly [key: string]: unknown }): Promise<void> {
  const loads = (): number => world.doorward.output().split('a new configuration is in force').length;
  const before = loads();
  world.doorward.writeConfig({ ...world.config, ...change });
  await waitFor('the reload', () => (loads() > before ? true : undefined), 10_000);
}

test('rotating both secrets by reload keeps sessions, also those in Redis', async () => {
  const page = `${world.origins('app')}/`;
  const alice = world.client();
  await world.login(alice, page, 'alice');
  await reload({ cookie_secret: [older, newer], shared_secret: [older, newer] });
  expect((await alice.get(page, API)).status).toBe(200);
  await reload({ cookie_secret: [newer, older], shared_secret: [newer, older] });
  expect((await alice.get(page, API)).status).toBe(200);

  // What was stored since is sealed by the newer one alone.
  const bob = world.client();
  await world.login(bob, page, 'bob');
  await reload({ cookie_secret: [newer, older], shared_secret: newer });
  expect((await bob.get(page, API)).status).toBe(200);

  // Alice's record is sealed by a secret that is gone: nobody's, so never an allow; but she can sign in anew.
  expect((await alice.get(page, API)).status).toBe(503);
  const refused = await world.doorward.auditOf(({ code }) => code === 'store-corrupt');
  expect(refused).toMatchObject({ decision: 'error', status: 503, host: new URL(page).hostname });
  expect(refused.route).toBeDefined();
  const begun = await alice.send(`${world.origins('app')}/.doorward/sign_in`);
  expect(begun.status).toBe(302);
  expect(begun.header('location')).toContain(world.issuer);

  // Signing out ends it, although nobody here can read it: when the secret is back, the copy of the cookie is nobody's.
  const cookie = await alice.jar.getCookieString(page);
  const signedOut = await alice.send(`${world.origins('app')}/.doorward/sign_out`, {
    method: 'POST',
    headers: { origin: world.origins('app') },
  });
  expect(signedOut.status).toBe(303);
  await reload({ cookie_secret: [newer, older], shared_secret: [newer, older] });
  expect((await world.ask({ path: '/', lines: ['Accept: application/json', `Cookie: ${cookie}`] })).status).toBe(401);
  expect((await bob.get(page, API)).status).toBe(200);
});
