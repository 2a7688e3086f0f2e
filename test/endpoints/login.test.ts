import { beforeEach, describe, expect, test } from '@jest/globals';

import { DependencyError } from '../../src/core/ports.ts';
import { APP, Browser, callbackOf, startDoorward, WIKI, type Doorward, type Seen } from './a-doorward.ts';

const FLOW = '__Host-doorward-flow-';
const SESSION = '__Host-doorward';

let doorward: Doorward;
let browser: Browser;
beforeEach(() => {
  doorward = startDoorward();
  browser = new Browser(doorward);
});

const idp = () => {
  const [first] = doorward.idps;
  if (first === undefined) throw new Error('no provider');
  return first;
};
const isSignedIn = (of = browser, at = APP): boolean => of.names(at).includes(SESSION);
const flows = (of = browser, at = APP): readonly string[] => of.names(at).filter((name) => name.startsWith(FLOW));
const sessionCount = async (): Promise<number> => (await doorward.sessions.list({ limit: 100 })).length;

/** A page that says that the sign-in did not come about, and no session. */
async function expectFailure(seen: Seen, words: RegExp): Promise<void> {
  expect(seen).toMatchObject({ status: 400, code: 'login-failed', location: '' });
  expect(seen.header('content-type')).toMatch(/^text\/html/);
  expect(seen.body).toMatch(words);
  expect(seen.body).toContain('request-1');
  expect(isSignedIn()).toBe(false);
  expect(await sessionCount()).toBe(0);
}

