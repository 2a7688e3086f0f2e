/** The identity provider down at the start, and later; and two providers, of which one must not be taken for the other. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { startOidcProvider } from '../support/oidc-provider.ts';
import type { RunningOidcProvider } from '../support/oidc-provider.ts';
import { freePort } from '../support/ports.ts';
import { waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import { CLIENT_ID, CLIENT_SECRET, idpOf, openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

describe('an identity provider that is down', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld({ profile: 'hardened', routes: standardRoutes, startProvider: false });
  });
  afterAll(() => world.close());

  const page = (path: string): string => `${world.origins('app')}${path}`;

  test('at the start: Doorward serves what it can, says so, and signs in as soon as it can', async () => {
    expect((await world.client().get(page('/public/x'), API)).status).toBe(200);
    expect((await world.client().get(page('/'), API)).status).toBe(401);
    const browser = await world.client().get(page('/'));
    expect(browser.status).toBe(503);
    expect(Number(browser.header('retry-after'))).toBeGreaterThan(0);
    expect((await world.doorward.ops('/readyz')).status).toBe(200);
    expect((await world.doorward.ops('/readyz?verbose')).body).toMatch(/idp default/);

    await world.startProvider();
    await waitFor(
      'a login to begin',
      async () => ((await world.client().get(page('/'))).status === 302 ? true : undefined),
      20_000,
    );
    expect((await world.login(world.client(), page('/'), 'alice')).status).toBe(200);
  });

  test('later: who is signed in stays so, also over a sign-out', async () => {
    const client = world.client();
    await world.login(client, page('/'), 'alice');
    await world.stopProvider();
    expect((await client.get(page('/'), API)).status).toBe(200);
    const confirm = await client.get(page('/.doorward/sign_out'));
    await client.send(page('/.doorward/sign_out'), {
      method: 'POST',
      headers: { origin: world.origins('app'), 'sec-fetch-site': 'same-origin', accept: 'text/html' },
    });
    expect(confirm.status).toBe(200);
    expect((await client.get(page('/'), API)).status).toBe(401);
  });
});

describe('two identity providers', () => {
  let world: World;
  let second: RunningOidcProvider;
  let secondIssuer = '';
  beforeAll(async () => {
    const port = await freePort();
    secondIssuer = `http://127.0.0.1:${port}`;
    world = await openWorld({
      profile: 'hardened',
      routes: (origins) => [
        { from: origins('app'), id: 'staff', prefix: '/staff/', allow_any_authenticated_user: true, idp: 'default' },
        ...standardRoutes(origins),
      ],
      config: ({ issuer }) => ({
        idps: { default: idpOf(issuer), partners: { label: 'Partners', ...idpOf(secondIssuer) } },
      }),
    });
    second = await startOidcProvider({
      port,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      origins: [world.origins('app')],
      providerName: 'partners',
    });
    // Doorward looked for it before it was there, and looks again by itself.
    await waitFor(
      'the second provider to be known',
      async () =>
        (await world.client().send(page('/.doorward/sign_in?idp=partners'))).status === 302 ? true : undefined,
      20_000,
    );
  });
  afterAll(async () => {
    await second.stop();
    await world.close();
  });

  const page = (path: string): string => `${world.origins('app')}${path}`;

  test('are offered as a choice, and the session is of the one that was chosen', async () => {
    const client = world.client();
    const chooser = await client.visit(page('/'));
    expect(chooser.status).toBe(200);
    expect(chooser.text).toContain('Partners');
    const links = [...chooser.text.matchAll(/href="([^"]*sign_in[^"]*)"/g)].map(
      ([, href = '']) => new URL(href.replaceAll('&amp;', '&'), chooser.url).href,
    );
    expect(links.length).toBeGreaterThanOrEqual(2);
    const toPartners = links.find((link) => link.includes('partners')) ?? '';
    let login = await client.visit(toPartners);
    for (let pages = 0; pages < 3 && login.url.startsWith(secondIssuer); pages++) {
      login = await client.submit(login, { login: 'bob', password: 'any' });
    }
    expect(login.status).toBe(200);
    expect((await client.get(page('/.doorward/user'), API)).json()).toMatchObject({ idp: 'partners' });
    // A route that takes the other provider only asks for that one.
    expect((await client.get(page('/staff/x'), API)).status).toBe(401);
    const onward = await client.send(page('/staff/x'));
    expect(onward.header('location')).toContain(world.issuer);
  });

  test('an answer of the one with the state of the other is refused', async () => {
    const client = world.client();
    const begin = await client.send(page('/.doorward/sign_in?idp=partners'));
    const state = new URL(begin.header('location') ?? '').searchParams.get('state') ?? '';
    const answer = new URLSearchParams({ state, code: 'a-code', iss: world.issuer }).toString();
    const atOther = await client.send(page(`/.doorward/callback?${answer}`));
    expect(atOther.status).toBe(400);
    const atItsOwn = await world.client().send(page(`/.doorward/callback/partners?${answer}`));
    expect(atItsOwn.status).toBe(400);
    expect(await client.cookie(page('/'), '__Host-doorward')).toBeUndefined();
  });
});
