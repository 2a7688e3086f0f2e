/** A step-up in a browser: asked of the session's own provider, checked at the callback, never a loop. */

import { expect, test } from '@jest/globals';

import { APP, AUTH, Browser, callbackOf, startDoorward, WIKI } from './a-doorward.ts';
import type { Seen } from './a-doorward.ts';
import type { Tree } from '../../src/core/problem.ts';

const strong: Tree = { allow: { and: [{ acr: ['silver', 'gold'] }, { auth_age: '10m' }] } };

function start(more: { readonly auth_url?: string } = {}) {
  const doorward = startDoorward({
    idps: ['first', 'second'],
    config: {
      ...more,
      routes: [
        { from: APP, id: 'strong', prefix: '/strong', policy: strong },
        ...['silver', 'gold'].map((acr) => ({
          from: APP,
          id: acr,
          prefix: `/${acr}`,
          policy: { allow: { and: [{ acr }] } },
        })),
        { from: APP, id: 'app', prefix: '/', allow_any_authenticated_user: true },
        { from: WIKI, id: 'wiki', prefix: '/', allow_any_authenticated_user: true },
      ],
    },
  });
  const [provider] = doorward.idps;
  if (provider === undefined) throw new Error('no provider');
  return { doorward, provider, browser: new Browser(doorward) };
}

async function signInAtFirst(browser: Browser, origin: string): Promise<void> {
  const begun = await browser.follow(`${origin}/.doorward/sign_in?return=%2F&idp=first`);
  expect(await browser.follow(callbackOf((begun as Seen).location))).toBe('allow');
}

const askedOf = (seen: Seen | 'allow') => {
  const { origin, searchParams } = new URL((seen as Seen).location);
  return [origin, searchParams.get('acr_values'), searchParams.get('max_age')];
};

test.each([{}, { auth_url: AUTH }])(
  'a stronger sign-in opens the page and ends the session before (%j)',
  async (more) => {
    const { doorward, provider, browser } = start(more);
    await signInAtFirst(browser, APP);
    const [before] = await doorward.sessions.list({ limit: 9 });
    const begun = await browser.follow(`${APP}/strong?x=1`);
    expect(askedOf(begun)).toEqual(['https://first.idp.example', 'silver gold', '600']);
    provider.next = { idTokenClaims: { acr: 'gold', auth_time: doorward.clock.now() } };
    expect(await browser.follow(callbackOf((begun as Seen).location))).toBe('allow');
    expect(await browser.ask(`${APP}/strong`)).toBe('allow');
    const after = await doorward.sessions.list({ limit: 9 });
    expect(after).toHaveLength(1);
    expect(after[0]?.handle).not.toBe(before?.handle);
  },
);

test.each<[string, (now: number) => Record<string, string | number>]>([
  ['no acr', (now) => ({ auth_time: now })],
  ['another acr', (now) => ({ acr: 'bronze', auth_time: now })],
  ['no auth_time', () => ({ acr: 'gold' })],
  ['an old auth_time', (now) => ({ acr: 'gold', auth_time: now - 601 })],
])('a provider that reports %s leads to a page, and the session stays as it was', async (_what, claims) => {
  const { doorward, provider, browser } = start();
  await signInAtFirst(browser, APP);
  const before = await doorward.sessions.list({ limit: 9 });
  const begun = await browser.follow(`${APP}/strong`);
  provider.next = { idTokenClaims: claims(doorward.clock.now()) };
  const seen = await browser.follow(callbackOf((begun as Seen).location));
  expect(seen).toMatchObject({ status: 400, code: 'login-failed', location: '' });
  expect((seen as Seen).body).toContain(`href="${APP}/strong"`);
  expect(await doorward.sessions.list({ limit: 9 })).toEqual(before);
  expect(await browser.ask(`${APP}/`)).toBe('allow');
});

test('somebody else who signs in at a step-up has a session of his own, and the one before is over', async () => {
  const { doorward, provider, browser } = start();
  await signInAtFirst(browser, APP);
  const begun = await browser.follow(`${APP}/strong`);
  provider.next = { subject: 'bob-2', idTokenClaims: { acr: 'silver', auth_time: doorward.clock.now() } };
  expect(await browser.follow(callbackOf((begun as Seen).location))).toBe('allow');
  expect((await doorward.sessions.list({ limit: 9 })).map(({ subject }) => subject)).toEqual(['bob-2']);
});

test('a ticket that comes when its sign-in is too old no more leads to a page, and opens nothing', async () => {
  const { doorward, provider, browser } = start({ auth_url: AUTH });
  await signInAtFirst(browser, APP);
  const begun = await browser.follow(`${APP}/strong`);
  provider.next = { idTokenClaims: { acr: 'gold', auth_time: doorward.clock.now() - 590 } };
  const { location } = await browser.get(callbackOf((begun as Seen).location));
  expect(location).toContain(`${APP}/.doorward/ticket?`);
  doorward.clock.advance(11);
  const seen = await browser.get(location);
  expect(seen).toMatchObject({ status: 400, code: 'login-failed', location: '' });
  expect(seen.answer.detail).toBe('the sign-in is not as recent or as strong as the step-up asked for');
  expect(seen.body).toContain(`href="${APP}/strong"`);
  expect(await browser.ask(`${APP}/strong`)).not.toBe('allow');
  expect(await browser.follow(`${APP}/`)).toBe('allow');
});

test('pages that take the sign-in of each other away end at a page that does not blame cookies', async () => {
  const { provider, browser } = start();
  await signInAtFirst(browser, APP);
  for (const acr of ['silver', 'gold', 'silver', 'gold']) {
    const begun = await browser.follow(`${APP}/${acr}`);
    provider.next = { idTokenClaims: { acr } };
    expect(await browser.follow(callbackOf((begun as Seen).location))).toBe('allow');
  }
  const seen = await browser.get(`${APP}/silver`);
  expect(seen).toMatchObject({ code: 'login-failed', location: '' });
  expect(seen.answer.detail).toBe('too many completed logins in a short time, and a step-up after each');
  expect(seen.body).toContain('You are signed in.');
  expect(seen.body).not.toContain('cookie');
  // A click begins anew.
  const href = /href="([^"]*)">Try once more/.exec(seen.body)?.[1] ?? '';
  expect(askedOf(await browser.follow(`${APP}${href.replaceAll('&amp;', '&')}`))).toEqual([
    'https://first.idp.example',
    'silver',
    null,
  ]);
});
