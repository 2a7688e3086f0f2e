import { beforeEach, describe, expect, test } from '@jest/globals';

import { systemEntropy } from '../../src/adapters/system/entropy.ts';
import { createSealer } from '../../src/adapters/system/sealer.ts';
import type { AccessConfig } from '../../src/core/config.ts';
import {
  APP,
  AUTH,
  Browser,
  callbackOf,
  defaultRoutes,
  SECRET,
  startDoorward,
  WIKI,
  type Doorward,
} from './a-doorward.ts';

const SESSION = '__Host-doorward';
const FLOW = '__Host-doorward-flow-';

let doorward: Doorward;
let browser: Browser;
const start = (config: Partial<AccessConfig> = {}, idps?: readonly string[]): void => {
  doorward = startDoorward({ config: { auth_url: AUTH, ...config }, ...(idps === undefined ? {} : { idps }) });
  browser = new Browser(doorward);
};
beforeEach(() => start());

const idp = () => {
  const [first] = doorward.idps;
  if (first === undefined) throw new Error('no provider');
  return first;
};
const sessionCount = async (): Promise<number> => (await doorward.sessions.list({ limit: 100 })).length;

/** From a page of a host to the ticket that would sign this browser in there. */
async function ticketUrl(of: Browser, page: string): Promise<string> {
  const asked = await of.get(page);
  const begun = await of.get(asked.location);
  if (begun.location.includes('/ticket?')) return begun.location;
  return (await of.get(callbackOf(begun.location))).location;
}

