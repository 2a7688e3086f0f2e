/** What people see: the real Chromium goes through the real Envoy. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';

import { startChromium } from '../support/chromium.ts';
import { openWorld } from '../support/world.ts';
import type { UserName, World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

let world: World;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([openWorld({ profile: 'hardened', routes: standardRoutes }), startChromium()]);
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

const url = (path: string): string => `${world.origins('app')}${path}`;

/** A new profile: no cookies of anybody. The authority of the tests is not in Chromium's store. */
const newPerson = (): Promise<BrowserContext> => browser.newContext({ ignoreHTTPSErrors: true });

/** What the browser complains about on its console, policy violations included. */
const complaintsOf = (page: Page): readonly string[] => {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return complaints;
};

async function signIn(page: Page, user: UserName): Promise<void> {
  await page.waitForURL((at) => at.href.startsWith(world.issuer));
  await page.locator('input[name=login]').fill(user);
  const password = page.locator('input[name=password]');
  if ((await password.count()) > 0) await password.fill('any');
  await page.locator('button[type=submit], input[type=submit]').first().click();
  await page.waitForURL((at) => at.origin === world.origins('app'));
}

const receivedBy = async (page: Page): Promise<string> => (await page.locator('#received').textContent()) ?? '';

test('alice signs in by the provider’s form and arrives where she wanted to go', async () => {
  const person = await newPerson();
  const page = await person.newPage();
  await page.goto(url('/sre/board?tab=2'));
  await signIn(page, 'alice');
  await page.waitForURL(url('/sre/board?tab=2'));
  expect(await receivedBy(page)).toContain('alice@example.com');

  const cookies = await person.cookies(url('/'));
  expect(cookies.filter(({ name }) => name === '__Host-doorward')).toEqual([
    expect.objectContaining({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/', domain: 'app.doorward.test' }),
  ]);
  expect(await page.evaluate('document.cookie')).not.toContain('doorward');
  await person.close();
});

test.each(['light', 'dark'] as const)(
  'bob reads in plain words why a page is not for him (%s)',
  async (colorScheme) => {
    const person = await browser.newContext({ ignoreHTTPSErrors: true, colorScheme });
    const page = await person.newPage();
    const complaints = complaintsOf(page);
    await page.goto(url('/sre/board'));
    await signIn(page, 'bob');
    await page.waitForURL(url('/sre/board'));

    expect(await page.title()).toContain('No access');
    expect(await page.locator('h1').count()).toBe(1);
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    const text = (await page.locator('body').innerText()).toLowerCase();
    expect(text).toContain('groups-unauthorized');
    expect(text).toContain('bob@example.com');
    expect(text).toContain('request');
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    const [red = 0] = String(background).match(/\d+/g)?.map(Number) ?? [];
    if (colorScheme === 'dark') expect(red).toBeLessThan(128);
    else expect(red).toBeGreaterThan(128);
    // The document itself is a 403, which Chromium also notes; a blocked style or asset would be a second note.
    expect(complaints.filter((complaint) => !complaint.includes('403'))).toEqual([]);
    await person.close();
  },
);

test('bob can go on as somebody else', async () => {
  const person = await newPerson();
  const page = await person.newPage();
  await page.goto(url('/sre/board'));
  await signIn(page, 'bob');
  await page.getByRole('link', { name: /someone else/i }).click();
  await signIn(page, 'alice');
  await page.waitForURL(url('/sre/board'));
  expect(await receivedBy(page)).toContain('alice@example.com');
  await person.close();
});

test('signing out is asked for, done by a button, and holds', async () => {
  const person = await newPerson();
  const page = await person.newPage();
  await page.goto(url('/'));
  await signIn(page, 'alice');
  await page.goto(url('/.doorward/'));
  expect(await page.locator('body').innerText()).toContain('alice@example.com');
  await page.goto(url('/.doorward/sign_out'));
  await page.getByRole('button', { name: /sign out/i }).click();
  await leaveProvider(page);
  await page.waitForURL((at) => at.href.startsWith(url('/.doorward/signed_out')));
  expect(await page.locator('h1').innerText()).toContain('signed out');

  await page.goto(url('/sre/board'));
  await page.waitForURL((at) => at.href.startsWith(world.issuer));
  expect(await page.locator('input[name=login]').count()).toBe(1);
  await person.close();
});

/** The provider asks whether its own session is to end too. */
async function leaveProvider(page: Page): Promise<void> {
  await page.waitForLoadState();
  if (!page.url().startsWith(world.issuer)) return;
  await page.locator('button[type=submit]').first().click();
}

test('two tabs that sign in at once both arrive, each where it wanted to go', async () => {
  const person = await newPerson();
  const [first, second] = [await person.newPage(), await person.newPage()];
  await Promise.all([first.goto(url('/sre/one?x=1')), second.goto(url('/two?y=2'))]);
  await signIn(first, 'alice');
  await first.waitForURL(url('/sre/one?x=1'));
  await signIn(second, 'alice');
  await second.waitForURL(url('/two?y=2'));
  expect(await receivedBy(first)).toContain('/sre/one?x=1');
  expect(await receivedBy(second)).toContain('/two?y=2');
  await person.close();
});

test('a script of a page is told 401, not sent to a login that it cannot show', async () => {
  const person = await newPerson();
  const page = await person.newPage();
  await page.goto(url('/public/start'));
  const answer = await page.evaluate(
    `fetch('/sre/data').then(async (r) => ({ status: r.status, redirected: r.redirected, body: await r.json() }))`,
  );
  expect(answer).toMatchObject({ status: 401, redirected: false, body: { error: 'login-required' } });
  await person.close();
});
