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
