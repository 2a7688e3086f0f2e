/** A step-up through the real Envoy and a real provider: what is asked there, what comes back, what programs are told, and what is recorded. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { API } from '../support/web-client.ts';
import type { WebClient, WebResponse } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

const GOLD = 'urn:example:gold';
const HOUR_SECONDS = 3600;

/** By the first segment of the path. */
const criteria = {
  recent: [{ auth_age: '10m' }],
  strong: [{ acr: GOLD }],
  both: [{ auth_age: '10m' }, { acr: ['urn:example:silver', GOLD] }],
};

let world: World;
beforeAll(async () => {
  world = await openWorld({
    profile: 'hardened',
    routes: (origins) => [
      ...Object.entries(criteria).map(([id, and]) => ({
        from: origins('app'),
        id,
        prefix: `/${id}/`,
        policy: [{ allow: { and } }],
      })),
      { from: origins('app'), id: 'plain', prefix: '/', allow_any_authenticated_user: true },
    ],
  });
  await world.provider().setUser({ login: 'erin', name: 'Erin', email: 'erin@example.com', email_verified: true });
});
afterAll(() => world.close());

const page = (path: string): string => `${world.origins('app')}${path}`;

async function signedIn(user: string): Promise<WebClient> {
  const client = world.client();
  expect((await world.login(client, page('/'), user)).status).toBe(200);
  return client;
}

/** Goes to a page and signs in where the provider asks; what the provider was asked for on the way, and the last answer. */
async function stepUp(client: WebClient, path: string, user: string) {
  const from = client.seen.length;
  const last = await world.login(client, page(path), user);
  const seen = client.seen.slice(from);
  const asked = seen.flatMap(({ url }) => (url.startsWith(`${world.issuer}/auth?`) ? [new URL(url).searchParams] : []));
  const forms = seen.filter(({ url, status }) => status === 200 && url.startsWith(`${world.issuer}/interaction/`));
  return { last, asked, forms };
}

const recordOf = (response: WebResponse) =>
  world.doorward.auditOf(({ request_id }) => request_id === response.header('x-request-id'));

test('a sign-in that is too old leads to a new one at the provider, and then to the page', async () => {
  await world.provider().setUser({ login: 'erin', signedInSecondsAgo: HOUR_SECONDS });
  const erin = await signedIn('erin');
  await world.provider().setUser({ login: 'erin', signedInSecondsAgo: 0 });
  const { last, asked, forms } = await stepUp(erin, '/recent/x', 'erin');
  expect(asked.map((query) => [query.get('max_age'), query.get('acr_values')])).toEqual([['600', null]]);
  expect(forms).toHaveLength(1);
  expect([last.url, last.status]).toEqual([page('/recent/x'), 200]);
  expect((await erin.get(page('/recent/x'))).status).toBe(200);
  const record = await world.doorward.auditOf(({ path, decision }) => path === '/recent/x' && decision === 'challenge');
  expect(record).toMatchObject({
    code: 'step-up-required',
    route: 'recent',
    status: 302,
    subject: 'erin',
    allow_reasons: ['auth-age-exceeded'],
  });
});

test('a sign-in that is too weak leads to a stronger one although the provider knows the user, and then to the page', async () => {
  const alice = await signedIn('alice');
  const { last, asked, forms } = await stepUp(alice, '/strong/x', 'alice');
  expect(asked.map((query) => [query.get('max_age'), query.get('acr_values')])).toEqual([[null, GOLD]]);
  expect(forms).toHaveLength(1);
  expect([last.url, last.status]).toEqual([page('/strong/x'), 200]);
  expect((await alice.get(page('/both/x'), API)).status).toBe(200);
});

test('whoever cannot sign in so strongly sees why after one attempt, and keeps the session that he has', async () => {
  const bob = await signedIn('bob');
  const { last, asked, forms } = await stepUp(bob, '/strong/y', 'bob');
  expect([asked.length, forms.length]).toEqual([1, 1]);
  expect(last.status).toBe(400);
  expect(last.url).toContain(page('/.doorward/callback'));
  expect(last.text).toContain('asks for a more recent or a stronger sign-in');
  expect(last.text).toContain(`href="${page('/strong/y')}"`);
  expect((await bob.get(page('/'), API)).status).toBe(200);
  const record = await world.doorward.auditOf(
    ({ endpoint, code }) => endpoint === 'callback' && code === 'login-failed',
  );
  expect(record).toMatchObject({ detail: 'the sign-in is not as recent or as strong as the step-up asked for' });
});

test('a provider that calls each sign-in an old one leads to a page as well', async () => {
  await world.provider().setUser({ login: 'frank', email: 'frank@example.com', signedInSecondsAgo: HOUR_SECONDS });
  const frank = await signedIn('frank');
  const { last, asked } = await stepUp(frank, '/recent/y', 'frank');
  expect(asked).toHaveLength(1);
  expect(last.status).toBe(400);
  expect(last.text).toContain('asks for a more recent or a stronger sign-in');
});

test('a program is told what is missing in the words of RFC 9470', async () => {
  await world.provider().setUser({ login: 'grace', email: 'grace@example.com', signedInSecondsAgo: HOUR_SECONDS });
  const grace = await signedIn('grace');
  const answer = await grace.get(page('/both/z'), API);
  expect(answer.status).toBe(401);
  expect(answer.header('www-authenticate')).toBe(
    [
      'Bearer realm="doorward"',
      'error="insufficient_user_authentication"',
      'error_description="A more recent or stronger sign-in is required"',
      `acr_values="urn:example:silver ${GOLD}"`,
      'max_age="600"',
    ].join(', '),
  );
  expect(answer.json()).toMatchObject({ error: 'step-up-required' });
  expect(answer.header('location')).toBeUndefined();
  expect(await recordOf(answer)).toMatchObject({
    code: 'step-up-required',
    status: 401,
    route: 'both',
    subject: 'grace',
  });
});

test('a program that nobody signed in for is not asked for a stronger sign-in', async () => {
  const answer = await world.client().get(page('/both/z'), API);
  expect(answer.status).toBe(401);
  expect(answer.header('www-authenticate')).toBe('Bearer realm="doorward"');
});
