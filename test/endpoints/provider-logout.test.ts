/** Logout that begins at the identity provider: by a token that it posts, and by a page of its own with a frame. */

import { describe, expect, test } from '@jest/globals';
import type { SignedMessages } from '../../src/core/ports.ts';
import { isObject } from '../../src/core/signals/signed-message.ts';
import { APP, Browser, startDoorward, type Doorward, type Sent, watchUses } from './a-doorward.ts';

const BACK = `${APP}/.doorward/backchannel_logout`;
const FRONT = `${APP}/.doorward/frontchannel_logout`;
const ISSUER = 'https://default.idp.example';
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const FORM = 'application/x-www-form-urlencoded';

/** Believes what has the signature `good`; what is verified by whom is kept. */
const playedKeys = (): SignedMessages => ({
  verify(message) {
    const [header = '', payload = '', signature] = message.split('.');
    const part = (text: string): Readonly<Record<string, unknown>> => {
      const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
      return isObject(value) ? value : {};
    };
    return Promise.resolve(
      signature === 'good'
        ? { ok: true, value: { header: part(header), claims: part(payload) } }
        : { ok: false, error: 'the signature does not verify' },
    );
  },
});

const start = (): Doorward => startDoorward({ messages: playedKeys() });

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenFor(doorward: Doorward, changes: object = {}, signature = 'good'): string {
  const now = doorward.clock.now();
  const claims = {
    iss: ISSUER,
    aud: 'doorward',
    iat: now,
    exp: now + 120,
    jti: 'j-1',
    events: { [EVENT]: {} },
    ...changes,
  };
  return `${encoded({ alg: 'ES256', typ: 'logout+jwt' })}.${encoded(claims)}.${signature}`;
}

const posted = (text: string, changes: { readonly type?: string; readonly partial?: boolean } = {}): Sent => ({
  method: 'POST',
  headers: [['content-type', changes.type ?? FORM]],
  body: { bytes: Buffer.from(text), partial: changes.partial ?? false, asString: false },
});

async function post(doorward: Doorward, sent: Sent) {
  const answer = await doorward.answer(BACK, sent);
  if (answer === 'allow') throw new Error('it was allowed');
  return answer;
}

async function signedIn(doorward: Doorward, sid = 'sid-1'): Promise<Browser> {
  for (const idp of doorward.idps) idp.next = { idTokenClaims: { sid } };
  const browser = new Browser(doorward);
  expect(await browser.login(`${APP}/`)).toBe('allow');
  return browser;
}

const mayPass = async (browser: Browser): Promise<boolean> => (await browser.ask(`${APP}/`)) === 'allow';

