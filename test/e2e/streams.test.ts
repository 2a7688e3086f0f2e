/** Streams that are held: what is revoked, or no longer allowed, is cut while it flows, of every kind, through the real Envoy as it is shipped. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { openDownload, openWebSocket } from '../support/stream-clients.ts';
import type { ClientStream } from '../support/stream-clients.ts';
import { startStreamingUpstream } from '../support/streaming-upstream.ts';
import type { StreamingUpstream } from '../support/streaming-upstream.ts';
import { sleep, waitFor } from '../support/wait.ts';
import { API } from '../support/web-client.ts';
import type { WebClient } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { Origins, RouteFile, World } from '../support/world.ts';

/** Of a guarantee of 50 ms, with room for a machine that is busy with other things. */
const LAST_BYTE_MS = 500;
const HOLD_HEADER = 'x-doorward-hold';

let upstream: StreamingUpstream;
let world: World;

const routes = (origins: Origins, engineers = 'sre'): readonly RouteFile[] => [
  { from: origins('app'), id: 'public', prefix: '/sse/public/', allow_public_unauthenticated_access: true },
  {
    from: origins('app'),
    id: 'engineers',
    prefix: '/sse/engineers/',
    policy: [{ allow: { and: [{ groups: { has: engineers } }] } }],
  },
  { from: origins('app'), id: 'app', prefix: '/', allow_any_authenticated_user: true },
];

beforeAll(async () => {
  upstream = await startStreamingUpstream();
  world = await openWorld({
    profile: 'streams',
    routes,
    config: () => ({ streams: { hold: true } }),
    envoy: { upstreamPort: upstream.port },
  });
});
afterAll(async () => {
  await world.close();
  await upstream.stop();
});

const url = (path: string): string => `${world.origins('app')}${path}`;
const kinds = ['ws', 'sse', 'download', 'sized', 'ws/quiet', 'sse/quiet'] as const;

const open = (client: WebClient, path: string, headers: Readonly<Record<string, string>> = {}): Promise<ClientStream> =>
  (path.startsWith('ws') ? openWebSocket : openDownload)(client, url(`/${path}`), { ca: world.ca.cert, headers });

const signedIn = async (user: 'alice' | 'bob'): Promise<WebClient> => {
  const client = world.client();
  await world.login(client, url('/short'), user);
  return client;
};

