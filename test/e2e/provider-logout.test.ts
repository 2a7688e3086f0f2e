/**
 * Logout at the real provider, told to Doorward by a posted token through the real Envoy, over two processes on one Redis: effective on the next
 * request at both.
 */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { startChromium } from '../support/chromium.ts';
import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { startSecondProcess } from '../support/second-process.ts';
import type { SecondProcess } from '../support/second-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import type { WebClient, WebResponse } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

const folder = temporaryFolder();
let redis: RunningRedis;
let world: World;
let second: SecondProcess;

beforeAll(async () => {
  redis = await startRedis({ folder });
  world = await openWorld({
    profile: 'hardened',
    routes: standardRoutes,
    backchannelLogout: true,
    config: () => ({
      session_store: 'redis',
      redis: { url: `redis://${redis.host}:${redis.port}/0` },
    }),
  });
  second = await startSecondProcess(world, 'hardened');
});
afterAll(async () => {
  await second.close();
  await world.close();
  await redis.stop();
  folder.remove();
});

const BACKCHANNEL = '/.doorward/backchannel_logout';

const statuses = (client: WebClient): Promise<readonly number[]> => second.statuses(client);

const signedIn = async (user: string): Promise<WebClient> => {
  const client = world.client();
  await world.login(client, `${world.origins('app')}/`, user);
  expect(await statuses(client)).toEqual([200, 200]);
  return client;
};

async function logOutAtProvider(client: WebClient): Promise<void> {
  const page = await client.visit(`${world.issuer}/session/end`);
  expect((await client.submit(page, {})).status).toBe(200);
}

const post = (form: Readonly<Record<string, string>>): Promise<WebResponse> =>
  world.client().send(`${world.origins('app')}${BACKCHANNEL}`, { headers: API, form });

test('whoever logs out at the provider is nobody at both processes from the next request on; others stay', async () => {
  const [alice, aliceElsewhere, bob] = [await signedIn('alice'), await signedIn('alice'), await signedIn('bob')];
  for (let round = 0; round < 3; round += 1) {
    await logOutAtProvider(alice);
    expect(await statuses(alice)).toEqual([401, 401]);
    await world.login(alice, `${world.origins('app')}/`, 'alice');
    expect(await statuses(alice)).toEqual([200, 200]);
  }
  expect(await statuses(aliceElsewhere)).toEqual([200, 200]);
  expect(await statuses(bob)).toEqual([200, 200]);
  expect(await world.doorward.auditOf(({ endpoint }) => endpoint === 'backchannel_logout')).toMatchObject({
    status: 200,
    detail: 'back-channel logout of one login at the provider: 1 sessions',
  });
});

test('a token that nobody signed is 400 in the words of the specification', async () => {
  const alice = await signedIn('alice');
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: world.issuer,
    aud: 'doorward',
    sub: 'alice',
    iat: now,
    exp: now + 60,
    jti: 'x',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  };
  const token = `${part({ alg: 'RS256', typ: 'logout+jwt' })}.${part(claims)}.${Buffer.alloc(256, 1).toString('base64url')}`;
  const response = await post({ logout_token: token });
  expect(response.status).toBe(400);
  expect(response.header('cache-control')).toBe('no-store');
  expect(response.json()).toMatchObject({ error: 'invalid_request' });
  expect(await statuses(alice)).toEqual([200, 200]);
});

test('while Redis is away a logout is 503, so that the provider does not take it for done', async () => {
  const alice = await signedIn('alice');
  redis.pause();
  try {
    await logOutAtProvider(alice);
  } finally {
    redis.resume();
  }
  const told = await world.doorward.auditOf(({ path, status }) => path === BACKCHANNEL && status === 503);
  expect(told).toMatchObject({ decision: 'error', code: 'unavailable' });
  await waitFor('a login to work again', async () => {
    const { status } = await world.login(world.client(), `${world.origins('app')}/`, 'bob');
    return status === 200 ? true : undefined;
  });
});

/** What the provider calls the login of this client: from the ID token of another session that came of the same login, which signs out. */
async function sidOf(client: WebClient): Promise<string> {
  const other = world.client();
  for (const cookie of await client.jar.getCookies(world.issuer)) await other.jar.setCookie(cookie, world.issuer);
  expect((await other.visit(`${world.origins('app')}/`)).status).toBe(200);
  const signedOut = await other.send(`${world.origins('app')}/.doorward/sign_out`, {
    method: 'POST',
    headers: { origin: world.origins('app') },
  });
  const idToken = new URL(signedOut.header('location') ?? '').searchParams.get('id_token_hint') ?? '';
  const claims = JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()) as { sid: string };
  return claims.sid;
}

test('a frame in a page of the provider ends the login that it names, without a cookie; in other pages it is not shown', async () => {
  const alice = await signedIn('alice');
  const bob = await signedIn('bob');
  const sid = await sidOf(alice);
  const query = new URLSearchParams({ iss: world.issuer, sid }).toString();
  const frame = `${world.origins('app')}/.doorward/frontchannel_logout?${query}`;

  const browser = await startChromium();
  try {
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    const titleIn = async (site: string): Promise<string | undefined> => {
      await page.goto(site);
      const answered = page.waitForResponse((response) => response.url() === frame);
      await page.evaluate(`document.body.append(
        Object.assign(document.createElement('iframe'), { src: ${JSON.stringify(frame)} }))`);
      await answered;
      const [, framed] = page.frames();
      await framed?.waitForLoadState();
      return framed?.title();
    };
    expect(await titleIn(`${world.issuer}/.well-known/openid-configuration`)).toBe('Signed out');
    expect(await statuses(alice)).toEqual([401, 401]);
    expect(await statuses(bob)).toEqual([200, 200]);
    expect(await titleIn(`http://127.0.0.1:${world.upstream.port}/`)).not.toBe('Signed out');
  } finally {
    await browser.close();
  }
});
