/** Held streams of two processes on one Redis: a revocation at one cuts at both; without a lease, and without Doorward, none goes on. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { startRedis } from '../support/redis.ts';
import type { RunningRedis } from '../support/redis.ts';
import { startSecondProcess } from '../support/second-process.ts';
import type { SecondProcess } from '../support/second-process.ts';
import { openDownload, openWebSocket } from '../support/stream-clients.ts';
import type { ClientStream } from '../support/stream-clients.ts';
import { startStreamingUpstream } from '../support/streaming-upstream.ts';
import type { StreamingUpstream } from '../support/streaming-upstream.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { sleep, waitFor } from '../support/wait.ts';
import type { WebClient } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

/** Of a guarantee of 50 ms, with room for a machine that is busy with other things. */
const LAST_BYTE_MS = 500;
/** Keepalive of the cluster `hold` (envoy/edge-streams.yaml): interval and timeout; and room. */
const FROZEN_MS = 2_000 + 3_000;

const folder = temporaryFolder();
let redis: RunningRedis;
let upstream: StreamingUpstream;
let world: World;
let second: SecondProcess;

beforeAll(async () => {
  redis = await startRedis({ folder, durable: true });
  upstream = await startStreamingUpstream();
  world = await openWorld({
    profile: 'streams',
    routes: (origins) => [
      { from: origins('app'), id: 'public', prefix: '/sse/public/', allow_public_unauthenticated_access: true },
      { from: origins('app'), id: 'app', prefix: '/', allow_any_authenticated_user: true },
    ],
    config: () => ({
      streams: { hold: true },
      session_store: 'redis',
      redis: { url: `redis://${redis.host}:${redis.port}/0` },
    }),
    envoy: { upstreamPort: upstream.port },
  });
  second = await startSecondProcess(world, 'streams', upstream.port);
});
afterAll(async () => {
  await second.close();
  await world.close();
  await upstream.stop();
  await redis.stop();
  folder.remove();
});

const open = (client: WebClient, origin: string, path: string): Promise<ClientStream> =>
  (path.startsWith('/ws') ? openWebSocket : openDownload)(client, `${origin}${path}`, { ca: world.ca.cert });

const openAtBoth = (client: WebClient): Promise<readonly ClientStream[]> =>
  Promise.all(
    [world.origins('app'), second.origins('app')].flatMap((origin) =>
      ['/ws', '/sse'].map((path) => open(client, origin, path)),
    ),
  );

const signedIn = async (): Promise<WebClient> => {
  const client = world.client();
  await world.login(client, `${world.origins('app')}/short`, 'alice');
  return client;
};

const cutBy = async (reason: string, count: number): Promise<void> => {
  await waitFor(`${count} records of ${reason}`, () => {
    const records = [...world.doorward.streams(), ...second.doorward.streams()];
    return records.filter((record) => record.reason === reason).length >= count ? true : undefined;
  });
};

test.each([['revoke-user', 'alice@example.com'], ['revoke-idp', 'default'], ['revoke-all']])(
  '%s at one process cuts the streams of both before it returns, and not those of a later session',
  async (...args) => {
    const streams = await openAtBoth(await signedIn());
    expect(streams.map(({ status }) => status)).toEqual([101, 200, 101, 200]);
    const anonymous = await open(world.client(), second.origins('app'), '/sse/public/1');
    const { code } = await world.doorward.command(['session', ...args, '-c', world.doorward.configFile]);
    const returnedAt = performance.now();
    expect(code).toBe(0);
    const ends = await Promise.all(streams.map(({ ended }) => ended));
    expect(ends.map(({ how }) => how)).toEqual(streams.map(() => 'aborted'));
    for (const { lastByteAtMs } of ends) expect(lastByteAtMs - returnedAt).toBeLessThan(LAST_BYTE_MS);

    const later = await openAtBoth(await signedIn());
    await sleep(300);
    expect([...later, anonymous].map((stream) => stream.isOpen())).toEqual([true, true, true, true, true]);
    for (const stream of [...later, anonymous]) stream.close();
  },
);

test('without Redis, what rests on a session is cut when the lease is over, and nothing else', async () => {
  await cutBy('revoked', 12);
  const streams = await openAtBoth(await signedIn());
  const anonymous = await open(world.client(), world.origins('app'), '/sse/public/2');
  redis.pause();
  for (const { how } of await Promise.all(streams.map(({ ended }) => ended))) expect(how).toBe('aborted');
  await cutBy('unavailable', 4);
  expect(anonymous.isOpen()).toBe(true);
  anonymous.close();
  redis.resume();
});

test('a process that is frozen, or killed, lets none of its streams go on', async () => {
  const client = await waitFor('Redis to be there again', signedIn);
  const [frozen, other] = await Promise.all([
    open(client, second.origins('app'), '/sse'),
    open(client, world.origins('app'), '/sse'),
  ]);
  expect([frozen.status, other.status]).toEqual([200, 200]);
  const startedAt = performance.now();
  second.doorward.signal('SIGSTOP');
  const { how, atMs } = await frozen.ended;
  second.doorward.signal('SIGCONT');
  expect(how).toBe('aborted');
  expect(atMs - startedAt).toBeLessThan(FROZEN_MS);
  expect(other.isOpen()).toBe(true);

  world.doorward.signal('SIGKILL');
  expect((await other.ended).how).toBe('aborted');
});
