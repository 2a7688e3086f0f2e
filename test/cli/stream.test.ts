import { describe, expect, test } from '@jest/globals';
import { streamCommand, type StreamAction } from '../../src/cli/stream.ts';

type Reply = { readonly status: number; readonly body: unknown };

/** Runs the command against a service that gives this reply. */
async function run(action: StreamAction, reply: Reply | Error, output: 'text' | 'json' = 'text') {
  let [out, err] = ['', ''];
  const asked: unknown[] = [];
  const code = await streamCommand(action, {
    output,
    write: (text) => (out += text),
    writeError: (text) => (err += text),
    ask: (...question) => {
      asked.push(question);
      return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
    },
  });
  return { code, out, err, asked };
}

const stream = {
  id: '7',
  email: 'al\u0007ice@example.com',
  route: 'app',
  since: 0,
  method: 'GET',
  host: 'a.test',
  path: '/ws',
};
const ok = (body: unknown): Reply => ({ status: 200, body });

describe('doorward stream', () => {
  test('list prints a table, without what a terminal would obey', async () => {
    const { code, out, asked } = await run(
      { kind: 'list', user: 'alice', limit: 5 },
      ok({ streams: [stream, { ...stream, email: undefined, route: undefined }] }),
    );
    expect(code).toBe(0);
    expect(out).toBe(
      'STREAM  USER                ROUTE  SINCE                 WHAT\n' +
        '7       al?ice@example.com  app    1970-01-01T00:00:00Z  GET a.test/ws\n' +
        '7       -                   -      1970-01-01T00:00:00Z  GET a.test/ws\n',
    );
    expect(asked).toEqual([['GET', '/v1/streams?limit=5&user=alice']]);
    expect((await run({ kind: 'list', limit: 5 }, ok({ streams: [] }))).out).toBe('no streams\n');
  });

  test('cut says how many', async () => {
    const { code, out, asked } = await run({ kind: 'cut', session: 'abc', reason: 'lost' }, ok({ streams: 2 }));
    expect([code, out]).toEqual([0, 'cut: 2 streams\n']);
    expect(asked).toEqual([['POST', '/v1/streams/cut', { session: 'abc', reason: 'lost' }]]);
  });

  test.each([
    { kind: 'cut' },
    { kind: 'cut', id: '1', user: 'alice' },
    { kind: 'cut', id: '' },
    { kind: 'cut', id: '1', reason: '' },
    { kind: 'list', limit: 0 },
    { kind: 'list', limit: 1001 },
  ] as const)('%j is asked wrongly, and nobody is asked', async (action) => {
    const { code, asked, err } = await run(action, ok({}));
    expect([code, asked]).toEqual([2, []]);
    expect(err).not.toBe('');
  });

  test.each([
    [{ kind: 'list', limit: 1 }, ok({})],
    [{ kind: 'list', limit: 1 }, ok({ streams: [{}] })],
    [{ kind: 'cut', id: '1' }, ok({})],
    [
      { kind: 'cut', id: '1' },
      { status: 404, body: { error: 'there is none' } },
    ],
    [{ kind: 'cut', id: '1' }, new Error('nobody listens')],
  ] as const)('%j of a service that does not answer as it should is 1', async (action, reply) => {
    const { code, out, err } = await run(action, reply);
    expect([code, out]).toEqual([1, '']);
    expect(err).not.toBe('');
  });
});