describe('back-channel logout', () => {
  test('by sid ends that login and no other, and answers as the specification says', async () => {
    const doorward = start();
    const alice = await signedIn(doorward, 'sid-1');
    const other = await signedIn(doorward, 'sid-2');
    const answer = await post(doorward, posted(`logout_token=${tokenFor(doorward, { sid: 'sid-1', sub: 'alice-1' })}`));
    expect(answer.response.status).toBe(200);
    expect(answer.response.headers).toContainEqual(['cache-control', 'no-store']);
    expect(answer.detail).toBe('back-channel logout of one login at the provider: 1 sessions');
    expect(await mayPass(alice)).toBe(false);
    expect(await mayPass(other)).toBe(true);
  });

  test('by sub ends every login of the user, also one whose code is being redeemed', async () => {
    const doorward = start();
    const browsers = [await signedIn(doorward, 'sid-1'), await signedIn(doorward, 'sid-2')];
    const [idp] = doorward.idps;
    if (idp === undefined) throw new Error('there is no provider');
    let status = 0;
    idp.meanwhile = async () => {
      idp.meanwhile = () => undefined;
      status = (await post(doorward, posted(`logout_token=${tokenFor(doorward, { sub: 'alice-1' })}`))).response.status;
    };
    const inFlight = new Browser(doorward);
    expect(await inFlight.login(`${APP}/`)).not.toBe('allow');
    expect(status).toBe(200);
    for (const browser of browsers) expect(await mayPass(browser)).toBe(false);
    expect(await mayPass(await signedIn(doorward))).toBe(true);
  });

  test('a token is taken once', async () => {
    const doorward = start();
    const token = posted(`logout_token=${tokenFor(doorward, { sid: 'sid-1' })}`);
    expect((await post(doorward, token)).response.status).toBe(200);
    const browser = await signedIn(doorward);
    expect((await post(doorward, token)).response.status).toBe(400);
    expect(await mayPass(browser)).toBe(true);
  });

  test.each([
    ['unreachable', 'store-unavailable'],
    ['store-corrupt', 'store-corrupt'],
  ] as const)('a token that was not carried out (%s) may be sent again', async (why, code) => {
    const doorward = start();
    const browser = await signedIn(doorward);
    const token = posted(`logout_token=${tokenFor(doorward, { sid: 'sid-1' })}`);
    const { sessions } = doorward;
    const revoke = sessions.revoke.bind(sessions);
    sessions.revoke = () => Promise.resolve({ kind: 'not-confirmed', why, sessions: undefined, tookMs: 1 });
    await expect(post(doorward, token)).rejects.toMatchObject({ code });
    sessions.revoke = revoke;
    expect((await post(doorward, token)).response.status).toBe(200);
    expect(await mayPass(browser)).toBe(false);
  });

  const refused: readonly (readonly [string, (doorward: Doorward) => Sent])[] = [
    ['without a body', () => ({ method: 'POST', headers: [['content-type', FORM]] })],
    ['with an empty body', () => posted('')],
    [
      'with the beginning of a body',
      (of) => posted(`logout_token=${tokenFor(of, { sid: 'sid-1' })}`, { partial: true }),
    ],
    [
      'of another content type',
      (of) => posted(`logout_token=${tokenFor(of, { sid: 'sid-1' })}`, { type: 'text/plain' }),
    ],
    ['without logout_token', () => posted('token=x')],
    ['with two logout_tokens', (of) => posted(`logout_token=${tokenFor(of, { sid: 'sid-1' })}&logout_token=x`)],
    ['that is no JWS', () => posted('logout_token=garbage')],
    ['with a signature that does not verify', (of) => posted(`logout_token=${tokenFor(of, { sid: 'sid-1' }, 'bad')}`)],
    ['of an unknown issuer', (of) => posted(`logout_token=${tokenFor(of, { sid: 'sid-1', iss: `${ISSUER}/` })}`)],
    ['for another client', (of) => posted(`logout_token=${tokenFor(of, { sid: 'sid-1', aud: 'other' })}`)],
    ['that an ID token could be', (of) => posted(`logout_token=${tokenFor(of, { sid: 'sid-1', nonce: 'n' })}`)],
  ];
  test.each(refused)('one %s is 400, ends nothing and stores nothing', async (_, sentTo) => {
    const doorward = start();
    const browser = await signedIn(doorward);
    const before = doorward.sessions.loginMark();
    const used = watchUses(doorward);
    const { response, code } = await post(doorward, sentTo(doorward));
    expect([response.status, code]).toEqual([400, 'bad-request']);
    expect(JSON.parse(response.body)).toEqual({ error: 'invalid_request', error_description: expect.any(String) });
    expect(response.headers).toContainEqual(['cache-control', 'no-store']);
    expect([doorward.sessions.loginMark(), used]).toEqual([before, []]);
    expect(await mayPass(browser)).toBe(true);
  });

  test('a missing body names the setting of Envoy', async () => {
    const { response } = await post(start(), { method: 'POST', headers: [['content-type', FORM]] });
    expect(response.body).toContain('with_request_body');
  });

  test('a provider that may not end sessions is refused, and one that is not there is an outage', async () => {
    const doorward = start();
    const [idp] = doorward.idps;
    if (idp === undefined) throw new Error('there is no provider');
    const token = posted(`logout_token=${tokenFor(doorward, { sid: 'sid-1' })}`);
    idp.backchannelLogout = 'off';
    expect((await post(doorward, token)).response.status).toBe(400);
    idp.down = true;
    await expect(post(doorward, token)).rejects.toMatchObject({ code: 'idp-unavailable' });
  });

  test('that ended an unknown number of sessions says so', async () => {
    const doorward = start();
    doorward.sessions.revoke = () =>
      Promise.resolve({ kind: 'confirmed', members: 1, acknowledged: 1, sessions: undefined, tookMs: 1 });
    const { detail } = await post(doorward, posted(`logout_token=${tokenFor(doorward, { sid: 'sid-1' })}`));
    expect(detail).toBe('back-channel logout of one login at the provider: an unknown number of sessions');
  });

  test('a fault in Doorward itself is not taken for a provider that is away', async () => {
    const doorward = start();
    const [idp] = doorward.idps;
    if (idp === undefined) throw new Error('there is no provider');
    idp.trust = () => Promise.reject(new RangeError('a fault'));
    const token = posted(`logout_token=${tokenFor(doorward, { sid: 'sid-1' })}`);
    await expect(post(doorward, token)).rejects.toThrow('a fault');
  });

  test('only POST', async () => {
    const answer = await doorwardGet(BACK);
    expect([answer.response.status, answer.code]).toEqual([405, 'method-not-allowed']);
  });
});