describe('a challenged page', () => {
  test('goes straight to the one provider, and nothing is stored but a cookie', async () => {
    const seen = await browser.get(`${APP}/a?b=c`);
    expect(seen.status).toBe(302);
    const url = new URL(seen.location);
    expect(url.origin).toBe('https://default.idp.example');
    expect(url.searchParams.get('redirectUri')).toBe(`${APP}/.doorward/callback`);
    expect(url.searchParams.get('codeVerifier')).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(flows()).toHaveLength(1);
    expect(seen.setCookies[0]).toMatch(/; Max-Age=600; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
    expect(await sessionCount()).toBe(0);
  });

  test('state, nonce and verifier differ from each other and from login to login', async () => {
    const values = new Set<string>();
    for (let round = 0; round < 5; round += 1) {
      const { searchParams } = new URL((await browser.get(`${APP}/`)).location);
      for (const name of ['state', 'nonce', 'codeVerifier']) values.add(searchParams.get(name) ?? '');
    }
    expect(values.size).toBe(15);
  });

  test('ends where it began once the login is done, with a new session', async () => {
    const seen = await browser.get(callbackOf((await browser.get(`${APP}/a?b=c`)).location));
    expect(seen).toMatchObject({ status: 302, location: `${APP}/a?b=c` });
    expect(flows()).toHaveLength(0);
    expect(await browser.ask(`${APP}/a?b=c`)).toBe('allow');
    const [session] = await doorward.sessions.list({ limit: 10 });
    expect(session).toMatchObject({ subject: 'alice-1', email: 'alice@example.com', idp: 'default' });
    expect(seen.answer.session?.handle).toBe(session?.handle);
  });

  test('keeps scheme and port of the configuration', async () => {
    const begun = await browser.get(`${WIKI}/x`);
    expect(new URL(begun.location).searchParams.get('redirectUri')).toBe(`${WIKI}/.doorward/callback`);
    expect((await browser.get(callbackOf(begun.location))).location).toBe(`${WIKI}/x`);
  });

  test('a path that looks like another site comes back to this one', async () => {
    doorward.reload({
      routes: [{ from: APP, prefix: '/', allow_any_authenticated_user: true, relax: ['double_slash'] }],
    });
    const seen = await browser.login(`${APP}//evil.example/x`);
    expect(seen).toBe('allow');
    const again = new Browser(doorward);
    const arrived = await again.get(callbackOf((await again.get(`${APP}//evil.example/x`)).location));
    expect(arrived.location).toBe(`${APP}//evil.example/x`);
  });

  test('is an outage while the provider is down', async () => {
    idp().down = true;
    await expect(browser.get(`${APP}/`)).rejects.toMatchObject({ code: 'idp-unavailable' });
  });

  test('on plain http the cookie has neither prefix nor Secure', async () => {
    const origin = 'http://app.localhost:8080';
    doorward.reload({ routes: [{ from: origin, prefix: '/', allow_any_authenticated_user: true }] });
    expect(await browser.login(`${origin}/x`)).toBe('allow');
    expect(browser.names(origin)).toEqual(['doorward', 'doorward-rounds']);
  });
});

describe('several tabs', () => {
  test('do not disturb each other', async () => {
    const urls = [];
    for (const page of ['/1', '/2', '/3']) urls.push((await browser.get(APP + page)).location);
    expect(flows()).toHaveLength(3);
    const first = await browser.get(callbackOf(urls[1] ?? ''));
    expect(first.location).toBe(`${APP}/2`);
    // The others go on with the session that is there, without a word to the provider.
    for (const [index, page] of [['0', '/1'] as const, ['2', '/3'] as const]) {
      expect((await browser.get(callbackOf(urls[Number(index)] ?? ''))).location).toBe(APP + page);
    }
    expect(idp().redeemed).toHaveLength(1);
    expect(await sessionCount()).toBe(1);
  });

  test('a sixth pending login drops the oldest', async () => {
    const urls = [];
    for (let tab = 1; tab <= 6; tab += 1) {
      urls.push((await browser.get(`${APP}/${tab}`)).location);
      doorward.clock.advance(1);
    }
    expect(flows()).toHaveLength(5);
    await expectFailure(await browser.get(callbackOf(urls[0] ?? '')), /not started in this browser/);
    expect((await browser.get(callbackOf(urls[1] ?? ''))).location).toBe(`${APP}/2`);
  });

  test('fifty with long addresses leave cookies of a bounded size', async () => {
    for (let tab = 0; tab < 50; tab += 1) {
      await browser.get(`${APP}/${tab}?${'x'.repeat(2000)}`);
      doorward.clock.advance(0.1);
    }
    const header = [...browser.of(APP)].map(([name, value]) => `${name}=${value}`).join('; ');
    expect(flows().length).toBeGreaterThan(0);
    expect(header.length).toBeLessThan(6500);
  });

  test('that were opened at once are thinned out by the next answer, garbage first', async () => {
    const jar = browser.of(APP);
    for (let tab = 0; tab < 12; tab += 1) {
      const alone = new Browser(doorward);
      await alone.get(`${APP}/${tab}`);
      for (const [name, value] of alone.of(APP)) jar.set(name, value);
    }
    jar.set(`${FLOW}garbage`, 'x');
    jar.set(`${FLOW}bad name!`, 'x');
    await browser.get(`${APP}/`);
    expect(flows().filter((name) => !name.includes(' '))).toHaveLength(5);
    expect(flows()).not.toContain(`${FLOW}garbage`);
  });
});

describe('a new login', () => {
  test('ends the session that this browser had', async () => {
    await browser.login(`${APP}/`);
    const [before] = await doorward.sessions.list({ limit: 10 });
    doorward.clock.advance(10);
    idp().next = { subject: 'bob-1' };
    await browser.login(`${APP}/.doorward/sign_in?prompt=login`);
    const after = await doorward.sessions.list({ limit: 10 });
    expect(after).toHaveLength(1);
    expect(after[0]?.subject).toBe('bob-1');
    expect(after[0]?.handle).not.toBe(before?.handle);
  });

  describe('where no end is confirmed, as while a replica is missing', () => {
    const revoked: unknown[] = [];
    beforeEach(() => {
      revoked.length = 0;
      doorward.sessions.revoke = (target) => {
        revoked.push(target);
        return Promise.resolve({ kind: 'not-confirmed', why: 'not-on-all-nodes', tookMs: 1, sessions: 1 });
      };
    });
    const again = (): Promise<Seen | 'allow'> => browser.login(`${APP}/.doorward/sign_in?prompt=login&return=/x`);

    test('goes on, and says in the log what may be left', async () => {
      await browser.login(`${APP}/`);
      const [before] = await doorward.sessions.list({ limit: 10 });
      doorward.clock.advance(10);
      idp().next = { subject: 'bob-1' };
      await again();
      expect(await browser.ask(`${APP}/`)).toBe('allow');
      expect((await doorward.sessions.list({ limit: 10 })).map(({ subject }) => subject)).toContain('bob-1');
      expect(revoked).toEqual([{ kind: 'session', handle: before?.handle }]);
      const lines = doorward.logged.filter((line) => line.startsWith('a login went on'));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('not-on-all-nodes');
    });

    test('asks nothing of the store for a session that is over', async () => {
      await browser.login(`${APP}/`);
      doorward.clock.advance(3601);
      await again();
      expect(await browser.ask(`${APP}/`)).toBe('allow');
      expect(revoked).toEqual([]);
    });
  });

  test('that was asked for is done, even if another tab signed in meanwhile', async () => {
    const forced = await browser.get(`${APP}/.doorward/sign_in?prompt=login`);
    expect(new URL(forced.location).searchParams.get('prompt')).toBe('login');
    await browser.login(`${APP}/`);
    idp().next = { subject: 'bob-1' };
    await browser.get(callbackOf(forced.location));
    expect(idp().redeemed).toHaveLength(2);
    expect((await doorward.sessions.list({ limit: 10 })).map(({ subject }) => subject)).toEqual(['bob-1']);
  });

  test('a login that began after the session was made is done too', async () => {
    await browser.login(`${APP}/`);
    doorward.clock.advance(3000);
    doorward.reload({
      routes: [{ from: APP, prefix: '/', allow_any_authenticated_user: true, session_lifetime: 600 }],
    });
    expect(await browser.login(`${APP}/`)).toBe('allow');
    expect(idp().redeemed).toHaveLength(2);
    expect(await sessionCount()).toBe(1);
  });
});

describe('a browser that loses its session', () => {
  const lose = (): void => void browser.of(APP).delete(SESSION);

  test('is stopped after five rounds, and may try again by a click', async () => {
    for (let round = 0; round < 5; round += 1) {
      await browser.login(`${APP}/a`);
      lose();
    }
    const stopped = await browser.get(`${APP}/a`);
    expect(stopped).toMatchObject({ status: 400, code: 'login-failed' });
    expect(stopped.body).toMatch(/does not keep the cookie/);
    const link = /href="([^"]+)"/.exec(stopped.body)?.[1] ?? '';
    const onward = await browser.get(APP + link.replaceAll('&amp;', '&'));
    expect(onward.status).toBe(302);
    expect((await browser.get(callbackOf(onward.location))).location).toBe(`${APP}/a`);
  });

  test('is led to the page about oneself where sign_in would not take the address', async () => {
    const relaxed = { from: APP, prefix: '/', allow_any_authenticated_user: true, relax: ['double_slash'] } as const;
    doorward.reload({ routes: [relaxed] });
    for (let round = 0; round < 5; round += 1) {
      await browser.login(`${APP}//a`);
      lose();
    }
    expect((await browser.get(`${APP}//a`)).body).toContain('href="/.doorward/sign_in"');
  });

  test('is not stopped when the rounds are long ago', async () => {
    for (let round = 0; round < 8; round += 1) {
      expect(await browser.login(`${APP}/`)).toBe('allow');
      lose();
      doorward.clock.advance(30);
    }
  });

  test('cannot be stopped by what it makes up', async () => {
    browser.of(APP).set('__Host-doorward-rounds', 'x'.repeat(100));
    expect(await browser.login(`${APP}/`)).toBe('allow');
  });
});

