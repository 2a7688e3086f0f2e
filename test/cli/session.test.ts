import { describe, expect, test } from '@jest/globals';
import { sessionCommand, type SessionAction } from '../../src/cli/session.ts';
import { handleOf } from '../../src/core/session/cookie.ts';
import { summaryOf } from '../../src/core/session/summary.ts';
import { aSession } from '../core/session/a-session.ts';

type Reply = { readonly status: number; readonly body: unknown };
type Asked = { readonly method: string; readonly path: string; readonly body: unknown };

const handle = handleOf('one');
const summary = summaryOf(aSession({ handle }));

/** Runs the command against a service that gives these replies, in this order. */
async function run(
  action: SessionAction,
  replies: readonly (Reply | Error)[],
  output: 'text' | 'json' = 'text',
): Promise<{ readonly code: number; readonly out: string; readonly err: string; readonly asked: readonly Asked[] }> {
  let [out, err] = ['', ''];
  const asked: Asked[] = [];
  const code = await sessionCommand(action, {
    output,
    write: (text) => (out += text),
    writeError: (text) => (err += text),
    ask: (method, path, body) => {
      const reply = replies[asked.length];
      asked.push({ method, path, body });
      if (reply === undefined) throw new Error('nobody expected this question');
      return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
    },
  });
  return { code, out, err, asked };
}

const ok = (body: unknown): Reply => ({ status: 200, body });
const revoked = ok({ sessions: 1, acknowledged: 1, members: 1, tookMs: 1.234 });
const listAll: SessionAction = { kind: 'list', user: undefined, limit: 100 };

describe('doorward session list', () => {
  test('prints a table', async () => {
    const nameless = { ...summary, handle: handleOf('two'), email: '', subject: 'service-7' };
    const { code, out, asked } = await run(listAll, [ok({ sessions: [summary, nameless] })]);
    expect(code).toBe(0);
    expect(asked).toEqual([{ method: 'GET', path: '/v1/sessions?limit=100', body: undefined }]);
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/^SESSION +USER +PROVIDER +LAST USED +ENDS$/),
      `${handle}  alice@example.com  default   2026-01-15T12:00:00Z  2026-01-15T13:00:00Z`,
      expect.stringContaining('service-7'),
      '',
    ]);
  });

  test('asks for one user as he is written', async () => {
    const { asked, out } = await run({ kind: 'list', user: 'a&b=c@x', limit: 5 }, [ok({ sessions: [] })]);
    expect(asked[0]?.path).toBe('/v1/sessions?limit=5&user=a%26b%3Dc%40x');
    expect(out).toBe('no sessions\n');
  });

  test('prints JSON as the service gave it', async () => {
    const { out } = await run(listAll, [ok({ sessions: [summary] })], 'json');
    expect(JSON.parse(out)).toEqual({ sessions: [JSON.parse(JSON.stringify(summary))] });
  });

  test('lets no user speak to the terminal', async () => {
    const hostile = { ...summary, email: '\u001b[2Jroot@example.com\n\u202e' };
    const { out } = await run(listAll, [ok({ sessions: [hostile] })]);
    expect(out).toContain('?[2Jroot@example.com??');
    expect(out.split('\n')).toHaveLength(3);
  });

  test.each([0, 1001, 1.5, Number.NaN])('a limit of %p is wrong usage', async (limit) => {
    const { code, err, asked } = await run({ kind: 'list', user: undefined, limit }, []);
    expect({ code, err, asked }).toEqual({ code: 2, err: '--limit is a number from 1 to 1000\n', asked: [] });
  });

  test.each([null, [], 'text', { sessions: 1 }, { sessions: [null] }, { sessions: [{ ...summary, expiresAt: '1' }] }])(
    'an answer of %j is not Doorward’s',
    async (body) => {
      const { code, err } = await run(listAll, [ok(body)]);
      expect(code).toBe(1);
      expect(err).toContain('is not this Doorward');
    },
  );

  test('a time beyond all calendars is shown as it is', async () => {
    const { out } = await run(listAll, [ok({ sessions: [{ ...summary, expiresAt: 1e20 }] })]);
    expect(out).toContain('100000000000000000000');
  });
});

describe('doorward session show', () => {
  test('prints what there is, a line each', async () => {
    const { code, out, asked } = await run({ kind: 'show', handle }, [ok({ ...summary, claims: ['email', 'groups'] })]);
    expect(code).toBe(0);
    expect(asked[0]?.path).toBe(`/v1/sessions/${handle}`);
    expect(out).toMatch(/^createdAt +2026-01-15T12:00:00Z$/m);
    expect(out).toMatch(/^claims +email, groups$/m);
  });

  test('a session that does not exist is told', async () => {
    const { code, out, err } = await run({ kind: 'show', handle }, [
      { status: 404, body: { error: 'there is no such session' } },
    ]);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: 'there is no such session\n' });
  });

  test.each(['', 'abc', '../../users', `${handle}x`])('the handle "%s" is wrong usage', async (wrong) => {
    for (const kind of ['show', 'revoke'] as const) {
      const { code, asked, err } = await run({ kind, handle: wrong, reason: undefined }, []);
      expect({ code, asked }).toEqual({ code: 2, asked: [] });
      expect(err).toContain('43');
    }
  });
});

