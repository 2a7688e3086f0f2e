import { describe, expect, test } from '@jest/globals';
import { DependencyError } from '../../src/core/ports.ts';
import { handleOf } from '../../src/core/session/cookie.ts';
import { aSessionId, secondsAfter } from '../core/session/a-session.ts';
import { HOST, startHolder, type Holder } from './a-holder.ts';

const APP = `https://${HOST}`;
const member = { from: APP, id: 'app', prefix: '/', allow_any_authenticated_user: true } as const;
const open = { from: APP, id: 'public', prefix: '/public/', allow_public_unauthenticated_access: true } as const;
const calm = {
  from: APP,
  id: 'calm',
  prefix: '/calm/',
  policy: [{ allow: { and: [{ authenticated_user: true }, { risk: { max: 'low', unknown: 'low' } }] } }],
} as const;

const root = { by: { via: 'socket', uid: 0 }, note: 'laptop lost' } as const;

const reasonsOf = ({ records }: Holder): readonly string[] =>
  records.map(({ action, reason }) => `${action} ${reason}`);

const signedIn = async (options: Parameters<typeof startHolder>[0] = {}) => {
  const holder = startHolder({ routes: [open, member], ...options });
  const session = await holder.signIn('alice', { handle: handleOf(aSessionId('alice')) });
  return { holder, session };
};

describe('when a hold begins', () => {
  test.each([
    ['no ticket', (): string | undefined => undefined],
    ['an empty one', () => ''],
    ['one that nobody sealed', () => 'A'.repeat(200)],
    ['one of another host', (holder: Holder) => holder.ticket({ of: 'alice', host: 'wiki.example.com' })],
  ])('%s is refused, and told', async (_, ticketOf) => {
    const { holder } = await signedIn();
    expect(holder.open(ticketOf(holder)).answer).toMatchObject({
      kind: 'refused',
      end: { status: 403, details: 'doorward_stream_no_ticket' },
    });
    expect(reasonsOf(holder)).toEqual(['refused no-ticket']);
    expect(holder.holds.held()).toBe(0);
  });

  test('a host that could be read in two ways, or none, is refused', async () => {
    const { holder } = await signedIn();
    for (const host of ['', 'a b', `${HOST},evil.test`])
      expect(holder.open(holder.ticket({ of: 'alice' }), host).answer).toMatchObject({ kind: 'refused' });
    expect(holder.open(holder.ticket({ of: 'alice' }), `${HOST.toUpperCase()}:8443`).answer).toMatchObject({
      kind: 'held',
    });
  });

  test('a session that was revoked since its Check, or that there never was, is refused', async () => {
    const { holder, session } = await signedIn();
    const ticket = holder.ticket({ of: 'alice' });
    await holder.sessions.revoke({ kind: 'session', handle: session.handle }, 'admin');
    expect(holder.open(ticket).answer).toMatchObject({ kind: 'refused', end: { status: 403 } });
    expect(holder.open(holder.ticket({ of: 'nobody' })).answer).toMatchObject({ kind: 'refused' });
    expect(reasonsOf(holder)).toEqual(['refused revoked', 'refused revoked']);
  });

  test('what is revoked while the session is being fetched is not held', async () => {
    const { holder, session } = await signedIn();
    let go = (): void => undefined;
    holder.store.wait = new Promise((resolve) => (go = resolve));
    const { answer } = holder.open(holder.ticket({ of: 'alice' }));
    expect(answer).toBeInstanceOf(Promise);
    await holder.sessions.revoke({ kind: 'session', handle: session.handle }, 'admin');
    go();
    expect(await answer).toMatchObject({ kind: 'refused' });
    expect(holder.holds.held()).toBe(0);
  });

  test('a store that cannot say is a refusal, 503', async () => {
    const { holder } = await signedIn();
    holder.store.failure = new DependencyError('store-unavailable', 'gone');
    expect(holder.open(holder.ticket({ of: 'alice' })).answer).toMatchObject({ kind: 'refused', end: { status: 503 } });
    expect(reasonsOf(holder)).toEqual(['refused unavailable']);
  });

  test('one ticket twice is two streams, and both are cut', async () => {
    const { holder, session } = await signedIn();
    const ticket = holder.ticket({ of: 'alice' });
    const lines = [holder.open(ticket).line, holder.open(ticket).line];
    expect(holder.holds.held()).toBe(2);
    await holder.sessions.revoke({ kind: 'session', handle: session.handle }, 'admin');
    expect(lines.map(({ ends }) => ends.length)).toEqual([1, 1]);
  });

  test('beyond the bound it is refused, and what is held stays', async () => {
    const { holder } = await signedIn({ bounds: { streamsMax: 1, weightMax: 1_000_000 } });
    const { line } = holder.open(holder.ticket({ of: 'alice' }));
    expect(holder.open(holder.ticket({ of: 'alice' })).answer).toMatchObject({ kind: 'refused', end: { status: 503 } });
    expect(line.ends).toEqual([]);
  });

  test('ten thousand that come and go leave nothing behind', async () => {
    const { holder } = await signedIn();
    const ticket = holder.ticket({ of: 'alice' });
    for (let round = 0; round < 10_000; round += 1) {
      const { answer } = holder.open(ticket);
      if (answer instanceof Promise || answer.kind !== 'held') throw new Error('not held');
      answer.gone();
    }
    expect([holder.holds.held(), holder.records.length]).toEqual([0, 0]);
  });
});

