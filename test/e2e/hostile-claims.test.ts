/** What an identity provider says of its users goes into headers of the application: it must arrive as one value that means what was said, or not at all. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { linesOf } from '../support/upstream.ts';
import type { Received } from '../support/upstream.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

describe.each([
  ['hardened', 'https'],
  ['bare', 'http'],
  ['istio', 'https'],
] as const)('%s', (profile, scheme) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld({
      profile,
      scheme,
      routes: (origins) => [
        {
          from: origins('app'),
          id: 'templates',
          prefix: '/templates/',
          allow_any_authenticated_user: true,
          set_request_headers: { 'X-Greeting': 'Hello ${user.name}' },
        },
        ...standardRoutes(origins),
      ],
      config: () => ({ jwt_claims_headers: { 'X-Email': 'email', 'X-Groups': 'groups', 'X-Name': 'name' } }),
    });
  });
  afterAll(() => world.close());

  let visitors = 0;

  /** Signs a new user with these claims in, and tells what the application received. */
  async function receivedFor(claims: Readonly<Record<string, unknown>>, path = '/'): Promise<Received> {
    visitors += 1;
    const login = `visitor${visitors}`;
    const told = { email: `${login}@example.com`, email_verified: true, name: login, groups: ['staff'], ...claims };
    await world.provider().setUser({ login, ...told });
    const end = await world.login(world.client(), `${world.origins('app')}${path}`, login);
    expect(end.status).toBe(200);
    return world.lastReceived();
  }

  const assertionOf = (received: Received): Record<string, unknown> => {
    const [assertion = ''] = linesOf(received, 'x-pomerium-jwt-assertion');
    return JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<
      string,
      unknown
    >;
  };

  test.each(['/', '/templates/'])('a line break in a claim makes no second header, on %s', async (path) => {
    const received = await receivedFor({ name: 'Eve\r\nX-Email: alice@example.com\r\nX-Admin: yes' }, path);
    expect(linesOf(received, 'x-email')).toEqual([`visitor${visitors}@example.com`]);
    expect(linesOf(received, 'x-admin')).toEqual([]);
    expect(JSON.stringify(received.headerLines)).not.toMatch(/[\r\n]|\\r|\\n/);
  });

  test('a comma in a group does not make two groups of it', async () => {
    const received = await receivedFor({ groups: ['staff,sre', 'x'] });
    const groups = linesOf(received, 'x-groups');
    expect(groups).toHaveLength(1);
    expect(groups.join().split(',')).not.toContain('sre');
    expect(assertionOf(received)['groups']).toEqual(['staff,sre', 'x']);
  });

  test('a policy for a group does not take a name that only contains it', async () => {
    await world.provider().setUser({ login: 'commas', email: 'commas@example.com', groups: ['x,sre', ' sre', 'SRE'] });
    const end = await world.login(world.client(), `${world.origins('app')}/sre/x`, 'commas');
    expect(end.status).toBe(403);
  });

  test('names in other alphabets arrive whole in the assertion, and as ASCII or not at all in headers', async () => {
    const name = 'Žofie 小林 🦊';
    const received = await receivedFor({ name });
    expect(assertionOf(received)['name']).toBe(name);
    for (const value of linesOf(received, 'x-name')) expect(value).toMatch(/^[\x20-\x7e]*$/);
  });

  test('claims called like parts of an object are claims, and change nobody', async () => {
    const received = await receivedFor({ groups: ['__proto__', 'constructor'], name: '__proto__' });
    expect(linesOf(received, 'x-name')).toEqual(['__proto__']);
    expect(assertionOf(received)['groups']).toEqual(['__proto__', 'constructor']);
  });

  test('a userinfo answer with a prototype in it gives nobody a group', async () => {
    await world.provider().setUser({ login: 'proto', email: 'proto@example.com', email_verified: true, name: 'Proto' });
    const body = '{"sub":"proto","__proto__":{"groups":["sre"]},"constructor":{"prototype":{"groups":["sre"]}}}';
    await world.provider().setFaults({ userinfo: { status: 200, contentType: 'application/json', body } });
    const end = await world.login(world.client(), `${world.origins('app')}/sre/x`, 'proto');
    await world.provider().setFaults({});
    expect(end.status).toBe(403);
    expect(assertionOf(await receivedFor({}))['groups']).toEqual(['staff']);
  });

  test('more about a user than headers can hold is refused in words, and nothing is cut short', async () => {
    const groups = Array.from({ length: 400 }, (_, index) => `group-${index}-${'x'.repeat(60)}`);
    await world
      .provider()
      .setUser({ login: 'many', email: 'many@example.com', email_verified: true, name: 'Many', groups });
    const before = world.upstream.received().length;
    const end = await world.login(world.client(), `${world.origins('app')}/`, 'many');
    expect(end.status).toBe(503);
    expect(world.upstream.received()).toHaveLength(before);
    const record = await world.doorward.auditOf(({ decision, path }) => decision === 'error' && path === '/');
    expect(record.detail).toContain('jwt_groups_filter');
  });
});
