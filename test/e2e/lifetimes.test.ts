/** How long sessions last, and how many a user may have, through real logins. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { sleep } from '../support/wait.ts';
import { API, type WebClient } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

const IDLE_SECONDS = 3;
let world: World;

beforeAll(async () => {
  world = await openWorld({
    profile: 'minimal',
    scheme: 'http',
    routes: (origins) => [
      { from: origins('app'), prefix: '/brief/', allow_any_authenticated_user: true, session_lifetime: '2s' },
      { from: origins('app'), prefix: '/quick/', allow_any_authenticated_user: true, session_idle_timeout: '1s' },
      { from: origins('app'), prefix: '/', allow_any_authenticated_user: true },
    ],
    config: () => ({ session_idle_timeout: `${IDLE_SECONDS}s`, sessions_per_user: 2 }),
  });
});
afterAll(() => world.close());

const signedIn = async (user: string): Promise<WebClient> => {
  const client = world.client();
  expect((await world.login(client, `${world.origins('app')}/`, user)).status).toBe(200);
  return client;
};
const statusOf = async (client: WebClient, path = '/'): Promise<number> =>
  (await client.get(`${world.origins('app')}${path}`, API)).status;

test('a session in use outlives its idle time; one that is not used does not', async () => {
  const [alice, bob] = [await signedIn('alice'), await signedIn('bob')];
  for (let elapsed = 0; elapsed < IDLE_SECONDS + 0.5; elapsed += 0.5) {
    expect(await statusOf(alice)).toBe(200);
    await sleep(500);
  }
  expect(await statusOf(bob)).toBe(401);
  expect(await statusOf(alice)).toBe(200);
});

test('a route may ask for a younger session, or for one in closer use, than others do', async () => {
  const client = await signedIn('carol');
  expect(await statusOf(client, '/brief/x')).toBe(200);
  expect(await statusOf(client, '/quick/x')).toBe(200);
  await sleep(2_100);
  expect(await statusOf(client, '/quick/x')).toBe(401);
  expect(await statusOf(client, '/brief/x')).toBe(401);
  expect(await statusOf(client)).toBe(200);
});

test('a login beyond the limit ends the oldest session of that user, and nobody else’s', async () => {
  const other = await signedIn('bob');
  const [first, next] = [await signedIn('dave'), await signedIn('dave')];
  expect([await statusOf(first), await statusOf(next)]).toEqual([200, 200]);
  const last = await signedIn('dave');
  expect(await statusOf(first)).toBe(401);
  for (const client of [next, last, other]) expect(await statusOf(client)).toBe(200);
  // Signing in again in the same browser takes the place of the session that was there.
  await world.login(last, `${world.origins('app')}/.doorward/sign_in?prompt=login`, 'dave');
  for (const client of [next, last]) expect(await statusOf(client)).toBe(200);
});
