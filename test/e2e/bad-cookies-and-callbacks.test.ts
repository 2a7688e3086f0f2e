/** Session cookies, callbacks and return targets that are not what Doorward made. Each is answered in words, and opens nothing. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { API, parseForm } from '../support/web-client.ts';
import type { WebClient, WebResponse } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { sleep } from '../support/wait.ts';
import { standardRoutes } from './routes.ts';

const NAME = '__Host-doorward';

describe.each(['hardened', 'istio'] as const)('%s', (profile) => {
  let world: World;
  let session = '';
  beforeAll(async () => {
    world = await openWorld({
      profile,
      routes: (origins) => [
        {
          from: origins('app'),
          id: 'brief',
          prefix: '/brief/',
          allow_any_authenticated_user: true,
          session_lifetime: '2s',
        },
        ...standardRoutes(origins),
      ],
    });
    const client = world.client();
    await world.login(client, page('/'), 'alice');
    session = (await client.cookie(page('/'), NAME)) ?? '';
  });
  afterAll(() => world.close());

  const page = (path: string): string => `${world.origins('app')}${path}`;
  const withCookie = (cookie: string, path = '/') =>
    world.ask({ path, lines: ['Accept: application/json', `Cookie: ${cookie}`] });

  const flipBit = (value: string, index: number): string => {
    const bytes = Buffer.from(value, 'base64url');
    bytes.writeUInt8(bytes.readUInt8(index) ^ 1, index);
    return bytes.toString('base64url');
  };

  describe('a session cookie', () => {
    test('opens the session while it is whole', async () => {
      expect((await withCookie(`${NAME}=${session}`)).status).toBe(200);
    });

    test.each([
      ['garbage', () => 'garbage'],
      ['empty', () => ''],
      ['long garbage', () => 'A'.repeat(3000)],
      ['cut short', () => session.slice(0, -1)],
      ['with one character more', () => `${session}A`],
      ['in quotes with something behind', () => `"${session}"x`],
      ['in capitals', () => session.toUpperCase()],
      ['twice in one value', () => session + session],
      ['not UTF-8', () => `${session}\xff`],
    ])('that is %s is nobody', async (_name, make) => {
      expect((await withCookie(`${NAME}=${make()}`)).status).toBe(401);
      expect((await withCookie(`${NAME}=${make()}`, '/public/x')).status).toBe(200);
    });

    test('that was changed by one bit anywhere is nobody', async () => {
      const length = Buffer.from(session, 'base64url').length;
      for (let index = 0; index < length; index += 7) {
        const response = await withCookie(`${NAME}=${flipBit(session, index)}`);
        expect([index, response.status]).toEqual([index, 401]);
      }
    });

    test('under the name without its prefix is nobody', async () => {
      expect((await withCookie(`doorward=${session}`)).status).toBe(401);
    });

    test('is refused when there are two, in one line or in two', async () => {
      expect((await withCookie(`${NAME}=${session}; ${NAME}=${session}`)).status).toBe(400);
      expect((await withCookie(`${NAME}=${session}; ${NAME}=garbage`)).status).toBe(400);
      const lines = ['Accept: application/json', `Cookie: ${NAME}=garbage`, `Cookie: ${NAME}=${session}`];
      expect((await world.ask({ path: '/', lines })).status).toBe(400);
    });

    test('of 64 KiB is refused before or by Doorward', async () => {
      const { status } = await withCookie(`${NAME}=${'A'.repeat(65_536)}`);
      expect([400, 401, 431]).toContain(status);
    });

    test('older than its route allows must sign in again', async () => {
      const client = world.client();
      expect((await world.login(client, page('/brief/x'), 'alice')).status).toBe(200);
      await sleep(2500);
      expect((await client.get(page('/brief/x'), API)).status).toBe(401);
      expect((await client.get(page('/'), API)).status).toBe(200);
    });
  });

  /** Stops before the callback: the URL that the provider sends the browser to. */
  async function callbackUrl(client: WebClient, start: string): Promise<string> {
    let response = await client.send(start);
    for (let hops = 0; hops < 12; hops++) {
      const location = response.header('location');
      if (location !== undefined && response.status < 400 && response.status >= 300) {
        const next = new URL(location, response.url).href;
        if (next.includes('/.doorward/callback')) return next;
        response = await client.send(next);
      } else {
        response = await submitAtProvider(client, response);
      }
    }
    throw new Error('the provider never came back');
  }

  const submitAtProvider = (client: WebClient, login: WebResponse): Promise<WebResponse> => {
    const form = parseForm(login);
    return client.send(form.action, { method: form.method, form: { ...form.fields, login: 'alice', password: 'any' } });
  };

  const changed = (url: string, name: string, value: string | undefined): string => {
    const copy = new URL(url);
    if (value === undefined) copy.searchParams.delete(name);
    else copy.searchParams.set(name, value);
    return copy.href;
  };

  describe('a callback', () => {
    const expectRefused = async (client: WebClient, response: WebResponse): Promise<void> => {
      expect(response.status).toBe(400);
      expect(response.header('content-type')).toContain('text/html');
      expect(await client.cookie(page('/'), NAME)).toBeUndefined();
      expect((await client.get(page('/'), API)).status).toBe(401);
    };

    test.each([
      ['without state', (url: string) => changed(url, 'state', undefined)],
      ['with an empty state', (url: string) => changed(url, 'state', '')],
      ['with another state', (url: string) => changed(url, 'state', 'A'.repeat(43))],
      ['without code', (url: string) => changed(url, 'code', undefined)],
      ['with another code', (url: string) => changed(url, 'code', 'not-a-code')],
      ['with another issuer', (url: string) => changed(url, 'iss', 'https://evil.example')],
      ['without the issuer that the provider announces', (url: string) => changed(url, 'iss', undefined)],
      ['with error=access_denied', (url: string) => changed(changed(url, 'code', undefined), 'error', 'access_denied')],
      ['with an error of a client’s own making', (url: string) => changed(url, 'error', '<script>alert(1)</script>')],
      ['with two codes', (url: string) => `${url}&code=second`],
      ['with two states', (url: string) => `${url}&state=second`],
    ])('%s is refused with a page', async (_name, change) => {
      const client = world.client();
      const response = await client.send(change(await callbackUrl(client, page('/'))));
      await expectRefused(client, response);
      expect(response.text).not.toContain('<script>');
    });

    test('of another browser signs nobody in', async () => {
      const attacker = world.client();
      const url = await callbackUrl(attacker, page('/'));
      const victim = world.client();
      await victim.send(page('/'));
      await expectRefused(victim, await victim.send(url));
    });

    test('works once and never again', async () => {
      const client = world.client();
      const url = await callbackUrl(client, page('/sre/board'));
      const cookies = await client.jar.getCookieString(page('/'));
      const first = await client.send(url);
      expect(first.header('location') ?? first.text).toContain('/sre/board');
      const again = await world.client().send(url, { headers: { cookie: cookies } });
      expect(again.status).toBe(400);
      expect(again.setCookies.filter((line) => line.startsWith(`${NAME}=`) && !line.includes('Max-Age=0'))).toEqual([]);
    });

    test('at another host than the one that began is refused', async () => {
      const client = world.client();
      const url = (await callbackUrl(client, page('/'))).replace(world.origins('app'), world.origins('other'));
      const response = await client.send(url);
      expect(response.status).toBe(400);
    });
  });

  describe('a return target', () => {
    test.each([
      'https://evil.example/',
      'http://evil.example/',
      '//evil.example/',
      '///evil.example/',
      '/\\evil.example/',
      '\\\\evil.example/',
      '/\t/evil.example/',
      '/\n/evil.example/',
      '/%09/evil.example/',
      '/%2f/evil.example/',
      '/%5cevil.example/',
      'javascript:alert(1)',
      'data:text/html,x',
      'https:evil.example',
      'https:/evil.example',
      'evil.example',
      '@evil.example/',
      '.evil.example/',
      'https://app.doorward.test@evil.example/',
      'https://app.doorward.test.evil.example/',
      '/x\r\nLocation: https://evil.example/',
      '\u2044\u2044evil.example/',
      '/.doorward/callback?code=x',
      '/.doorward/sign_out',
      '/..//evil.example/',
    ])('%j leads nowhere else', async (target) => {
      const client = world.client();
      const response = await client.send(page(`/.doorward/sign_in?return=${encodeURIComponent(target)}`));
      if (response.status === 400) return;
      const end = await world.login(client, page(`/.doorward/sign_in?return=${encodeURIComponent(target)}`), 'alice');
      expect(new URL(end.url).origin).toBe(world.origins('app'));
      for (const { url } of client.seen) expect(new URL(url).hostname).not.toContain('evil');
    });

    test('on this host is where the login ends', async () => {
      const end = await world.login(
        world.client(),
        page(`/.doorward/sign_in?return=${encodeURIComponent('/sre/x?y=1')}`),
        'alice',
      );
      expect(end).toMatchObject({ status: 200, url: page('/sre/x?y=1') });
    });
  });

  test('nothing of all this was a fault, and each was audited', () => {
    expect(world.doorward.exitCode()).toBeUndefined();
    const records = world.doorward.audit();
    expect(records.filter(({ code }) => code === 'internal-error')).toEqual([]);
    expect(records.filter(({ code }) => code === 'login-failed').length).toBeGreaterThan(10);
  });
});
