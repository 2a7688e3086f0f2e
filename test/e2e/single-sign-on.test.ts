/** `auth_url`: one host signs in for all. Each application host has a cookie of its own, given out by a ticket that only its browser can use. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { API } from '../support/web-client.ts';
import type { WebClient, WebResponse } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

const NAME = '__Host-doorward';

let world: World;
beforeAll(async () => {
  world = await openWorld({
    profile: 'hardened',
    routes: standardRoutes,
    config: ({ origins }) => ({ auth_url: origins('auth') }),
  });
});
afterAll(() => world.close());

const page = (host: 'app' | 'other' | 'auth', path = '/'): string => `${world.origins(host)}${path}`;

/** Follows redirects up to the ticket, which is not used: its URL. */
async function ticketUrl(client: WebClient, start: string): Promise<string> {
  let response: WebResponse = await client.send(start);
  for (let hops = 0; hops < 12; hops++) {
    const next = new URL(response.header('location') ?? '', response.url).href;
    if (next.includes('/.doorward/ticket')) return next;
    response = await client.send(next);
  }
  throw new Error('no ticket came');
}

test('who signed in on one host is signed in on the other without being asked', async () => {
  const client = world.client();
  const first = await world.login(client, page('app', '/sre/x'), 'alice');
  expect(first).toMatchObject({ status: 200, url: page('app', '/sre/x') });
  expect(client.seen.some(({ url }) => url.startsWith(world.origins('auth')))).toBe(true);

  const before = client.seen.length;
  const second = await client.visit(page('other', '/y?z=1'));
  expect(second).toMatchObject({ status: 200, url: page('other', '/y?z=1') });
  expect(client.seen.slice(before).some(({ url }) => url.startsWith(world.issuer))).toBe(false);

  const cookies = await Promise.all((['app', 'other', 'auth'] as const).map((host) => client.cookie(page(host), NAME)));
  expect(new Set(cookies).size).toBe(3);
});

test('a ticket is worth nothing without the flow cookie of the browser that began', async () => {
  const alice = world.client();
  await world.login(alice, page('app'), 'alice');
  const url = await ticketUrl(alice, page('other'));
  const victim = world.client();
  const response = await victim.send(url);
  expect(response.status).toBe(400);
  expect(await victim.cookie(page('other'), NAME)).toBeUndefined();
});

test('a ticket works once, and for its own host only', async () => {
  const alice = world.client();
  await world.login(alice, page('app'), 'alice');
  const url = await ticketUrl(alice, page('other'));
  const atApp = await alice.send(url.replace(world.origins('other'), world.origins('app')));
  expect(atApp.status).toBe(400);
  const cookies = await alice.jar.getCookieString(url);
  expect((await alice.visit(url)).status).toBe(200);
  const again = await world.client().send(url, { headers: { cookie: cookies } });
  expect(again.status).toBe(400);
});

test('the authentication host serves nothing but sign-in', async () => {
  expect((await world.client().get(page('auth', '/sre/x'), API)).status).toBe(404);
});

test('signing out on one host ends the session on all', async () => {
  const client = world.client();
  await world.login(client, page('app'), 'alice');
  expect((await client.visit(page('other'))).status).toBe(200);
  const confirm = await client.get(page('other', '/.doorward/sign_out'));
  await client.submit(confirm, {});
  expect((await client.get(page('app'), API)).status).toBe(401);
  expect((await client.get(page('other'), API)).status).toBe(401);
});
