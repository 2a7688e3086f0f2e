/** Login, access, refusal and revocation, told from outside. Run for each Envoy profile and each session store. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';

import type { EnvoyProfile } from '../support/envoy.ts';
import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { linesOf } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';
import { API, NAVIGATION } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { Scheme, World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

type Store = 'memory' | 'redis';

export function loginSuite(profile: EnvoyProfile, scheme: Scheme, store: Store): void {
  describe(`${profile}, ${scheme}, ${store}`, () => {
    const folder = temporaryFolder();
    let redis: RunningRedis | undefined;
    let world: World;

    beforeAll(async () => {
      redis = store === 'redis' ? await startRedis({ folder }) : undefined;
      const url = redis === undefined ? undefined : `redis://${redis.host}:${redis.port}/0`;
      world = await openWorld({
        profile,
        scheme,
        // Envoy reaches Doorward by a socket in one half of the runs, by TCP in the other.
        address: store === 'redis' ? 'loopback' : 'unix',
        routes: standardRoutes,
        config: () => (url === undefined ? {} : { session_store: 'redis', redis: { url } }),
      });
    });
    afterAll(async () => {
      await world.close();
      await redis?.stop();
      folder.remove();
    });

    const page = (path: string): string => `${world.origins('app')}${path}`;
    const cookieName = scheme === 'https' ? '__Host-doorward' : 'doorward';

    test('an anonymous browser is sent to the identity provider, and nothing else happens', async () => {
      const client = world.client();
      const response = await client.send(page('/sre/board?x=1'));
      expect(response.status).toBe(302);
      const location = new URL(response.header('location') ?? '');
      expect(location.origin).toBe(world.issuer);
      expect(Object.fromEntries(location.searchParams)).toMatchObject({
        response_type: 'code',
        client_id: 'doorward',
        code_challenge_method: 'S256',
        redirect_uri: page('/.doorward/callback'),
        scope: expect.stringContaining('openid'),
        state: expect.stringMatching(/^.{20,}$/),
        nonce: expect.stringMatching(/^.{20,}$/),
        code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      });
      expect(response.setCookies).not.toHaveLength(0);
      for (const cookie of response.setCookies) {
        expect(cookie).toMatch(scheme === 'https' ? /^__Host-[^;]*;.*; Secure/ : /^doorward-flow-/);
        expect(cookie).toMatch(/; Path=\/(;|$)/);
        expect(cookie).toMatch(/; HttpOnly/);
        expect(cookie).not.toMatch(/; Domain/i);
      }
      expect(await client.cookie(page('/'), cookieName)).toBeUndefined();
    });

    test('an anonymous program is told 401 in JSON, and is not redirected', async () => {
      const response = await world.client().get(page('/sre/board'), API);
      expect(response.status).toBe(401);
      expect(response.header('www-authenticate')).toContain('doorward');
      expect(response.json()).toMatchObject({ error: 'login-required', request_id: expect.any(String) });
      expect(response.header('location')).toBeUndefined();
      expect(response.setCookies).toHaveLength(0);
    });

    test('alice signs in and the application gets her identity, signed for this host', async () => {
      const client = world.client();
      const response = await world.login(client, page('/sre/board?x=1'), 'alice');
      expect(response.status).toBe(200);
      expect(response.url).toBe(page('/sre/board?x=1'));

      const received = world.lastReceived();
      expect(received.path).toBe('/sre/board?x=1');
      expect(linesOf(received, 'x-email')).toEqual(['alice@example.com']);
      expect(linesOf(received, 'x-groups').join()).toContain('sre');
      const [assertion = ''] = linesOf(received, 'x-pomerium-jwt-assertion');
      for (const path of ['/.well-known/pomerium/jwks.json', '/.well-known/doorward/jwks.json']) {
        const jwks = (await client.get(page(path), API)).json() as JSONWebKeySet;
        const host = new URL(world.origins('app')).hostname;
        const options = { issuer: host, audience: host, algorithms: ['ES256'] };
        const { payload, protectedHeader } = await jwtVerify(assertion, createLocalJWKSet(jwks), options);
        expect(payload).toMatchObject({ email: 'alice@example.com', groups: expect.arrayContaining(['sre']) });
        expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(300);
        expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: expect.stringMatching(/^[0-9a-f]{64}$/) });
      }
    });

    test('the session cookie is for this host and browser alone, and never reaches the application', async () => {
      const client = world.client();
      await world.login(client, page('/'), 'alice');
      const set = client.seen.flatMap(({ setCookies }) => setCookies).find((line) => line.startsWith(`${cookieName}=`));
      expect(set).toMatch(/; HttpOnly/);
      expect(set).toMatch(/; SameSite=Lax/);
      expect(set).toMatch(/; Path=\/(;|$)/);
      expect(set).not.toMatch(/; Domain/i);
      if (scheme === 'https') expect(set).toMatch(/; Secure/);

      await client.jar.setCookie('theme=dark; Path=/', page('/'));
      await client.get(page('/'), API);
      const sent = linesOf(world.lastReceived(), 'cookie').join('; ');
      expect(sent).toContain('theme=dark');
      expect(sent).not.toContain(cookieName);

      const cookie = (await client.cookie(page('/'), cookieName)) ?? '';
      const elsewhere = await world.client().send(`${world.origins('other')}/`, {
        headers: { ...API, cookie: `${cookieName}=${cookie}` },
      });
      expect(elsewhere.status).toBe(401);
    });

    test('bob is signed in but not in the group: a page tells him, JSON tells his programs', async () => {
      const client = world.client();
      const response = await world.login(client, page('/sre/board'), 'bob');
      expect(response.status).toBe(403);
      expect(response.header('content-type')).toContain('text/html');
      expect(response.text).toContain('groups-unauthorized');
      expect(response.text).toContain('bob@example.com');
      expect(response.header('content-security-policy')).toContain("default-src 'none'");
      expect(response.header('cache-control')).toContain('no-store');

      const api = await client.get(page('/sre/board'), API);
      expect(api.status).toBe(403);
      expect(api.json()).toMatchObject({ error: 'forbidden', reason: 'groups-unauthorized' });
      expect(await client.get(page('/'))).toMatchObject({ status: 200 });
    });

    test('a public route is open to everybody, and an anonymous request carries no identity', async () => {
      const response = await world.client().get(page('/public/x'), API);
      expect(response.status).toBe(200);
      expect(linesOf(world.lastReceived(), 'x-pomerium-jwt-assertion')).toEqual([]);
      expect(linesOf(world.lastReceived(), 'x-email')).toEqual([]);
    });

    test('/.doorward/user says who is signed in, and nothing that could be used', async () => {
      const client = world.client();
      expect((await client.get(page('/.doorward/user'), API)).status).toBe(401);
      await world.login(client, page('/'), 'alice');
      const response = await client.get(page('/.doorward/user'), API);
      expect(response.json()).toMatchObject({ email: 'alice@example.com', groups: expect.arrayContaining(['sre']) });
      expect(response.text).not.toMatch(/token|eyJ/);
      const alias = await client.get(page('/.pomerium/user'), API);
      expect(alias.json()).toMatchObject({ email: 'alice@example.com' });
    });

    test('signing out ends the session at once, also for a copy of the cookie', async () => {
      const client = world.client();
      await world.login(client, page('/'), 'alice');
      const cookie = `${cookieName}=${(await client.cookie(page('/'), cookieName)) ?? ''}`;
      const copy = () => world.client().send(page('/'), { headers: { ...API, cookie } });
      expect((await copy()).status).toBe(200);

      const crossSite = await client.send(page('/.doorward/sign_out'), {
        method: 'POST',
        headers: { ...NAVIGATION, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      });
      expect(crossSite.status).toBe(403);
      expect((await client.get(page('/.doorward/sign_out'))).status).toBe(200);
      expect((await copy()).status).toBe(200);

      const confirm = await client.get(page('/.doorward/sign_out'));
      await client.submit(confirm, {});
      expect((await copy()).status).toBe(401);
      expect((await client.get(page('/'), API)).status).toBe(401);
    });

    test('a session that an operator revokes is refused by the very next request', async () => {
      const client = world.client();
      await world.login(client, page('/'), 'alice');
      expect((await client.get(page('/'), API)).status).toBe(200);
      const revoked = await world.doorward.command([
        'session',
        'revoke-user',
        'alice@example.com',
        '--reason',
        'left',
        '-c',
        world.doorward.configFile,
      ]);
      expect(revoked).toMatchObject({ code: 0 });
      expect((await client.get(page('/'), API)).status).toBe(401);
      const [change] = await waitFor('the record of the change', () => {
        const changes = world.doorward.changes();
        return changes.length > 0 ? changes : undefined;
      });
      expect(change).toMatchObject({ target: { kind: 'user' }, reason: 'left', outcome: 'confirmed', acknowledged: 1 });
      const list = await world.doorward.command([
        'session',
        'list',
        '-c',
        world.doorward.configFile,
        '--user',
        'alice@example.com',
      ]);
      expect(list.stdout).not.toContain('alice@example.com');
    });

    test('each Check has left one audit record, and no record or log line holds a secret', async () => {
      // Envoy's own count of the Checks that it sent.
      const asked = await world.envoy.counter('cluster.doorward.upstream_rq_total');
      await world.doorward.auditOf(() => world.doorward.audit().length >= asked);
      const records = world.doorward.audit();
      expect(records.length).toBe(asked);
      expect(new Set(records.map(({ request_id }) => request_id)).size).toBe(asked);
      expect(records.map(({ decision }) => decision)).toEqual(
        expect.arrayContaining(['allow', 'deny', 'challenge', 'respond']),
      );
      const text = JSON.stringify(records) + world.doorward.output();
      expect(text).not.toMatch(/eyJ[\w-]+\.|code=|state=|x=1|the-client-secret|PRIVATE KEY/);
    });
  });
}
