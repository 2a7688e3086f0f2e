/** Streams end with their session, through an Envoy that knows nothing of it: Doorward tells it how long each may last. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { openDownload, openWebSocket } from '../support/stream-clients.ts';
import type { ClientStream } from '../support/stream-clients.ts';
import { startStreamingUpstream } from '../support/streaming-upstream.ts';
import type { StreamingUpstream } from '../support/streaming-upstream.ts';
import { API } from '../support/web-client.ts';
import type { WebClient } from '../support/web-client.ts';
import { openWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';

const SHORT_SECONDS = 2;
/** Long enough for the tests before its end. */
const SESSION_SECONDS = 12;
const BOUND_HEADER = 'x-envoy-upstream-stream-duration-ms';

let upstream: StreamingUpstream;
let world: World;
let alice: WebClient;

beforeAll(async () => {
  upstream = await startStreamingUpstream();
  world = await openWorld({
    profile: 'istio',
    routes: (origins) => [
      { from: origins('app'), id: 'public', prefix: '/sse/public', allow_public_unauthenticated_access: true },
      {
        from: origins('app'),
        id: 'short-stream',
        regex: '/(ws|sse|download|sized)/short-stream',
        allow_any_authenticated_user: true,
        max_stream_duration: `${SHORT_SECONDS}s`,
      },
      { from: origins('app'), id: 'app', prefix: '/', allow_any_authenticated_user: true },
    ],
    config: () => ({ session_lifetime: `${SESSION_SECONDS}s` }),
    envoy: { upstreamPort: upstream.port },
  });
  alice = world.client();
  await world.login(alice, url('/short'), 'alice');
});
afterAll(async () => {
  await world.close();
  await upstream.stop();
});

const url = (path: string): string => `${world.origins('app')}${path}`;
const open = { ws: openWebSocket, sse: openDownload, download: openDownload, sized: openDownload };
const kinds = ['ws', 'sse', 'download', 'sized'] as const;

const expectCutAtRoutesEnd = async (stream: ClientStream, startedAt: number): Promise<void> => {
  const { how, atMs } = await stream.ended;
  expect(how).toBe('aborted');
  expect(atMs - startedAt).toBeGreaterThan(SHORT_SECONDS * 1000 - 100);
  expect(atMs - startedAt).toBeLessThan(SHORT_SECONDS * 1000 + 3000);
};

test('every kind of stream of a route with max_stream_duration is cut off when that is over', async () => {
  const ending = kinds.map(async (kind) => {
    const startedAt = performance.now();
    const stream = await open[kind](alice, url(`/${kind}/short-stream`), { ca: world.ca.cert });
    expect([101, 200]).toContain(stream.status);
    await expectCutAtRoutesEnd(stream, startedAt);
  });
  await Promise.all(ending);
});

test('a client that says how long changes nothing', async () => {
  const ending = ['1', '0', '86400000'].map(async (said) => {
    const startedAt = performance.now();
    const headers = { [BOUND_HEADER]: said };
    const stream = await openDownload(alice, url('/sse/short-stream'), { ca: world.ca.cert, headers });
    await expectCutAtRoutesEnd(stream, startedAt);
  });
  await Promise.all(ending);
});

test('without a session there is no bound, also where the client asks for one', async () => {
  const stream = await openDownload(world.client(), url('/sse/public'), {
    ca: world.ca.cert,
    headers: { [BOUND_HEADER]: '300' },
  });
  const first = await Promise.race([stream.ended, new Promise((resolve) => setTimeout(resolve, 1500, 'still open'))]);
  expect(first).toBe('still open');
  stream.close();
});

test('all end with the session, which was not told to Envoy by anything else', async () => {
  const streams = await Promise.all(kinds.map((kind) => open[kind](alice, url(`/${kind}`), { ca: world.ca.cert })));
  const ends = await Promise.all(streams.map(({ ended }) => ended));
  for (const { how } of ends) expect(how).toBe('aborted');
  const again = await alice.get(url('/short'), API);
  expect(again.status).toBe(401);
}, 45_000);

test('the application never sees the bound', () => {
  expect(upstream.streams().length).toBeGreaterThan(0);
  for (const { headers } of upstream.streams()) expect(headers).not.toHaveProperty(BOUND_HEADER);
});