describe('several providers', () => {
  beforeEach(() => {
    doorward = startDoorward({
      idps: ['default', 'partners'],
      config: {
        routes: [
          { from: APP, prefix: '/staff', allow_any_authenticated_user: true, idp: 'default' },
          { from: APP, prefix: '/', allow_any_authenticated_user: true },
        ],
      },
    });
    browser = new Browser(doorward);
  });

  const links = (body: string): readonly string[] =>
    [...body.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => APP + href.replaceAll('&amp;', '&'));

  test('are offered as a choice, which begins no login', async () => {
    const chooser = await browser.get(`${APP}/a`);
    expect(chooser).toMatchObject({ status: 200, code: 'own-response' });
    expect(chooser.body).toContain('The partners provider');
    expect(flows()).toHaveLength(0);
    const [, partners = ''] = links(chooser.body);
    const begun = await browser.get(partners);
    expect(new URL(begun.location).origin).toBe('https://partners.idp.example');
    expect(new URL(begun.location).searchParams.get('redirectUri')).toBe(`${APP}/.doorward/callback/partners`);
    expect((await browser.get(callbackOf(begun.location))).location).toBe(`${APP}/a`);
  });

  test('a route that takes one of them goes straight to it, and takes no session of the other', async () => {
    expect(new URL((await browser.get(`${APP}/staff`)).location).origin).toBe('https://default.idp.example');
    await browser.login(`${APP}/.doorward/sign_in?idp=partners`);
    expect(await browser.ask(`${APP}/`)).toBe('allow');
    expect(new URL((await browser.get(`${APP}/staff`)).location).origin).toBe('https://default.idp.example');
    const asked = await browser.get(`${APP}/.doorward/sign_in?return=/staff`);
    expect(new URL(asked.location).origin).toBe('https://default.idp.example');
  });

  test('a provider that the page does not take cannot be chosen for it', async () => {
    const chooser = await browser.get(`${APP}/a`);
    const [first = ''] = links(chooser.body);
    expect((await browser.get(first.replace(/idp=[a-z]+/, 'idp=nobody'))).code).toBe('bad-request');
    doorward.reload({
      routes: [{ from: APP, prefix: '/', allow_any_authenticated_user: true, idp: ['default', 'partners'] }],
    });
    const both = links((await browser.get(`${APP}/a`)).body);
    expect(both).toHaveLength(2);
  });

  test('the callback of one with the state of another is refused, at either address', async () => {
    const begun = await browser.get(`${APP}/.doorward/sign_in?idp=partners`);
    const [honest] = doorward.idps;
    const url = callbackOf(begun.location, { iss: 'https://default.idp.example' });
    await expectFailure(await browser.get(url.replace('/callback/partners', '/callback')), /Another identity provider/);
    expect(honest?.redeemed).toHaveLength(0);
    const again = await browser.get(`${APP}/.doorward/sign_in?idp=partners`);
    const mixed = callbackOf(again.location, { iss: 'https://default.idp.example' });
    await expectFailure(await browser.get(mixed), /could not be verified/);
  });

  test('one that the page does not take cannot be chosen by changing the link', async () => {
    const idps = ['default', 'partners', 'suppliers'];
    const route = { from: APP, prefix: '/', allow_any_authenticated_user: true, idp: ['default', 'partners'] };
    doorward = startDoorward({ idps, config: { routes: [route] } });
    browser = new Browser(doorward);
    const [link = ''] = links((await browser.get(`${APP}/a`)).body);
    const seen = await browser.get(link.replace('idp=default', 'idp=suppliers'));
    expect(seen).toMatchObject({ code: 'bad-request', location: '' });
  });

  test('that are gone by the time of the callback are not asked', async () => {
    const begun = await browser.get(`${APP}/.doorward/sign_in?idp=partners`);
    const ports = doorward.ports as { idps: unknown };
    ports.idps = doorward.idps.slice(0, 1);
    await expectFailure(await browser.get(callbackOf(begun.location)), /no longer in use/);
  });

  test('none: there is no way to sign in, and the page says so', async () => {
    const ports = doorward.ports as { idps: unknown };
    ports.idps = [];
    const seen = await browser.get(`${APP}/`);
    expect(seen).toMatchObject({ status: 400, code: 'login-failed' });
    expect(seen.body).toMatch(/no way to sign in/);
  });

  test('an ask that was made for another host, or is no ask, is refused', async () => {
    const [link = ''] = links((await browser.get(`${APP}/a`)).body);
    doorward.reload({
      routes: [{ from: WIKI, prefix: '/', allow_any_authenticated_user: true }, ...doorward.generation.config.routes],
    });
    const elsewhere = await browser.get(link.replace(APP, WIKI));
    expect(elsewhere.code).toBe('login-failed');
    expect((await browser.get(`${APP}/.doorward/sign_in?ask=garbage`)).code).toBe('login-failed');
    doorward.clock.advance(700);
    const late = await browser.get(link);
    expect(late.body).toMatch(/took too long/);
    expect(late.body).toContain(`href="${APP}/a"`);
  });

  test('a choice that was made meanwhile in another tab is not made again', async () => {
    const [link = ''] = links((await browser.get(`${APP}/a`)).body);
    await browser.login(`${APP}/.doorward/sign_in?idp=default`);
    expect((await browser.get(link)).location).toBe(`${APP}/a`);
  });
});