describe('single sign-on', () => {
  test('asks the provider at the authentication host, and comes back by a ticket', async () => {
    const asked = await browser.get(`${APP}/a?b`);
    expect(asked.location).toMatch(new RegExp(`^${AUTH}/\\.doorward/sign_in\\?ask=`));
    const begun = await browser.get(asked.location);
    expect(new URL(begun.location).searchParams.get('redirectUri')).toBe(`${AUTH}/.doorward/callback`);
    const back = await browser.get(callbackOf(begun.location));
    expect(back.location).toMatch(new RegExp(`^${APP}/\\.doorward/ticket\\?ticket=`));
    const arrived = await browser.get(back.location);
    expect(arrived.location).toBe(`${APP}/a?b`);
    expect(arrived.header('referrer-policy')).toBeUndefined();
    expect(await browser.ask(`${APP}/a?b`)).toBe('allow');
    expect(browser.names(APP).filter((name) => name.startsWith(FLOW))).toEqual([]);
    expect(browser.names(AUTH).filter((name) => name.startsWith(FLOW))).toEqual([]);
  });

  test('one login does for every host: the same session, a cookie for each', async () => {
    await browser.login(`${APP}/`);
    expect(await browser.follow(`${WIKI}/x`)).toBe('allow');
    expect(idp().redeemed).toHaveLength(1);
    expect(await sessionCount()).toBe(1);
    const cookies = [APP, WIKI, AUTH].map((origin) => browser.of(origin).get(SESSION));
    expect(new Set(cookies).size).toBe(3);
  });

  test('a cookie of one host is nothing on another', async () => {
    await browser.login(`${APP}/`);
    const thief = new Browser(doorward);
    thief.of(WIKI).set(SESSION, browser.of(APP).get(SESSION) ?? '');
    expect(await thief.ask(`${WIKI}/`)).toMatchObject({ status: 302 });
  });

  test('revoked once, it is over on every host', async () => {
    await browser.login(`${APP}/`);
    await browser.follow(`${WIKI}/`);
    const [session] = await doorward.sessions.list({ limit: 1 });
    if (session !== undefined) await doorward.sessions.revoke({ kind: 'session', handle: session.handle }, 'admin');
    for (const origin of [APP, WIKI]) expect(await browser.ask(`${origin}/`)).toMatchObject({ status: 302 });
  });

  test('the pages of the authentication host itself need no ticket', async () => {
    const begun = await browser.get(`${AUTH}/.doorward/sign_in`);
    const arrived = await browser.get(callbackOf(begun.location));
    expect(arrived.location).toBe(`${AUTH}/.doorward/`);
    expect((await browser.get(arrived.location)).body).toContain('Alice');
  });

  test('another tab that signed in meanwhile: the ticket is for that session', async () => {
    const first = await browser.get((await browser.get(`${APP}/1`)).location);
    const second = await browser.get((await browser.get(`${WIKI}/2`)).location);
    expect(await browser.follow(callbackOf(first.location))).toBe('allow');
    expect(await browser.follow(callbackOf(second.location))).toBe('allow');
    expect(idp().redeemed).toHaveLength(1);
    expect(await sessionCount()).toBe(1);
  });

  test('signing in as someone else on one host ends the session that the host had', async () => {
    await browser.login(`${APP}/`);
    await browser.follow(`${WIKI}/`);
    idp().next = { subject: 'bob-1' };
    doorward.clock.advance(5);
    await browser.login(`${APP}/.doorward/sign_in?prompt=login&return=/x`);
    const sessions = await doorward.sessions.list({ limit: 10 });
    expect(sessions.map(({ subject }) => subject)).toEqual(['bob-1']);
    expect(await browser.ask(`${APP}/`)).toBe('allow');
    // The wiki asks again, and gets the new session.
    expect(await browser.follow(`${WIKI}/`)).toBe('allow');
  });

  test('a host whose session is another than that of the ticket loses the old one', async () => {
    await browser.login(`${APP}/`);
    browser.of(AUTH).delete(SESSION);
    doorward.clock.advance(5);
    await browser.login(`${WIKI}/`);
    expect(await sessionCount()).toBe(2);
    expect(await browser.follow(`${APP}/.doorward/sign_in?prompt=login`)).toMatchObject({ status: 302 });
    await browser.login(`${APP}/.doorward/sign_in?prompt=login`);
    const sessions = await doorward.sessions.list({ limit: 10 });
    expect(sessions).toHaveLength(1);
  });

  test('goes on where the end of the old one is not confirmed', async () => {
    await browser.login(`${APP}/`);
    browser.of(AUTH).delete(SESSION);
    doorward.clock.advance(5);
    await browser.login(`${WIKI}/`);
    doorward.sessions.revoke = () =>
      Promise.resolve({ kind: 'not-confirmed', why: 'not-on-all-nodes', tookMs: 1, sessions: 1 });
    idp().next = { subject: 'bob-1' };
    doorward.clock.advance(5);
    await browser.login(`${APP}/.doorward/sign_in?prompt=login`);
    expect(await browser.ask(`${APP}/`)).toBe('allow');
    const lines = doorward.logged.filter((line) => line.startsWith('a login went on'));
    expect(lines).toHaveLength(2);
  });

  test('a session that is too old for the page is not used for it', async () => {
    start({ routes: [{ from: APP, prefix: '/', allow_any_authenticated_user: true, session_lifetime: 60 }] });
    await browser.login(`${APP}/`);
    doorward.clock.advance(61);
    const begun = await browser.follow(`${APP}/`);
    expect(begun).toMatchObject({ status: 302, location: expect.stringContaining('idp.example') as unknown });
  });

  test('nor one that was idle for too long', async () => {
    start({ routes: [{ from: APP, prefix: '/', allow_any_authenticated_user: true, session_idle_timeout: 60 }] });
    await browser.login(`${APP}/`);
    doorward.clock.advance(61);
    expect(await browser.follow(`${APP}/`)).toMatchObject({
      location: expect.stringContaining('idp.example') as unknown,
    });
  });

  test('nor one of a provider that the page does not take', async () => {
    const only = { from: WIKI, prefix: '/', allow_any_authenticated_user: true, idp: 'partners' };
    start({ routes: [...defaultRoutes.slice(0, 1), only] }, ['default', 'partners']);
    const chooser = await browser.follow(`${APP}/`);
    expect(chooser).toMatchObject({ status: 200 });
    await browser.login(`${APP}/.doorward/sign_in?idp=default`);
    expect(await browser.ask(`${APP}/`)).toBe('allow');
    const begun = await browser.follow(`${WIKI}/`);
    expect(begun).toMatchObject({ location: expect.stringContaining('https://partners.idp.example/') as unknown });
  });

  test('a browser that loses the cookie of its host is stopped after five rounds', async () => {
    for (let round = 0; round < 5; round += 1) {
      expect(await (round === 0 ? browser.login(`${APP}/`) : browser.follow(`${APP}/`))).toBe('allow');
      browser.of(APP).delete(SESSION);
    }
    expect(await browser.follow(`${APP}/`)).toMatchObject({ status: 400, code: 'login-failed' });
    expect(idp().redeemed).toHaveLength(1);
  });
});

describe('an ask', () => {
  test('of a host that is gone, expired, or of nobody is refused', async () => {
    const asked = await browser.get(`${WIKI}/`);
    doorward.reload({ routes: defaultRoutes.slice(0, 1) });
    expect((await browser.get(asked.location)).body).toMatch(/no longer served/);
    const again = await browser.get(`${APP}/`);
    doorward.clock.advance(601);
    const late = await browser.get(again.location);
    expect(late.body).toMatch(/took too long/);
    expect(late.body).toContain(`href="${APP}/"`);
    expect((await browser.get(again.location.replace(/ask=./, 'ask=B'))).code).toBe('login-failed');
  });

  test('of a host that is gone when the provider answers is refused', async () => {
    const begun = await browser.get((await browser.get(`${WIKI}/`)).location);
    doorward.reload({ routes: defaultRoutes.slice(0, 1) });
    expect((await browser.get(callbackOf(begun.location))).body).toMatch(/no longer served/);
    expect(await sessionCount()).toBe(0);
  });

  test('that a stranger began signs nobody in for him: the victim’s ticket does not open his flow', async () => {
    const attacker = new Browser(doorward);
    const { location } = await attacker.get(`${APP}/`);
    await browser.login(`${WIKI}/`);
    const ticket = await browser.get(location);
    expect(ticket.location).toContain(`${APP}/.doorward/ticket`);
    const seen = await browser.get(ticket.location);
    expect(seen).toMatchObject({ status: 400, code: 'login-failed' });
    expect(browser.names(APP)).not.toContain(SESSION);
  });
});