const revoke = async (...args: readonly string[]): Promise<number> => {
  const { code, stderr } = await world.doorward.command(['session', ...args, '-c', world.doorward.configFile]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return performance.now();
};

const held = async (): Promise<number> => {
  const { body } = await world.doorward.ops('/metrics');
  return Number(/^doorward_streams_held (\d+)$/m.exec(body)?.[1]);
};

const untilHeld = (count: number): Promise<true> =>
  waitFor(`${count} streams to be held`, async () => ((await held()) === count ? true : undefined), 5_000);

const recordsOf = (reason: string): Promise<readonly object[]> =>
  waitFor(`records of ${reason}`, () => {
    const records = world.doorward.streams().filter((record) => record.reason === reason);
    return records.length > 0 ? records : undefined;
  });

test('every kind of stream is cut when its user is revoked, quiet ones too, and nobody else’s', async () => {
  const [alice, bob] = await Promise.all([signedIn('alice'), signedIn('bob')]);
  const hers = await Promise.all(kinds.map((kind) => open(alice, kind)));
  const his = await Promise.all(kinds.map((kind) => open(bob, kind)));
  expect([...hers, ...his].map(({ status }) => status)).toEqual(
    [...kinds, ...kinds].map((kind) => (kind.startsWith('ws') ? 101 : 200)),
  );
  await untilHeld(2 * kinds.length);

  const returnedAt = await revoke('revoke-user', 'alice@example.com', '--reason', 'laptop lost');
  const ends = await Promise.all(hers.map(({ ended }) => ended));
  for (const end of ends) {
    expect(end.how).toBe('aborted');
    expect(end.lastByteAtMs - returnedAt).toBeLessThan(LAST_BYTE_MS);
  }
  expect(his.map((stream) => stream.isOpen())).toEqual(kinds.map(() => true));
  await untilHeld(kinds.length);
  expect((await alice.get(url('/short'), API)).status).toBe(401);
  expect((await open(alice, 'ws')).status).toBe(401);

  const records = await recordsOf('revoked');
  expect(records).toHaveLength(kinds.length);
  expect(records[0]).toMatchObject({
    kind: 'stream',
    action: 'cut',
    route: 'app',
    email: 'alice@example.com',
    session: expect.stringMatching(/^[\w-]{43}$/),
    request_id: expect.stringMatching(/^[\w-]{36}$/),
    host: 'app.doorward.test',
    method: 'GET',
    lived_s: expect.any(Number),
  });
  for (const stream of his) stream.close();
  await untilHeld(0);
});

test('what a client says under the name of the hold changes nothing, and the application never sees it', async () => {
  const alice = await signedIn('alice');
  const streams = await Promise.all(['0', '1', 'off', ''].map((said) => open(alice, 'sse', { [HOLD_HEADER]: said })));
  await untilHeld(streams.length);
  await revoke('revoke-user', 'alice@example.com');
  for (const { how } of await Promise.all(streams.map(({ ended }) => ended))) expect(how).toBe('aborted');
  for (const { headers } of upstream.streams()) expect(headers).not.toHaveProperty(HOLD_HEADER);
});

test('answers that say their length are not held, and cost nothing', async () => {
  const alice = await signedIn('alice');
  const before = await world.envoy.counter('cluster.hold.upstream_rq_total');
  for (let round = 0; round < 5; round += 1) expect((await alice.get(url('/short'), API)).status).toBe(200);
  expect(await world.envoy.counter('cluster.hold.upstream_rq_total')).toBe(before);
});

test('a policy that no longer allows a stream cuts it, and leaves the others', async () => {
  const alice = await signedIn('alice');
  const inner = await open(alice, 'sse/engineers/1');
  const outer = await open(alice, 'sse');
  const anonymous = await open(world.client(), 'sse/public/1');
  expect([inner.status, outer.status, anonymous.status]).toEqual([200, 200, 200]);
  await untilHeld(3);
  world.doorward.writeConfig({ ...world.config, routes: routes(world.origins, 'nobody') });
  expect((await inner.ended).how).toBe('aborted');
  expect((await recordsOf('not-allowed'))[0]).toMatchObject({ action: 'cut', code: 'forbidden', route: 'engineers' });
  await sleep(200);
  expect([outer.isOpen(), anonymous.isOpen()]).toEqual([true, true]);

  world.doorward.writeConfig({ ...world.config, routes: routes(world.origins).slice(1) });
  expect((await anonymous.ended).how).toBe('aborted');
  expect(outer.isOpen()).toBe(true);
  outer.close();
});

test('an administrator lists streams, and cuts one: its session goes on', async () => {
  const bob = await signedIn('bob');
  const [one, other] = await Promise.all([open(bob, 'sse'), open(bob, 'ws')]);
  await untilHeld(2);
  const ask = (...args: readonly string[]) =>
    world.doorward.command(['stream', ...args, '-c', world.doorward.configFile]);
  const { stdout } = await ask('list', '--user', 'bob@example.com', '-o', 'json');
  const { streams } = JSON.parse(stdout) as {
    readonly streams: readonly { readonly id: string; readonly path: string }[];
  };
  const id = streams.find(({ path }) => path === '/sse')?.id ?? '';
  expect(await ask('cut', id, '--reason', 'too long')).toMatchObject({ code: 0, stdout: 'cut: 1 stream\n' });
  expect((await one.ended).how).toBe('aborted');
  expect(other.isOpen()).toBe(true);
  expect((await recordsOf('administrator'))[0]).toMatchObject({ note: 'too long', by: { via: 'socket' } });
  expect((await bob.get(url('/short'), API)).status).toBe(200);
  expect((await ask('list')).stdout).toMatch(/bob@example\.com +app .* GET app\.doorward\.test\/ws/);
  expect((await ask('cut')).code).toBe(2);
  other.close();
  await untilHeld(0);
});

test('when Doorward ends, what it held is cut and told', async () => {
  const bob = await signedIn('bob');
  const streams = await Promise.all([open(bob, 'ws'), open(bob, 'sse')]);
  await untilHeld(streams.length);
  await world.doorward.stop();
  for (const { how } of await Promise.all(streams.map(({ ended }) => ended))) expect(how).toBe('aborted');
  const records = world.doorward.streams().filter(({ reason }) => reason === 'shutdown');
  expect(records).toHaveLength(streams.length);
  expect(world.envoy.output()).toMatch(/doorward_stream_revoked/);
});
