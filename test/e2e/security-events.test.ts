/**
 * A transmitter pushes security events through the real Envoy to one of two processes on one Redis: effective on the next request at both. The
 * transmitter is made here; its signatures, keys and requests are real.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CompactSign, exportJWK, generateKeyPair, type CryptoKey } from 'jose';

import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { startSecondProcess } from '../support/second-process.ts';
import type { SecondProcess } from '../support/second-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { WebClient, WebResponse } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { RouteFile, World } from '../support/world.ts';
import { standardRoutes } from './routes.ts';

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const AUDIENCE = 'https://doorward.example/events';
const AGREED = 'Bearer what-was-agreed-on';

const careful = (from: string): RouteFile => ({
  from,
  id: 'careful',
  prefix: '/careful/',
  policy: [{ allow: { and: [{ authenticated_user: true }, { risk: { max: 'medium', unknown: 'low' } }] } }],
});

const folder = temporaryFolder();
let redis: RunningRedis;
let world: World;
let second: SecondProcess;
let keys: Server;
let issuer: string;
let signingKey: CryptoKey;
let lastJti = 0;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  signingKey = privateKey;
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  keys = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(keys.address() as AddressInfo).port}`;
  redis = await startRedis({ folder });
  world = await openWorld({
    profile: 'minimal',
    scheme: 'http',
    routes: (origins) => [careful(origins('app')), ...standardRoutes(origins)],
    config: () => ({
      session_store: 'redis',
      redis: { url: `redis://${redis.host}:${redis.port}/0` },
      shared_signals: {
        corp: { issuer, jwks_uri: `${issuer}/jwks`, audience: AUDIENCE, authorization: AGREED },
      },
    }),
  });
  second = await startSecondProcess(world, 'minimal');
});
afterAll(async () => {
  await second.close();
  await world.close();
  await redis.stop();
  keys.close();
  folder.remove();
});

const statuses = (client: WebClient, path?: string): Promise<readonly number[]> => second.statuses(client, path);

const signedIn = async (user: string): Promise<WebClient> => {
  const client = world.client();
  await world.login(client, `${world.origins('app')}/`, user);
  expect(await statuses(client)).toEqual([200, 200]);
  return client;
};

const userOf = (sub: string): object => ({ format: 'iss_sub', iss: world.issuer, sub });

function signed(event: string, about: object, content: object): Promise<string> {
  const claims = {
    iss: issuer,
    aud: AUDIENCE,
    iat: Math.floor(Date.now() / 1000),
    jti: `j-${(lastJti += 1)}`,
    sub_id: about,
    events: { [event]: content },
  };
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'secevent+jwt' })
    .sign(signingKey);
}

const push = (body: string, authorization = AGREED): Promise<WebResponse> =>
  world.client().send(`${second.origins('app')}/.doorward/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/secevent+jwt', authorization },
    body,
  });

test.each<readonly [string, string, object, object]>([
  ['session-revoked', 'alice', { format: 'email', email: 'alice@example.com' }, {}],
  ['session-revoked', 'alice', { format: 'complex', device: { format: 'opaque', id: 'd' }, user: {} }, {}],
  ['token-claims-change', 'alice', {}, { claims: { role: 'guest' } }],
  ['credential-change', 'alice', {}, { credential_type: 'password', change_type: 'revoke' }],
])(
  '%s of %s ends all sessions of that user at both processes, and nobody else’s (%#)',
  async (name, who, about, what) => {
    const [one, other, bob] = [await signedIn(who), await signedIn(who), await signedIn('bob')];
    const user = userOf(who);
    const subject = 'user' in about ? { ...about, user } : 'format' in about ? about : user;
    const response = await push(await signed(`${CAEP}/${name}`, subject, what));
    expect([response.status, response.text]).toEqual([202, '']);
    expect(await statuses(one)).toEqual([401, 401]);
    expect(await statuses(other)).toEqual([401, 401]);
    expect(await statuses(bob)).toEqual([200, 200]);
    const told = await second.doorward.auditOf(({ detail }) => detail?.includes(name) === true);
    expect(told).toMatchObject({ endpoint: 'events', status: 202 });
  },
);

test('who does not have what was agreed on is told so, and ends nothing', async () => {
  const alice = await signedIn('alice');
  const event = await signed(`${CAEP}/session-revoked`, userOf('alice'), {});
  const refused = await push(event, 'Bearer guessed');
  expect(refused.status).toBe(400);
  expect(refused.json()).toMatchObject({ err: 'authentication_failed' });
  expect(await statuses(alice)).toEqual([200, 200]);
  expect((await push(event)).status).toBe(202);
  expect(await statuses(alice)).toEqual([401, 401]);
});

test('a risk that rises or falls counts for the next request at both processes, where the policy asks, and for nobody else', async () => {
  const [alice, bob] = [await signedIn('alice'), await signedIn('bob')];
  const say = async (level: string): Promise<number> =>
    (
      await push(
        await signed(`${CAEP}/risk-level-change`, userOf('alice'), { principal: 'USER', current_level: level }),
      )
    ).status;
  expect(await statuses(alice, '/careful/')).toEqual([200, 200]);
  for (let trial = 0; trial < 25; trial += 1) {
    expect(await say('HIGH')).toBe(202);
    expect(await statuses(alice, '/careful/')).toEqual([403, 403]);
    expect(await say('LOW')).toBe(202);
    expect(await statuses(alice, '/careful/')).toEqual([200, 200]);
  }
  expect(await say('HIGH')).toBe(202);
  expect(await statuses(alice)).toEqual([200, 200]);
  expect(await statuses(bob, '/careful/')).toEqual([200, 200]);
  const again = await signedIn('alice');
  expect(await statuses(again, '/careful/')).toEqual([403, 403]);
  const told = await second.doorward.auditOf(({ allow_reasons: reasons }) => reasons.includes('risk-too-high'));
  expect(told).toMatchObject({ decision: 'deny', route: 'careful', facts: { risk: { level: 'high', said: true } } });
});

test('a device out of compliance counts until that device complies, whatever is said of another', async () => {
  const bob = await signedIn('bob');
  const say = async (id: string, status: string): Promise<number> => {
    const about = { format: 'complex', user: userOf('bob'), device: { format: 'opaque', id } };
    return (await push(await signed(`${CAEP}/device-compliance-change`, about, { current_status: status }))).status;
  };
  expect(await say('d1', 'not-compliant')).toBe(202);
  expect(await statuses(bob, '/careful/')).toEqual([403, 403]);
  expect(await say('d2', 'compliant')).toBe(202);
  expect(await statuses(bob, '/careful/')).toEqual([403, 403]);
  expect(await say('d1', 'compliant')).toBe(202);
  expect(await statuses(bob, '/careful/')).toEqual([200, 200]);
});
