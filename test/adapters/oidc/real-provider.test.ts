import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { createIdentityProvider } from '../../../src/adapters/oidc/create-identity-provider.ts';
import { systemClock } from '../../../src/adapters/system/clock.ts';
import type { Identity, Logger } from '../../../src/core/ports.ts';
import { startOidcProvider, type RunningOidcProvider } from '../../support/oidc-provider.ts';
import { parseForm, WebClient, type WebResponse } from '../../support/web-client.ts';

const ORIGIN = 'https://app.doorward.test';
const REDIRECT_URI = `${ORIGIN}/.doorward/callback`;
const SECRET = 'the-client-secret-of-the-tests';
const quiet = (): void => undefined;
const logger: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

let real: RunningOidcProvider;
beforeAll(async () => {
  real = await startOidcProvider({ clientId: 'doorward', clientSecret: SECRET, origins: [ORIGIN] });
});
afterAll(() => real.stop());

const provider = () =>
  createIdentityProvider(
    {
      name: 'default',
      url: real.issuer,
      client_id: 'doorward',
      client_secret: SECRET,
      scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
      request_params: { prompt: 'login' },
      insecure_http: true,
    },
    { clock: systemClock, logger },
  );

/** Follows redirects until the browser would leave the provider; the address that it would go to. */
async function leave(browser: WebClient, first: WebResponse): Promise<string> {
  let response = first;
  for (let hops = 0; hops < 10; hops += 1) {
    const location = new URL(response.header('location') ?? '', response.url).href;
    if (!location.startsWith(real.issuer)) return location;
    response = await browser.send(location);
  }
  throw new Error('the provider does not let go');
}

const secrets = { state: 's'.repeat(43), nonce: 'n'.repeat(43), codeVerifier: 'v'.repeat(43) };

async function callbackOf(login: string, fields: Record<string, string> = { login, password: 'any' }): Promise<string> {
  const browser = new WebClient();
  const url = await provider().authorizationUrl({ redirectUri: REDIRECT_URI, ...secrets });
  const page = await browser.visit(url);
  const form = parseForm(page);
  return leave(browser, await browser.send(form.action, { form: { ...form.fields, ...fields } }));
}

const redeem = (callbackUrl: string, more: Partial<typeof secrets> = {}): Promise<Identity> =>
  provider().redeem({ callbackUrl, ...secrets, ...more });

describe('a login at a real provider', () => {
  test('says who it is, with groups from userinfo and a refresh token', async () => {
    const identity = await redeem(await callbackOf('alice'));
    expect(identity).toMatchObject({ issuer: real.issuer, subject: 'alice' });
    expect(identity.userinfoClaims).toMatchObject({ email: 'alice@example.com', groups: ['sre', 'staff'] });
    expect(identity.tokens.refreshToken).toEqual(expect.any(String));
  });

  test('fails for a code that was redeemed, another verifier and another nonce', async () => {
    const url = await callbackOf('bob');
    await redeem(url);
    await expect(redeem(url)).rejects.toMatchObject({ code: 'idp-refused' });
    const another = 'x'.repeat(43);
    await expect(redeem(await callbackOf('bob'), { codeVerifier: another })).rejects.toMatchObject({
      code: 'idp-refused',
    });
    await expect(redeem(await callbackOf('bob'), { nonce: another })).rejects.toMatchObject({ code: 'idp-refused' });
  });

  test('comes back with access_denied where the user cancels', async () => {
    const url = new URL(await callbackOf('alice', { cancel: '1' }));
    expect(url.searchParams.get('error')).toBe('access_denied');
    expect(url.searchParams.get('iss')).toBe(real.issuer);
  });

  test('shows the form again to who is unknown or says no password', async () => {
    const browser = new WebClient();
    const page = await browser.visit(await provider().authorizationUrl({ redirectUri: REDIRECT_URI, ...secrets }));
    expect((await browser.submit(page, { login: 'mallory', password: 'any' })).status).toBe(401);
    expect((await browser.submit(page, { login: 'alice', password: '' })).status).toBe(401);
  });
});

describe('the end of a login at a real provider', () => {
  test('the refresh token is worth nothing after it was revoked', async () => {
    const { tokens } = await redeem(await callbackOf('alice'));
    await provider().revokeTokens(tokens);
    const answer = await fetch(`${real.issuer}/me`, {
      headers: { authorization: `Bearer ${tokens.accessToken ?? ''}` },
    });
    expect(answer.status).toBe(401);
  });

  test('leads back with the state', async () => {
    const { tokens } = await redeem(await callbackOf('alice'));
    const browser = new WebClient();
    const returnTo = `${ORIGIN}/.doorward/signed_out`;
    const url = (await provider().endSessionUrl({ idToken: tokens.idToken, returnTo, state: 'the-state' })) ?? '';
    const form = parseForm(await browser.visit(url));
    const end = await leave(browser, await browser.send(form.action, { form: form.fields }));
    expect(end).toBe(`${returnTo}?state=the-state`);
  });
});

describe('faults that the provider is told to have', () => {
  test('an endpoint that is down is an outage, until it is back', async () => {
    const url = await callbackOf('carol');
    await real.setFaults({ token: { status: 503 } });
    await expect(redeem(url)).rejects.toMatchObject({ code: 'idp-unavailable' });
    await real.setFaults({});
    expect((await redeem(url)).subject).toBe('carol');
    expect((await real.requests()).token).toBeGreaterThan(1);
  });

  test('a user can change between logins', async () => {
    await real.setUser({ login: 'erin', name: 'Erin', email: 'erin@example.com', groups: ['ops'] });
    expect((await redeem(await callbackOf('erin'))).userinfoClaims).toMatchObject({ groups: ['ops'] });
  });
});
