import { beforeEach, describe, expect, test } from '@jest/globals';

import type { ClaimValue } from '../../src/core/session/session.ts';
import { HOME_PATH, SIGN_IN_PATH } from '../../src/core/response/refusal.ts';
import { PATHS } from '../../src/endpoints/own-paths.ts';
import { APP, AUTH, Browser, startDoorward, type Doorward } from './a-doorward.ts';

let doorward: Doorward;
let browser: Browser;
beforeEach(() => {
  doorward = startDoorward();
  browser = new Browser(doorward);
});

async function loginWith(idTokenClaims: Record<string, ClaimValue>): Promise<void> {
  const [idp] = doorward.idps;
  if (idp !== undefined) idp.next = { idTokenClaims };
  await browser.login(`${APP}/`);
}

describe('/.doorward/', () => {
  test('tells who is signed in, until when, and the ways out', async () => {
    await loginWith({ groups: ['sre', '<b>ops</b>'] });
    const seen = await browser.get(`${APP}/.doorward/`);
    expect(seen.status).toBe(200);
    for (const text of [
      'Alice',
      'alice@example.com',
      'alice-1',
      'sre, &lt;b&gt;ops&lt;/b&gt;',
      '2026-01-15 13:00:00 UTC',
    ]) {
      expect(seen.body).toContain(text);
    }
    expect(seen.body).toContain('<form method="post" action="/.doorward/sign_out">');
    expect(seen.body).toContain('href="/.doorward/sign_in?prompt=login"');
    expect(seen.header('cache-control')).toBe('no-store');
    expect((await browser.get(`${APP}/.pomerium/`)).body).toBe(seen.body);
  });

  test('shows a few of many groups', async () => {
    await loginWith({ groups: Array.from({ length: 50 }, (_, index) => `g${index}`), email: '', name: '' });
    const { body } = await browser.get(`${APP}/.doorward/`);
    expect(body).toContain('g19 and 30 more');
    expect(body).not.toContain('E-mail');
    expect(body).toMatch(/<h1>You are signed in as <em>alice-1/);
  });

  test('says that nobody is signed in, and offers to', async () => {
    const seen = await browser.get(`${APP}/.doorward/`);
    expect(seen.status).toBe(200);
    expect(seen.body).toContain('not signed in');
    expect(seen.body).toContain('href="/.doorward/sign_in"');
  });
});

describe('/.doorward/user', () => {
  test('tells what is known of the user, and no secret', async () => {
    await loginWith({
      groups: ['sre'],
      nonce: 'the-nonce',
      at_hash: 'x',
      sid: 'idp-session',
      aud: 'doorward',
      iat: 1,
      nested: { level: 3 },
      ['__proto__']: 'polluted',
      constructor: 'x',
    });
    const seen = await browser.get(`${APP}/.doorward/user`);
    expect(seen.header('content-type')).toBe('application/json');
    const user = JSON.parse(seen.body) as { readonly claims: Readonly<Record<string, unknown>> };
    expect(user).toMatchObject({
      sub: 'alice-1',
      user: 'alice-1',
      email: 'alice@example.com',
      name: 'Alice',
      groups: ['sre'],
      idp: 'default',
      issuer: 'https://default.idp.example',
      expires_at: 1768482000,
    });
    expect(Object.keys(user.claims).sort()).toEqual(
      ['__proto__', 'constructor', 'email', 'groups', 'name', 'nested.level', 'sub'].sort(),
    );
    const handle = (await doorward.sessions.list({ limit: 1 }))[0]?.handle ?? 'x';
    for (const secret of ['a.b.c', 'the-nonce', 'idp-session', '"rt"', '"at"', handle]) {
      expect(seen.body).not.toContain(secret);
    }
    expect((await browser.get(`${APP}/.pomerium/user`)).body).toBe(seen.body);
  });

  test('answers 401 in JSON to who is not signed in, a browser too', async () => {
    const seen = await browser.get(`${APP}/.doorward/user`);
    expect(seen).toMatchObject({ status: 401, code: 'login-required' });
    expect(seen.header('content-type')).toBe('application/json');
    expect(seen.header('www-authenticate')).toMatch(/^Bearer /);
    expect(JSON.parse(seen.body)).toEqual({ error: 'login-required', sign_in: PATHS.signIn, request_id: 'request-1' });
  });
});

describe('documents for programs', () => {
  test.each(['/.well-known/pomerium/jwks.json', '/.well-known/doorward/jwks.json'])(
    '%s: the public keys',
    async (path) => {
      const seen = await browser.get(APP + path);
      expect(seen.body).toBe('{"keys":[]}');
      expect(seen.header('content-type')).toBe('application/json');
      expect(seen.header('cache-control')).toBe('public, max-age=60');
      expect(seen.header('access-control-allow-origin')).toBe('*');
      expect((await browser.get(APP + path, { method: 'HEAD' })).body).toBe('');
    },
  );

  test('/.well-known/pomerium: where things are', async () => {
    expect(JSON.parse((await browser.get(`${APP}/.well-known/pomerium`)).body)).toEqual({
      authentication_callback_endpoint: `${APP}/.doorward/callback`,
      frontchannel_logout_uri: `${APP}/.doorward/sign_out`,
      jwks_uri: `${APP}/.well-known/pomerium/jwks.json`,
    });
    doorward.reload({ auth_url: AUTH });
    const ports = doorward.ports as { idps: unknown };
    ports.idps = [];
    expect(JSON.parse((await browser.get(`${APP}/.well-known/pomerium`)).body)).toMatchObject({
      authentication_callback_endpoint: `${AUTH}/.doorward/callback`,
    });
  });
});

describe('what is not there', () => {
  test('is 404, as a page or as JSON', async () => {
    const page = await browser.get(`${APP}/.doorward/nothing`);
    expect(page).toMatchObject({ status: 404, code: 'route-not-found' });
    expect(page.body).toContain('<html');
    const headers = [['accept', 'application/json']] as const;
    expect(JSON.parse((await browser.get(`${APP}/.pomerium/jwt`, { headers })).body)).toMatchObject({
      error: 'route-not-found',
    });
  });

  test('a method that an endpoint has not is 405 with those that it has', async () => {
    const seen = await browser.get(`${APP}/.doorward/user`, { method: 'DELETE' });
    expect(seen).toMatchObject({ status: 405, code: 'method-not-allowed' });
    expect(seen.header('allow')).toBe('GET, HEAD');
  });

  test('the paths that refusals lead to are those of the endpoints', () => {
    expect([SIGN_IN_PATH, HOME_PATH]).toEqual([PATHS.signIn, PATHS.home]);
  });
});
