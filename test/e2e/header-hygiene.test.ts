/** Only Doorward speaks for identity: whatever a client sends under an identity's name, the upstream never gets it. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { EnvoyProfile } from '../support/envoy.ts';
import { linesOf } from '../support/upstream.ts';
import type { Received } from '../support/upstream.ts';
import { openWorld } from '../support/world.ts';
import type { Scheme, World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

const FORGED = 'forged-by-the-client';

const FORGERIES: readonly (readonly [string, readonly string[]])[] = [
  ['the assertion', [`X-Pomerium-Jwt-Assertion: ${FORGED}`]],
  ['the assertion in odd case', [`x-POMERIUM-jwt-ASSERTION: ${FORGED}`]],
  ['the assertion twice', [`X-Pomerium-Jwt-Assertion: ${FORGED}1`, `X-Pomerium-Jwt-Assertion: ${FORGED}2`]],
  ['a claim header of the configuration', [`X-Email: ${FORGED}`, `x-groups: ${FORGED}`]],
  ['a claim header twice', [`X-Email: ${FORGED}`, `X-Email: ${FORGED}`]],
  ['a claim header of Pomerium', [`X-Pomerium-Claim-Email: ${FORGED}`, `X-Pomerium-Claim-Groups: ${FORGED}`]],
  ['any header under the reserved names', [`X-Pomerium-Anything: ${FORGED}`, `X-Doorward-Anything: ${FORGED}`]],
  [
    'an identity header listed in Connection',
    ['Connection: close, x-email, x-pomerium-jwt-assertion', `X-Email: ${FORGED}`],
  ],
  ['an empty identity header beside a forged one', ['X-Email:', `X-Email: ${FORGED}`]],
  ['a value that is not UTF-8', [`X-Email: ${FORGED}\xff`]],
];

/** `_` for `-`: one header to many applications. Hardened Envoys refuse such names before anybody is asked. */
const UNDERSCORES: readonly (readonly [string, readonly string[]])[] = [
  ['the assertion with underscores', [`X_Pomerium_Jwt_Assertion: ${FORGED}`, `x_pomerium-jwt_assertion: ${FORGED}`]],
  ['claim headers with underscores', [`X_Email: ${FORGED}`, `x_groups: ${FORGED}`, `X_Doorward_Anything: ${FORGED}`]],
];

const forgedLines = (received: Received): readonly unknown[] =>
  received.headerLines.filter(([, value]) => value.includes(FORGED));

describe.each([
  ['hardened', 'https'],
  ['bare', 'http'],
  ['istio', 'https'],
] satisfies [EnvoyProfile, Scheme][])('%s', (profile, scheme) => {
  let world: World;
  let cookie = '';
  beforeAll(async () => {
    world = await openWorld({ profile, scheme, routes: standardRoutes });
    const client = world.client();
    await world.login(client, `${world.origins('app')}/`, 'alice');
    cookie = await client.jar.getCookieString(`${world.origins('app')}/`);
  });
  afterAll(() => world.close());

  test.each([...FORGERIES, ...(profile === 'hardened' ? [] : UNDERSCORES)])(
    '%s never reaches a public application',
    async (_name, lines) => {
      const response = await world.ask({ path: '/public/x', lines });
      expect(response.status).toBe(200);
      const received = world.lastReceived();
      expect(forgedLines(received)).toEqual([]);
      expect(linesOf(received, 'x-pomerium-jwt-assertion')).toEqual([]);
    },
  );

  test.each([...FORGERIES, ...(profile === 'hardened' ? [] : UNDERSCORES)])(
    '%s never reaches an application instead of, or beside, who is signed in',
    async (_name, lines) => {
      const response = await world.ask({ path: '/sre/x', lines: [...lines, `Cookie: ${cookie}`] });
      expect(response.status).toBe(200);
      const received = world.lastReceived();
      expect(forgedLines(received)).toEqual([]);
      expect(linesOf(received, 'x-email')).toEqual(['alice@example.com']);
      expect(linesOf(received, 'x-pomerium-jwt-assertion')).toEqual([
        expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/),
      ]);
    },
  );

  test('what is not about identity passes as it is', async () => {
    const lines = ['X-Custom: one', 'X-Custom: two', 'Authorization: Basic YTpi', 'Accept: application/json'];
    await world.ask({ path: '/public/x', lines });
    const received = world.lastReceived();
    expect(linesOf(received, 'x-custom').join()).toMatch(/^one, ?two$/);
    expect(linesOf(received, 'authorization')).toEqual(['Basic YTpi']);
  });

  test('other cookies pass, those of Doorward do not', async () => {
    await world.ask({ path: '/', lines: [`Cookie: a=1; ${cookie}; b=2`] });
    const sent = linesOf(world.lastReceived(), 'cookie').join('; ');
    expect(sent.replaceAll(' ', '')).toBe('a=1;b=2');
  });

  if (profile === 'hardened') {
    test('names with underscores are refused by Envoy', async () => {
      expect((await world.ask({ path: '/public/x', lines: [`x_email: ${FORGED}`] })).status).toBe(400);
    });
  }
});