describe('sign_in', () => {
  test('comes back to the page that it was asked for, or to the page about oneself', async () => {
    for (const parameter of ['return', 'pomerium_redirect_uri']) {
      const visitor = new Browser(doorward);
      const begun = await visitor.get(`${APP}/.doorward/sign_in?${parameter}=${encodeURIComponent(`${APP}/x?y=z`)}`);
      expect((await visitor.get(callbackOf(begun.location))).location).toBe(`${APP}/x?y=z`);
    }
    const begun = await browser.get(`${APP}/.pomerium/sign_in`);
    expect((await browser.get(callbackOf(begun.location))).location).toBe(`${APP}/.doorward/`);
  });

  test('goes on at once where somebody is signed in', async () => {
    await browser.login(`${APP}/`);
    expect((await browser.get(`${APP}/.doorward/sign_in?return=/x`)).location).toBe(`${APP}/x`);
    expect(idp().redeemed).toHaveLength(1);
  });

  test.each([
    'return=https://evil.example/',
    'return=//evil.example/',
    'return=/%5Cevil.example',
    'return=%2F%2Fevil.example',
    'return=/a&return=/b',
    'pomerium_redirect_uri=https://evil.example/',
    'idp=nobody',
    'prompt=none',
    'return=/.doorward/callback',
  ])('refuses %s', async (query) => {
    const seen = await browser.get(`${APP}/.doorward/sign_in?${query}`);
    expect(seen).toMatchObject({ status: 400, code: 'bad-request', location: '' });
    expect(browser.names(APP)).toEqual([]);
  });

  test('is not begun by an image or a script of another page', async () => {
    const sent = { headers: [['sec-fetch-mode', 'no-cors']] as const };
    const seen = await browser.get(`${APP}/.doorward/sign_in`, sent);
    expect(seen).toMatchObject({ code: 'bad-request' });
    expect(browser.names(APP)).toEqual([]);
  });
});

