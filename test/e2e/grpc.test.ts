/** gRPC through the real Envoy: a refusal is a gRPC status that the client's own library understands; an allowed call carries its identity. */

import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { linesOf } from '../support/upstream.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

let world: World;
let client: Client;
beforeAll(async () => {
  world = await openWorld({
    profile: 'bare',
    scheme: 'http',
    routes: (origins) => [
      { from: origins('app'), id: 'echo', prefix: '/public.Echo/', allow_public_unauthenticated_access: true },
      {
        from: origins('app'),
        id: 'sre',
        prefix: '/sre.Echo/',
        policy: [{ allow: { and: [{ groups: { has: 'sre' } }] } }],
        show_error_details: true,
      },
      { from: origins('app'), id: 'web', prefix: '/', allow_any_authenticated_user: true },
    ],
    envoy: { upstreamHttp2: true },
  });
  client = new Client(`127.0.0.1:${world.envoy.port}`, credentials.createInsecure(), {
    'grpc.default_authority': world.authority('app'),
  });
});
afterAll(async () => {
  client.close();
  await world.close();
});

const bytes = (value: Buffer): Buffer => value;

const call = (method: string, headers: Readonly<Record<string, string>> = {}): Promise<Buffer> => {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(method, bytes, bytes, Buffer.from('hello'), metadata, (error, reply) => {
      if (error !== null) reject(error);
      else resolve(reply ?? Buffer.alloc(0));
    });
  });
};

const refusal = async (method: string, headers?: Readonly<Record<string, string>>): Promise<ServiceError> => {
  try {
    await call(method, headers);
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error('the call was not refused');
};

test('a public method is open', async () => {
  expect((await call('/public.Echo/Say')).toString()).toBe('hello');
});

test('an anonymous call is UNAUTHENTICATED', async () => {
  expect(await refusal('/sre.Echo/Say')).toMatchObject({
    code: status.UNAUTHENTICATED,
    details: expect.stringContaining('request'),
  });
});

test('a call that the policy refuses is PERMISSION_DENIED, with the reason; an allowed one carries who calls', async () => {
  const cookieOf = async (user: 'alice' | 'bob'): Promise<string> => {
    const browser = world.client();
    await world.login(browser, `${world.origins('app')}/`, user);
    return browser.jar.getCookieString(`${world.origins('app')}/`);
  };
  const denied = await refusal('/sre.Echo/Say', { cookie: await cookieOf('bob') });
  expect(denied).toMatchObject({
    code: status.PERMISSION_DENIED,
    details: expect.stringContaining('groups-unauthorized'),
  });

  expect((await call('/sre.Echo/Say', { cookie: await cookieOf('alice') })).toString()).toBe('hello');
  expect(linesOf(world.lastReceived(), 'x-email')).toEqual(['alice@example.com']);
  expect(linesOf(world.lastReceived(), 'cookie')).toEqual([]);
});
