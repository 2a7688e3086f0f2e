import { describe, expect, test } from '@jest/globals';
import { createMemorySessionStore } from '../../../src/adapters/memory/session-store.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { createAdminApi, type AdminAnswer } from '../../../src/adapters/web/admin-api.ts';
import type { HeldStreams } from '../../../src/core/streams/held-stream.ts';
import { aClock } from '../../core/session/a-session.ts';

const by = { via: 'socket', uid: 1000 } as const;
const summary = { id: '1', method: 'GET', host: 'a.test', path: '/', since: aClock().now(), route: 'app' };

function startApi(parts: { readonly streams?: boolean; readonly isFull?: boolean } = {}) {
  const asked: unknown[] = [];
  const streams: HeldStreams = {
    held: () => 7,
    list: (query, limit) => {
      asked.push(['list', query, limit]);
      return [summary];
    },
    cut: (query, who) => {
      asked.push(['cut', query, who]);
      return 3;
    },
  };
  const log = (): void => undefined;
  const api = createAdminApi({
    sessions: createMemorySessionStore({ clock: aClock() }),
    ...(parts.streams === false ? {} : { streams }),
    idps: () => [],
    audit: { isFull: () => parts.isFull === true, write: log, flush: () => Promise.resolve() },
    entropy: systemEntropy,
    clock: aClock(),
    logger: { debug: log, info: log, warn: log, error: log },
  });
  const ask = (method: string, target: string, body: unknown = {}): Promise<AdminAnswer> =>
    api({ method, target, by, body: () => Promise.resolve({ ok: true, value: body }) });
  return { ask, asked };
}

describe('the streams of the admin API', () => {
  test('are listed, with how many there are', async () => {
    const { ask, asked } = startApi();
    expect(await ask('GET', '/v1/streams?limit=5&user=alice&session=abc')).toEqual({
      status: 200,
      body: { streams: [summary], held: 7 },
    });
    expect(asked).toEqual([['list', { user: 'alice', session: 'abc' }, 5]]);
  });

  test.each([{ id: '1' }, { session: 'abc' }, { user: 'alice' }])(
    'are cut by %j, with who asks and why',
    async (named) => {
      const { ask, asked } = startApi();
      expect(await ask('POST', '/v1/streams/cut', { ...named, reason: 'lost' })).toEqual({
        status: 200,
        body: { streams: 3 },
      });
      expect(asked).toEqual([['cut', named, { by, note: 'lost' }]]);
    },
  );

  test.each([
    ['POST', '/v1/streams/cut', {}, 400],
    ['POST', '/v1/streams/cut', { reason: 'all' }, 400],
    ['POST', '/v1/streams/cut', { id: '1', user: 'alice' }, 400],
    ['POST', '/v1/streams/cut', { id: 1 }, 400],
    ['POST', '/v1/streams/cut', { host: 'a' }, 400],
    ['POST', '/v1/streams/cut', [], 400],
    ['GET', '/v1/streams?limit=0', {}, 400],
    ['GET', '/v1/streams/cut', {}, 405],
    ['POST', '/v1/streams', {}, 405],
    ['GET', '/v1/streams/1', {}, 404],
    ['POST', '/v1/streams/cut/1', {}, 404],
  ] as const)('%s %s with %j is %i, and nothing happens', async (method, target, body, status) => {
    const { ask, asked } = startApi();
    expect((await ask(method, target, body)).status).toBe(status);
    expect(asked).toEqual([]);
  });

  test('are not there without a service, and not cut without an audit', async () => {
    const { ask } = startApi({ streams: false });
    expect([
      (await ask('GET', '/v1/streams')).status,
      (await ask('POST', '/v1/streams/cut', { id: '1' })).status,
    ]).toEqual([404, 404]);
    const full = startApi({ isFull: true });
    expect((await full.ask('POST', '/v1/streams/cut', { id: '1' })).status).toBe(503);
    expect(full.asked).toEqual([]);
  });
});
