import { beforeEach, describe, expect, test } from '@jest/globals';

import { DependencyError } from '../../src/core/ports.ts';
import { APP, AUTH, Browser, startDoorward, WIKI, type Doorward, type Seen } from './a-doorward.ts';

const SESSION = '__Host-doorward';
const OUT = `${APP}/.doorward/sign_out`;

let doorward: Doorward;
let browser: Browser;
beforeEach(async () => {
  doorward = startDoorward();
  browser = new Browser(doorward);
  await browser.login(`${APP}/`);
});

const idp = () => {
  const [first] = doorward.idps;
  if (first === undefined) throw new Error('no provider');
  return first;
};
const signOut = (headers: readonly (readonly [string, string])[] = [['origin', APP]], url = OUT): Promise<Seen> =>
  browser.get(url, { method: 'POST', headers });
const isLive = async (): Promise<boolean> => (await browser.ask(`${APP}/`)) === 'allow';

describe('a sign-out by GET', () => {
  test('ends nothing, and asks', async () => {
    const seen = await browser.get(OUT);
    expect(seen.status).toBe(200);
    expect(seen.body).toContain('<form method="post" action="/.doorward/sign_out">');
    expect(seen.body).toContain('Alice');
    expect(seen.header('content-security-policy')).toContain("form-action 'self' https:;");
    expect(await isLive()).toBe(true);
  });

  test('has the same page under Pomerium’s path, and without a body for HEAD', async () => {
    expect((await browser.get(`${APP}/.pomerium/sign_out`)).body).toContain('<form');
    expect(await browser.get(OUT, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  test('of nobody says so', async () => {
    expect((await new Browser(doorward).get(OUT)).body).toContain('You are signed out');
  });

  test('lets the form go to plain http only where this host or a provider is on it', async () => {
    const [config] = doorward.generation.config.idps;
    if (config !== undefined) doorward.reload({ idps: [{ ...config, insecure_http: true }] });
    expect((await browser.get(OUT)).header('content-security-policy')).toContain("form-action 'self' https: http:;");
  });
});

describe('a sign-out by POST', () => {
  test.each([
    ['no header at all', []],
    ['another origin', [['origin', 'https://evil.example']]],
    ['an opaque origin', [['origin', 'null']]],
    ['a sibling host', [['origin', WIKI]]],
    ['the same name on another port', [['origin', `${APP}:8443`]]],
    ['the same name on plain http', [['origin', 'http://app.example.com']]],
    ['a cross-site request', [['sec-fetch-site', 'cross-site']]],
    ['a same-site request', [['sec-fetch-site', 'same-site']]],
    ['a request of no page', [['sec-fetch-site', 'none']]],
    [
      'an origin that the other header denies',
      [
        ['origin', APP],
        ['sec-fetch-site', 'cross-site'],
      ],
    ],
    [
      'two origins',
      [
        ['origin', APP],
        ['origin', 'https://evil.example'],
      ],
    ],
    ['two origins in one line', [['origin', `${APP},https://evil.example`]]],
  ] as const)('from %s is refused, and ends nothing', async (_what, headers) => {
    const seen = await signOut(headers);
    expect(seen).toMatchObject({ status: 403, code: 'cross-site' });
    expect(seen.setCookies).toEqual([]);
    expect(await isLive()).toBe(true);
    expect(idp().revoked).toEqual([]);
  });

  test.each([[[['origin', APP]]], [[['sec-fetch-site', 'same-origin']]]] as const)(
    'from this host (%j) ends the session, and goes on to the provider',
    async (headers) => {
      const seen = await signOut(headers);
      expect(seen.status).toBe(303);
      const url = new URL(seen.location);
      expect(url.href).toContain('https://default.idp.example/logout');
      expect(url.searchParams.get('id_token_hint')).toBe('a.b.c');
      expect(url.searchParams.get('post_logout_redirect_uri')).toBe(`${APP}/.doorward/signed_out`);
      expect(browser.names(APP)).not.toContain(SESSION);
      expect(seen.setCookies).toContain(`${SESSION}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax`);
      expect(await doorward.sessions.list({ limit: 1 })).toEqual([]);
      expect(idp().revoked).toMatchObject([{ accessToken: 'at', refreshToken: 'rt' }]);
      expect(seen.answer.session?.subject).toBe('alice-1');
    },
  );

  test('works under Pomerium’s path', async () => {
    expect((await signOut([['origin', APP]], `${APP}/.pomerium/sign_out`)).status).toBe(303);
    expect(await isLive()).toBe(false);
  });

  test('the session is over even for who kept the cookie', async () => {
    const kept = browser.of(APP).get(SESSION) ?? '';
    await signOut();
    browser.of(APP).set(SESSION, kept);
    expect(await isLive()).toBe(false);
  });

  test('of nobody deletes the cookie and says that it is done', async () => {
    browser = new Browser(doorward);
    const seen = await signOut();
    expect(seen).toMatchObject({ status: 303, location: `${APP}/.doorward/signed_out` });
    expect(idp().revoked).toEqual([]);
  });

  test('without an end-session endpoint it ends on a page here, or where the configuration says', async () => {
    idp().endSession = undefined;
    expect((await signOut()).location).toBe(`${APP}/.doorward/signed_out`);
    doorward.reload({ signout_redirect_url: 'https://www.example.com/bye' });
    await browser.login(`${APP}/`);
    expect((await signOut()).location).toBe('https://www.example.com/bye');
  });

  test('a provider that is down, or gone, changes nothing for the session', async () => {
    const down = new DependencyError('idp-unavailable', 'down');
    idp().endSession = down;
    idp().revocation = down;
    const seen = await signOut();
    expect(seen).toMatchObject({ status: 303, location: `${APP}/.doorward/signed_out` });
    expect(doorward.logged).toHaveLength(2);
    expect(await isLive()).toBe(false);

    await browser.login(`${APP}/`);
    const ports = doorward.ports as { idps: unknown };
    ports.idps = [];
    expect((await signOut()).location).toBe(`${APP}/.doorward/signed_out`);
  });

  test('a store that is down is an outage, and nothing is done', async () => {
    const sessions = doorward.sessions as { revoke: unknown };
    sessions.revoke = () => Promise.reject(new DependencyError('store-unavailable', 'no store'));
    await expect(signOut()).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(idp().revoked).toEqual([]);
    expect(browser.names(APP)).toContain(SESSION);
  });
});

describe('back from the provider', () => {
  const stateOf = async (): Promise<string> => new URL((await signOut()).location).searchParams.get('state') ?? '';

  test('the page offers to sign in again', async () => {
    const seen = await browser.get(`${APP}/.doorward/signed_out?state=${await stateOf()}`);
    expect(seen.status).toBe(200);
    expect(seen.body).toContain('You are signed out');
    expect(seen.body).toContain(`href="${APP}/.doorward/sign_in"`);
  });

  test('the browser goes on to where the configuration says', async () => {
    doorward.reload({ signout_redirect_url: 'https://www.example.com/bye' });
    const state = await stateOf();
    expect((await browser.get(`${APP}/.doorward/signed_out?state=${state}`)).location).toBe(
      'https://www.example.com/bye',
    );
    expect((await browser.get(`${APP}/.doorward/signed_out`)).status).toBe(200);
    expect((await browser.get(`${APP}/.doorward/signed_out?state=garbage`)).location).toBe('');
    expect((await browser.get(`${APP}/.doorward/signed_out?state=a&state=b`)).location).toBe('');
  });

  test('who is signed in is told so, and keeps the cookie', async () => {
    const seen = await browser.get(`${APP}/.doorward/signed_out`);
    expect(seen.body).toContain('still signed in');
    expect(seen.setCookies).toEqual([]);
    expect(await isLive()).toBe(true);
  });

  test('with an authentication host there is one address for all, and the page leads back to the host', async () => {
    doorward = startDoorward({ config: { auth_url: AUTH } });
    browser = new Browser(doorward);
    await browser.login(`${APP}/`);
    const out = await signOut();
    const back = new URL(out.location);
    expect(back.searchParams.get('post_logout_redirect_uri')).toBe(`${AUTH}/.doorward/signed_out`);
    const seen = await browser.get(`${AUTH}/.doorward/signed_out?state=${back.searchParams.get('state') ?? ''}`);
    expect(seen.body).toContain(`href="${APP}/.doorward/sign_in"`);
    expect(browser.names(AUTH)).not.toContain(SESSION);
    expect(await browser.follow(`${WIKI}/`)).toMatchObject({
      location: expect.stringContaining('idp.example') as unknown,
    });
  });
});