describe('a held stream', () => {
  test.each([
    { kind: 'session', handle: handleOf(aSessionId('alice')) },
    { kind: 'user', issuer: 'https://idp.example.com', subject: 'alice' },
    { kind: 'idp-session', issuer: 'https://idp.example.com', sid: 'idp-session-1' },
    { kind: 'idp', idp: 'default' as never },
    { kind: 'all' },
  ] as const)('is cut by a revocation of $kind, in the same turn, and one without a session is not', async (target) => {
    const { holder } = await signedIn();
    const { line } = holder.open(holder.ticket({ of: 'alice' }));
    const anonymous = holder.open(holder.ticket({ path: '/public/x' }));
    const revoked = holder.sessions.revoke(target, 'admin');
    expect(line.ends).toEqual([expect.objectContaining({ details: 'doorward_stream_revoked' })]);
    await revoked;
    expect(anonymous.line.ends).toEqual([]);
    expect(holder.records).toEqual([
      expect.objectContaining({
        action: 'cut',
        reason: 'revoked',
        email: 'alice@example.com',
        request_id: 'r-1',
        route: 'app',
      }),
    ]);
  });

  test('of a session that was made after a wide revocation is not meant by it', async () => {
    const { holder } = await signedIn();
    const { line } = holder.open(holder.ticket({ of: 'alice' }));
    holder.holds.news.onInvalidated([{ seq: 0, kind: 'all', key: '' }]);
    expect(line.ends).toEqual([]);
  });

  test('is cut when the configuration no longer allows it, within a second', async () => {
    const { holder } = await signedIn();
    const { line } = holder.open(holder.ticket({ of: 'alice' }));
    await holder.seconds(3);
    expect(line.ends).toEqual([]);
    holder.doorward.reload({ routes: [{ from: APP, id: 'app', prefix: '/', allowed_users: ['bob@example.com'] }] });
    await holder.seconds(1);
    expect(holder.records).toEqual([expect.objectContaining({ reason: 'not-allowed', code: 'forbidden' })]);
    expect(line.ends).toHaveLength(1);
  });

  test('is cut when a transmitter says that its user is a risk', async () => {
    const { holder } = await signedIn({ routes: [calm] });
    const { line } = holder.open(holder.ticket({ of: 'alice', path: '/calm/x' }));
    expect(holder.holds.held()).toBe(1);
    await holder.facts.put(
      { kind: 'user', issuer: 'https://idp.example.com', subject: 'alice' },
      { about: 'risk', scope: 's', level: 'high', at: secondsAfter(1) },
    );
    await new Promise(setImmediate);
    expect(line.ends).toHaveLength(1);
    expect(reasonsOf(holder)).toEqual(['cut not-allowed']);
  });

  test('is cut at the end of a window of time, and at the end of its session', async () => {
    const soon = new Date((secondsAfter(5) as number) * 1000).toISOString();
    const window = { ...member, id: 'window', prefix: '/window/', allow_any_authenticated_user: false };
    const { holder } = await signedIn({
      routes: [
        { ...window, policy: [{ allow: { and: [{ authenticated_user: true }, { date: { before: soon } }] } }] },
        member,
      ],
    });
    const early = holder.open(holder.ticket({ of: 'alice', path: '/window/x' }));
    const late = holder.open(holder.ticket({ of: 'alice' }));
    expect(holder.holds.held()).toBe(2);
    await holder.seconds(4);
    expect(early.line.ends).toEqual([]);
    await holder.seconds(2);
    expect(early.line.ends).toHaveLength(1);
    await holder.seconds(3595);
    expect(late.line.ends).toEqual([expect.objectContaining({ details: 'doorward_stream_session_over' })]);
  });

  test('is cut without a lease, unless it rests on no session', async () => {
    const { holder } = await signedIn();
    const { line } = holder.open(holder.ticket({ of: 'alice' }));
    const anonymous = holder.open(holder.ticket({ path: '/public/x' }));
    holder.lease.leftMs = 0;
    await holder.seconds(1);
    expect(line.ends).toEqual([expect.objectContaining({ status: 503, details: 'doorward_stream_unavailable' })]);
    expect(anonymous.line.ends).toEqual([]);
  });

  test('that the bound ended has its record; one that the client ended has none', async () => {
    const { holder } = await signedIn();
    const ended = holder.open(holder.ticket({ of: 'alice', endsAt: secondsAfter(2) }));
    const left = holder.open(holder.ticket({ of: 'alice', endsAt: secondsAfter(3600) }));
    await holder.seconds(2);
    for (const { answer } of [ended, left]) if (!(answer instanceof Promise) && answer.kind === 'held') answer.gone();
    expect(reasonsOf(holder)).toEqual(['ended session-over']);
  });

  test.each([
    { how: 'cut', cuts: 1, isReleased: false, told: ['cut shutdown'] },
    { how: 'release', cuts: 0, isReleased: true, told: [] },
  ] as const)('that a process ends by $how is so, and no more are taken', async ({ how, cuts, isReleased, told }) => {
    const { holder } = await signedIn();
    const { line } = holder.open(holder.ticket({ of: 'alice' }));
    holder.holds.close(how);
    expect([line.ends.length, line.isReleased]).toEqual([cuts, isReleased]);
    expect(reasonsOf(holder)).toEqual(told);
    expect(holder.open(holder.ticket({ of: 'alice' })).answer).toMatchObject({ kind: 'refused', end: { status: 503 } });
  });

  test('is listed, and cut by hand, by what names it', async () => {
    const { holder, session } = await signedIn();
    const { line } = holder.open(holder.ticket({ of: 'alice' }));
    const anonymous = holder.open(holder.ticket({ path: '/public/x?secret=1' }));
    expect(holder.holds.list({}, 10)).toEqual([
      expect.objectContaining({ id: '1', session: session.handle, email: 'alice@example.com', route: 'app' }),
      expect.objectContaining({ id: '2', path: '/public/x', route: 'public' }),
    ]);
    expect(holder.holds.list({ user: 'alice@example.com' }, 10)).toHaveLength(1);
    expect(holder.holds.cut({ user: 'bob@example.com' }, root)).toBe(0);
    expect(holder.holds.cut({ session: session.handle }, root)).toBe(1);
    expect([line.ends.length, anonymous.line.ends.length]).toEqual([1, 0]);
    expect(holder.records).toEqual([expect.objectContaining({ action: 'cut', reason: 'administrator', ...root })]);
  });
});