describe('a ticket', () => {
  test('of somebody else signs nobody in (login CSRF)', async () => {
    const attacker = new Browser(doorward);
    const url = await ticketUrl(attacker, `${APP}/`);
    const seen = await browser.get(url);
    expect(seen).toMatchObject({ status: 400, code: 'login-failed' });
    expect(seen.body).toMatch(/not started in this browser/);
    expect(browser.names(APP)).toEqual([]);
    // Nor if the victim has a login of its own under way.
    await browser.get(`${APP}/`);
    expect((await browser.get(url)).code).toBe('login-failed');
    expect((await attacker.get(url)).location).toBe(`${APP}/`);
  });

  test('can be used once', async () => {
    const url = await ticketUrl(browser, `${APP}/`);
    const twin = new Browser(doorward);
    for (const [name, value] of browser.of(APP)) twin.of(APP).set(name, value);
    expect((await browser.get(url)).location).toBe(`${APP}/`);
    expect((await browser.get(url)).body).toMatch(/finished already/);
    expect((await twin.get(url)).body).toMatch(/finished already/);
    expect(twin.names(APP)).not.toContain(SESSION);
  });

  test('is for one minute', async () => {
    const url = await ticketUrl(browser, `${APP}/x`);
    doorward.clock.advance(60);
    const seen = await browser.get(url);
    expect(seen.body).toMatch(/took too long/);
    expect(seen.body).toContain(`href="${APP}/x"`);
  });

  test('is for one host', async () => {
    const url = await ticketUrl(browser, `${APP}/`);
    const flow = browser.names(APP).find((name) => name.startsWith(FLOW)) ?? '';
    browser.of(WIKI).set(flow, browser.of(APP).get(flow) ?? '');
    expect((await browser.get(url.replace(APP, WIKI))).body).toMatch(/does not complete a sign-in here/);
  });

  test('does not outlive its session', async () => {
    const url = await ticketUrl(browser, `${APP}/`);
    const [session] = await doorward.sessions.list({ limit: 1 });
    if (session !== undefined) await doorward.sessions.revoke({ kind: 'session', handle: session.handle }, 'admin');
    expect((await browser.get(url)).body).toMatch(/was ended meanwhile/);
  });

  test('does not complete a flow that waits for a provider, or for another host', async () => {
    const begun = await browser.get(`${AUTH}/.doorward/sign_in`);
    const flowId = new URL(begun.location).searchParams.get('state')?.split('.')[0] ?? '';
    const sealer = createSealer([SECRET], systemEntropy);
    const forged = sealer.seal(
      'ticket',
      JSON.stringify({ s: 'x'.repeat(43), w: flowId, e: doorward.clock.now() + 50 }),
      new URL(AUTH).hostname,
    );
    expect((await browser.get(`${AUTH}/.doorward/ticket?ticket=${forged}`)).body).toMatch(
      /not started in this browser/,
    );
  });

  test.each(['', 'ticket=', 'ticket=garbage', `ticket=${'A'.repeat(200)}`, 'ticket=a&ticket=b'])(
    'that is none (%j) is refused',
    async (query) => {
      expect((await browser.get(`${APP}/.doorward/ticket?${query}`)).body).toMatch(/does not complete a sign-in here/);
    },
  );

  test.each([
    { s: 'x', w: '../../x', e: 1 },
    { s: 'x', w: 'A'.repeat(16) },
    { s: 1, w: 'A'.repeat(16), e: 1 },
    [],
    'text',
  ])('that has another shape (%j) is refused', async (fields) => {
    const sealed = createSealer([SECRET]).seal('ticket', JSON.stringify(fields), new URL(APP).hostname);
    expect((await browser.get(`${APP}/.doorward/ticket?ticket=${sealed}`)).code).toBe('login-failed');
  });

  test('a session cookie is no ticket, and a ticket no session cookie', async () => {
    const url = await ticketUrl(browser, `${APP}/`);
    const ticket = new URL(url).searchParams.get('ticket') ?? '';
    await browser.get(url);
    const cookie = browser.of(APP).get(SESSION) ?? '';
    expect((await browser.get(`${APP}/.doorward/ticket?ticket=${cookie}`)).code).toBe('login-failed');
    const thief = new Browser(doorward);
    thief.of(APP).set(SESSION, ticket);
    expect(await thief.ask(`${APP}/`)).toMatchObject({ status: 302 });
  });
});