describe('SameSite', () => {
  test('Strict: the browser goes on from a page of this host, so that it sends the cookie', async () => {
    doorward.reload({ cookie_same_site: 'strict' });
    const seen = await browser.get(callbackOf((await browser.get(`${APP}/a`)).location));
    expect(seen).toMatchObject({ status: 200, location: '' });
    expect(seen.header('refresh')).toBe(`0;url=${APP}/a`);
    expect(seen.body).toContain(`href="${APP}/a"`);
    expect(seen.setCookies.find((line) => line.startsWith(`${SESSION}=`))).toMatch(/SameSite=Strict/);
    expect(await browser.ask(`${APP}/a`)).toBe('allow');
  });

  test('None: the cookie of the pending login is None too', async () => {
    doorward.reload({ cookie_same_site: 'none' });
    expect((await browser.get(`${APP}/a`)).setCookies[0]).toMatch(/SameSite=None$/);
  });
});

describe('a callback that is not what it should be', () => {
  const begin = async (): Promise<string> => (await browser.get(`${APP}/a`)).location;

  test('without state', async () => {
    await begin();
    await expectFailure(await browser.get(`${APP}/.doorward/callback?code=x`), /incomplete/);
    await expectFailure(await browser.get(`${APP}/.doorward/callback`), /incomplete/);
    await expectFailure(await browser.get(`${APP}/.doorward/callback?code=x&state=`), /incomplete/);
  });

  test('without code: the login is over', async () => {
    const url = new URL(callbackOf(await begin()));
    url.searchParams.delete('code');
    await expectFailure(await browser.get(url.href), /incomplete/);
    expect(flows()).toHaveLength(0);
  });

  test('with a parameter twice', async () => {
    const url = callbackOf(await begin());
    await expectFailure(await browser.get(`${url}&code=another`), /two ways/);
    await expectFailure(await browser.get(`${url}&state=another`), /two ways/);
    await expectFailure(await browser.get(`${url}&iss=a&iss=b`), /two ways/);
    await expectFailure(await browser.get(`${url}&${'x'.repeat(33_000)}`), /two ways/);
  });

  test('with the state of another browser', async () => {
    const stranger = new Browser(doorward);
    const url = callbackOf((await stranger.get(`${APP}/a`)).location);
    await expectFailure(await browser.get(url), /not started in this browser/);
    expect(idp().redeemed).toHaveLength(0);
  });

  test('with this browser’s flow but another proof: the login goes on', async () => {
    const url = new URL(callbackOf(await begin()));
    const state = url.searchParams.get('state') ?? '';
    url.searchParams.set('state', `${state.slice(0, -1)}${state.endsWith('A') ? 'B' : 'A'}`);
    await expectFailure(await browser.get(url.href), /another sign-in/);
    url.searchParams.set('state', `${state}A`);
    await expectFailure(await browser.get(url.href), /another sign-in/);
    url.searchParams.set('state', state);
    expect((await browser.get(url.href)).location).toBe(`${APP}/a`);
  });

  test.each(['x', '.', 'a.b.c', '../../x.y', 'A'.repeat(16), '\u0000', `${'A'.repeat(16)}.${'B'.repeat(43)}`])(
    'with the state %j',
    async (state) => {
      await begin();
      const query = new URLSearchParams({ code: 'x', state }).toString();
      await expectFailure(await browser.get(`${APP}/.doorward/callback?${query}`), /not started in this browser/);
    },
  );

  test('with a flow cookie that is tampered with, or set twice', async () => {
    const url = callbackOf(await begin());
    const [name = ''] = flows();
    const jar = browser.of(APP);
    const value = jar.get(name) ?? '';
    jar.set(name, `${value.slice(0, 40)}${value[40] === 'A' ? 'B' : 'A'}${value.slice(41)}`);
    await expectFailure(await browser.get(url), /not started in this browser/);
    jar.set(name, `${value}; ${name}=${value}`);
    await expectFailure(await browser.get(url), /not started in this browser/);
  });

  test('with the flow cookie of another host, or of another flow', async () => {
    const url = callbackOf(await begin());
    const [name = ''] = flows();
    const atWiki = callbackOf((await browser.get(`${WIKI}/`)).location);
    const [wikiName = ''] = flows(browser, WIKI);
    browser.of(APP).set(wikiName, browser.of(WIKI).get(wikiName) ?? '');
    await expectFailure(await browser.get(atWiki.replace(WIKI, APP)), /not started in this browser/);
    const second = await browser.get(`${APP}/b`);
    const otherName = flows().find((one) => one !== name && one !== wikiName) ?? '';
    browser.of(APP).set(name, browser.of(APP).get(otherName) ?? '');
    await expectFailure(await browser.get(url), /not started in this browser/);
    expect((await browser.get(callbackOf(second.location))).location).toBe(`${APP}/b`);
  });

  test('too late', async () => {
    const url = callbackOf(await begin());
    doorward.clock.advance(600);
    const seen = await browser.get(url);
    await expectFailure(seen, /took too long/);
    expect(seen.body).toContain(`href="${APP}/a"`);
  });

  test.each([
    ['access_denied', /cancelled/, 'the identity provider answered access_denied'],
    ['server_error', /reported an error/, 'the identity provider answered with an error: server_error'],
    ['<script>', /reported an error/, 'the identity provider answered with an error: an unknown error'],
  ])('with error=%s: a page that says so, and the login is over', async (error, words, detail) => {
    const url = callbackOf(await begin(), { error });
    const seen = await browser.get(url);
    await expectFailure(seen, words);
    expect(seen.answer.detail).toBe(detail);
    expect(seen.body).not.toContain('<script>');
    expect(flows()).toHaveLength(0);
    expect(idp().redeemed).toHaveLength(0);
  });

  test('replayed: it is refused without asking the provider', async () => {
    const url = callbackOf(await begin());
    const jar = new Map(browser.of(APP));
    await browser.get(url);
    // A browser that kept the cookie of the flow, and one that kept nothing.
    const thief = new Browser(doorward);
    for (const [name, value] of jar) thief.of(APP).set(name, value);
    expect((await thief.get(url)).body).toMatch(/finished already/);
    expect((await new Browser(doorward).get(url)).body).toMatch(/not started in this browser/);
    expect((await browser.get(url)).body).toMatch(/finished already/);
    expect(idp().redeemed).toHaveLength(1);
    expect(await sessionCount()).toBe(1);
    expect(isSignedIn()).toBe(true);
  });

  test('sent twice at once: one of them signs in', async () => {
    const url = callbackOf(await begin());
    const twin = new Browser(doorward);
    for (const [name, value] of browser.of(APP)) twin.of(APP).set(name, value);
    const [one, other] = await Promise.all([browser.get(url), twin.get(url)]);
    expect([one.status, other.status].sort()).toEqual([302, 400]);
    expect(await sessionCount()).toBe(1);
  });

  test('the provider refuses the code, or its answer does not verify', async () => {
    idp().next = new DependencyError('idp-refused', 'the nonce is another');
    const seen = await browser.get(callbackOf(await begin()));
    await expectFailure(seen, /could not be verified/);
    expect(seen.answer.detail).toMatch(/the nonce is another$/);
    expect(seen.body).not.toContain('the nonce is another');
    expect(flows()).toHaveLength(0);
  });

  test('claims without end', async () => {
    idp().next = { idTokenClaims: { groups: Array.from({ length: 20_000 }, (_, index) => `g${index}`) } };
    await expectFailure(await browser.get(callbackOf(await begin())), /could not be verified/);
  });

  test('the provider is down: an outage, and the same callback may be tried again', async () => {
    const url = callbackOf(await begin());
    idp().down = true;
    await expect(browser.get(url)).rejects.toMatchObject({ code: 'idp-unavailable' });
    idp().down = false;
    expect((await browser.get(url)).location).toBe(`${APP}/a`);
  });

  test('the store is down: an outage before the code is redeemed', async () => {
    const url = callbackOf(await begin());
    const down = (): never => {
      throw new DependencyError('store-unavailable', 'no store');
    };
    const sessions = doorward.sessions as { loginMark: unknown };
    const mark = doorward.sessions.loginMark();
    sessions.loginMark = down;
    await expect(browser.get(url)).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(idp().redeemed).toHaveLength(0);
    sessions.loginMark = () => mark;
    expect((await browser.get(url)).location).toBe(`${APP}/a`);
  });

  test('a revocation while the code is redeemed ends the login with it', async () => {
    const user = { issuer: 'https://default.idp.example', subject: 'alice-1' };
    idp().meanwhile = () => doorward.sessions.revoke({ ...user, kind: 'user' }, 'admin');
    await expectFailure(await browser.get(callbackOf(await begin())), /ended while this one was under way/);
    idp().meanwhile = () => undefined;
    expect(await browser.login(`${APP}/a`)).toBe('allow');
  });
});