async function doorwardGet(url: string, doorward = start()) {
  const answer = await doorward.answer(url);
  if (answer === 'allow') throw new Error('it was allowed');
  return answer;
}

describe('front-channel logout', () => {
  const query = (iss: string, sid: string): string => `?${new URLSearchParams({ iss, sid }).toString()}`;

  test('without a cookie ends the login that it names, in a frame of that provider only', async () => {
    const doorward = start();
    const alice = await signedIn(doorward, 'sid-1');
    const other = await signedIn(doorward, 'sid-2');
    const { response } = await doorwardGet(FRONT + query(ISSUER, 'sid-1'), doorward);
    expect(response.status).toBe(200);
    expect(response.headers).toContainEqual(['cache-control', 'no-store']);
    expect(response.headers).toContainEqual([
      'content-security-policy',
      `default-src 'none'; frame-ancestors ${ISSUER}`,
    ]);
    expect(response.headers.map(([name]) => name)).not.toContain('x-frame-options');
    expect(await mayPass(alice)).toBe(false);
    expect(await mayPass(other)).toBe(true);
  });

  test('drops the cookie where the browser sends it', async () => {
    const browser = await signedIn(start());
    const seen = await browser.get(FRONT + query(ISSUER, 'sid-1'));
    expect(seen.setCookies).toEqual([expect.stringContaining('Max-Age=0')]);
  });

  test('that ended an unknown number of sessions says so', async () => {
    const doorward = start();
    await signedIn(doorward, 'sid-1');
    doorward.sessions.revoke = () =>
      Promise.resolve({ kind: 'confirmed', members: 1, acknowledged: 1, sessions: undefined, tookMs: 1 });
    const { detail } = await doorwardGet(FRONT + query(ISSUER, 'sid-1'), doorward);
    expect(detail).toBe('front-channel logout of one login at the provider: an unknown number of sessions');
  });

  test('of a login that nobody has here writes nothing', async () => {
    const doorward = start();
    const browser = await signedIn(doorward, 'sid-1');
    const before = doorward.sessions.loginMark();
    expect((await doorwardGet(FRONT + query(ISSUER, 'sid-9'), doorward)).response.status).toBe(200);
    expect(doorward.sessions.loginMark()).toEqual(before);
    expect(await mayPass(browser)).toBe(true);
  });

  test.each([
    ['without both', ''],
    ['without sid', `?iss=${ISSUER}`],
    ['without iss', '?sid=sid-1'],
    ['with two sids', `${query(ISSUER, 'sid-1')}&sid=sid-2`],
    ['with a sid beyond the limit', query(ISSUER, 'x'.repeat(513))],
    ['of an unknown issuer', query('https://evil.example', 'sid-1')],
  ])('one %s is 400 and ends nothing', async (_, text) => {
    const doorward = start();
    const browser = await signedIn(doorward);
    const answer = await doorwardGet(FRONT + text, doorward);
    expect([answer.response.status, answer.code]).toEqual([400, 'bad-request']);
    expect(await mayPass(browser)).toBe(true);
  });
});