describe('doorward session revoke', () => {
  test('says what came of it', async () => {
    const { code, out, asked } = await run({ kind: 'revoke', handle, reason: 'lost' }, [revoked]);
    expect({ code, out }).toEqual({ code: 0, out: 'revoked: 1 session, acknowledged by 1 of 1 process in 1.2 ms\n' });
    expect(asked).toEqual([{ method: 'POST', path: `/v1/sessions/${handle}/revoke`, body: { reason: 'lost' } }]);
  });

  test('says it of many processes, and where sessions were not counted', async () => {
    const { out } = await run({ kind: 'revoke', handle, reason: undefined }, [
      ok({ acknowledged: 2, members: 3, tookMs: 9 }),
    ]);
    expect(out).toBe('revoked: acknowledged by 2 of 3 processes in 9.0 ms\n');
  });

  test.each(['', 'x'.repeat(1025)])('a reason without an end, or of nothing, is wrong usage', async (reason) => {
    const { code, err, asked } = await run({ kind: 'revoke', handle, reason }, []);
    expect({ code, err, asked }).toEqual({ code: 2, err: '--reason is a text of 1 to 1024 characters\n', asked: [] });
  });

  test.each([
    [
      { status: 503, body: { error: 'the session store cannot be reached now' } },
      'the session store cannot be reached now',
    ],
    [{ status: 500, body: '<html>' }, 'the service did not say why'],
    [{ status: 500, body: { error: '\u001b[2J' } }, '?[2J'],
    [ok({ acknowledged: 'all' }), 'what answers on the admin socket is not this Doorward'],
    [
      new Error('no Doorward answers on /run/x.sock: nobody listens; is it running?'),
      'no Doorward answers on /run/x.sock: nobody listens; is it running?',
    ],
  ])('does not claim success for %j', async (reply, said) => {
    const { code, out, err } = await run({ kind: 'revoke', handle, reason: undefined }, [reply]);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: `${said}\n` });
  });
});

describe('doorward session revoke-user', () => {
  const byName: SessionAction = {
    kind: 'revoke-user',
    user: 'alice@example.com',
    issuer: undefined,
    reason: undefined,
  };

  test('with an issuer the user is the subject, live sessions or not', async () => {
    const action: SessionAction = { kind: 'revoke-user', user: 'alice-1', issuer: 'https://idp', reason: 'left' };
    const { code, asked } = await run(action, [ok({ sessions: 2, acknowledged: 1, members: 1, tookMs: 0 })]);
    expect(code).toBe(0);
    expect(asked).toEqual([
      { method: 'POST', path: '/v1/users/revoke', body: { issuer: 'https://idp', subject: 'alice-1', reason: 'left' } },
    ]);
  });

  test('without one it is who has live sessions under that name', async () => {
    const { code, asked } = await run(byName, [ok({ sessions: [summary, summary] }), revoked]);
    expect(code).toBe(0);
    expect(asked[1]?.body).toEqual({ issuer: summary.issuer, subject: summary.subject });
  });

  test.each([
    ['nobody', []],
    ['two users', [summary, { ...summary, subject: 'alice-2' }]],
    ['users of two issuers', [summary, { ...summary, issuer: 'https://other' }]],
    ['more sessions than can be seen at once', Array.from({ length: 1000 }, () => summary)],
  ])('a name that means %s is not acted on', async (_, sessions) => {
    const { code, err, asked } = await run(byName, [ok({ sessions })]);
    expect(code).toBe(1);
    expect(asked).toHaveLength(1);
    expect(err).toContain('issuer');
  });

  test('a list that is refused is not acted on', async () => {
    const { code, err } = await run(byName, [{ status: 503, body: { error: 'down' } }]);
    expect({ code, err }).toEqual({ code: 1, err: 'down\n' });
  });

  test('no name is wrong usage', async () => {
    expect((await run({ ...byName, user: '' }, [])).code).toBe(2);
  });
});

describe('doorward session revoke-idp and revoke-all', () => {
  test.each<[SessionAction, string, unknown]>([
    [{ kind: 'revoke-idp', idp: 'corp', reason: 'leak' }, '/v1/idps/revoke', { idp: 'corp', reason: 'leak' }],
    [{ kind: 'revoke-idp', idp: 'corp', reason: undefined }, '/v1/idps/revoke', { idp: 'corp' }],
    [{ kind: 'revoke-all', reason: 'drill' }, '/v1/all/revoke', { reason: 'drill' }],
    [{ kind: 'revoke-all', reason: undefined }, '/v1/all/revoke', {}],
  ])('%j asks for it once', async (action, path, body) => {
    const { code, out, asked } = await run(action, [ok({ acknowledged: 2, members: 2, tookMs: 3 })]);
    expect({ code, out }).toEqual({ code: 0, out: 'revoked: acknowledged by 2 of 2 processes in 3.0 ms\n' });
    expect(asked).toEqual([{ method: 'POST', path, body }]);
  });

  test('what is not confirmed is not told as done', async () => {
    const { code, out, err } = await run({ kind: 'revoke-all', reason: undefined }, [
      { status: 503, body: { error: 'ask again' } },
    ]);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: 'ask again\n' });
  });

  test('no name is wrong usage', async () => {
    expect((await run({ kind: 'revoke-idp', idp: '', reason: undefined }, [])).code).toBe(2);
  });
});
