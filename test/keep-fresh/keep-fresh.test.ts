import { beforeEach, describe, expect, test } from '@jest/globals';

import { DependencyError, type IdpAnswer } from '../../src/core/ports.ts';
import type { Session } from '../../src/core/session/session.ts';
import { epochSeconds } from '../../src/core/units.ts';
import { secondsAfter } from '../core/session/a-session.ts';
import { newTokens, openStage, signedIn, TOKEN_SECONDS, type Stage } from './a-process.ts';

/** Within the last two minutes of the tokens, and before what is known of the user is due. */
const fresh = signedIn('alice', { confirmedAt: secondsAfter(TOKEN_SECONDS) });

const down = (): DependencyError => new DependencyError('idp-unavailable', 'the provider is down');
const noStore = (): DependencyError => new DependencyError('store-unavailable', 'Redis does not answer');

let stage: Stage;
beforeEach(() => {
  stage = openStage();
});

const create = async (...sessions: readonly Session[]): Promise<void> => {
  for (const session of sessions) expect(await stage.store.create(session)).toBe(true);
};
const asked = (): readonly string[] => stage.provider.refreshes.map(([, kind]) => kind);
const slowly = (ms: number, answer: () => IdpAnswer): Promise<IdpAnswer> =>
  new Promise((resolve) => void stage.time.after(ms, () => resolve(answer())));
/** Whether it has settled, without waiting for it. */
const watch = (promise: Promise<number>): { ms: number | undefined } => {
  const seen: { ms: number | undefined } = { ms: undefined };
  void promise.then((ms) => (seen.ms = ms));
  return seen;
};

describe('when', () => {
  test('nothing is due, nobody is asked and nothing waits', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS - 121);
    expect(await process.check(fresh)).toBe(0);
    await stage.seconds(60);
    expect(asked()).toEqual([]);
    expect(stage.owners).toEqual([]);
  });

  test('tokens are due, they are refreshed beside the Check, which goes on at once', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS - 30);
    stage.provider.refreshed = (of) => slowly(300, () => newTokens(of, 1));
    expect(await process.check(fresh)).toBe(0);
    await stage.seconds(1);
    expect(asked()).toEqual(['tokens']);
    expect(stage.stored(fresh)).toMatchObject({
      version: 2,
      mark: fresh.mark,
      expiresAt: fresh.expiresAt,
      tokens: { idToken: 'id-0', accessToken: 'access-1', refreshToken: 'refresh-1' },
    });
    expect(process.outcomes).toEqual(['tokens refreshed']);
    expect(stage.logged).toEqual([]);
  });

  test('they are over, the Check waits for the answer', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = (of) => slowly(300, () => newTokens(of, 1));
    const waited = watch(process.check(fresh));
    await stage.seconds(2);
    expect(waited.ms).toBe(300);
    expect(stage.stored(fresh)?.tokens.refreshToken).toBe('refresh-1');
  });

  test.each([
    [4_000, 1_000],
    [2_000, 1_000],
    [400, 200],
  ])('of %d ms that a Check has, it waits %d at most; the refresh goes on', async (withinMs, ms) => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = (of) => slowly(3_000, () => newTokens(of, 1));
    const first = watch(process.check(fresh, withinMs));
    await stage.seconds(1.5);
    expect(first.ms).toBe(ms);
    const second = watch(process.check(fresh, withinMs));
    await stage.seconds(2);
    expect(second.ms).toBe(ms);
    expect(stage.stored(fresh)?.tokens.refreshToken).toBe('refresh-1');
    expect(asked()).toEqual(['tokens']);
  });

  test('what is known of the user is older than the interval, the user is read', async () => {
    const session = signedIn();
    await create(session);
    const process = stage.start();
    await stage.seconds(300);
    stage.provider.refreshed = () => ({
      kind: 'refreshed',
      refreshed: { userinfoClaims: { groups: ['new'] }, isUserConfirmed: true },
    });
    expect(await process.check(session)).toBe(0);
    expect(asked()).toEqual(['user']);
    expect(stage.stored(session)?.userClaims.get('groups')).toEqual(['new']);
    expect(stage.stored(session)).toMatchObject({ confirmedAt: secondsAfter(300), tokens: session.tokens });
    expect(process.outcomes).toEqual(['user refreshed']);
  });

  test('its provider is not configured any more, there is nobody to ask', async () => {
    await create(fresh);
    const process = stage.start({}, { idps: [] });
    await stage.seconds(TOKEN_SECONDS);
    expect(await process.check(fresh)).toBe(0);
    expect(stage.owners).toEqual([]);
    expect(stage.stored(fresh)).toEqual(fresh);
  });

  test('it has ended, there is nothing to do', async () => {
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    expect(await process.check(fresh)).toBe(0);
    expect(asked()).toEqual([]);
    expect(process.outcomes).toEqual(['tokens gone']);
  });
});

describe('of many who ask at once', () => {
  test.each(['due', 'over'])('in two processes, the provider hears one, when tokens are %s', async (state) => {
    await create(fresh);
    const processes = [stage.start(), stage.start()];
    await stage.seconds(state === 'due' ? TOKEN_SECONDS - 30 : TOKEN_SECONDS);
    stage.provider.refreshed = (of) => slowly(400, () => newTokens(of, 1));
    const waited = processes.flatMap((process) => Array.from({ length: 25 }, () => watch(process.check(fresh))));
    await stage.seconds(3);
    expect(asked()).toEqual(['tokens']);
    for (const { ms } of waited) {
      expect(ms).toBeGreaterThanOrEqual(state === 'due' ? 0 : 400);
      // Whoever looks again does so within 250 ms.
      expect(ms).toBeLessThanOrEqual(state === 'due' ? 0 : 650);
    }
    expect(processes.flatMap(({ outcomes }) => outcomes).sort()).toEqual(['tokens elsewhere', 'tokens refreshed']);
    expect(stage.stored(fresh)?.version).toBe(2);
  });

  test('who holds an older session finds out after the claim, and gives it up again', async () => {
    await create(fresh);
    const [one, other] = [stage.start(), stage.start()];
    await stage.seconds(TOKEN_SECONDS);
    await one.check(fresh);
    await other.check(fresh);
    expect(asked()).toEqual(['tokens']);
    expect(other.outcomes).toEqual(['tokens elsewhere']);
    expect(await stage.store.claim(fresh.handle, 'anybody', 1)).toMatchObject({ kind: 'claimed' });
  });

  test('a claim lasts as long as the provider takes', async () => {
    await create(fresh);
    const [one, other] = [stage.start(), stage.start()];
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = (of) => slowly(13_000, () => newTokens(of, 1));
    watch(one.check(fresh));
    await stage.seconds(11);
    watch(other.check(fresh));
    await stage.seconds(4);
    expect(asked()).toEqual(['tokens']);
    expect(other.outcomes).toEqual(['tokens elsewhere']);
    expect(stage.stored(fresh)?.tokens.refreshToken).toBe('refresh-1');
  });

  test('the claim of a process that died is waited out', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    await stage.store.claim(fresh.handle, 'died', 10_000);
    const waited = watch(process.check(fresh));
    await stage.seconds(9);
    expect(waited.ms).toBe(1_000);
    expect(asked()).toEqual([]);
    await stage.seconds(2);
    expect(asked()).toEqual(['tokens']);
    expect(process.outcomes).toEqual(['tokens refreshed']);
  });

  test('a claim that never ends is not waited for without end', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    await stage.store.claim(fresh.handle, 'for ever', 1e9);
    watch(process.check(fresh));
    await stage.seconds(16);
    expect(process.outcomes).toEqual(['tokens failed']);
    expect(stage.logged).toEqual([expect.stringContaining('another process has the session')]);
    expect(asked()).toEqual([]);
  });

  test('who cannot look again tries again', async () => {
    await create(fresh);
    const process = stage.start({ get: () => Promise.reject(noStore()) });
    await stage.seconds(TOKEN_SECONDS);
    await stage.store.claim(fresh.handle, 'died', 2_000);
    watch(process.check(fresh));
    await stage.seconds(3);
    expect(process.outcomes).toEqual(['tokens refreshed']);
  });

  test('a session that ended meanwhile is left alone', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    await stage.store.claim(fresh.handle, 'another', 10_000);
    const waited = watch(process.check(fresh));
    await stage.store.revoke({ kind: 'session', handle: fresh.handle }, 'admin');
    await stage.seconds(1);
    expect(waited.ms).toBeLessThanOrEqual(250);
    expect(process.outcomes).toEqual(['tokens gone']);
    expect(asked()).toEqual([]);
  });
});

describe('where the provider has ended it', () => {
  const ended = (): IdpAnswer => ({ kind: 'ended', why: 'invalid_grant' });

  test('the session ends, and the Check that waited finds none', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = ended;
    expect(await process.check(fresh)).toBe(0);
    expect(stage.stored(fresh)).toBeUndefined();
    expect(process.outcomes).toEqual(['tokens ended']);
    expect(stage.logged).toEqual([expect.stringContaining('invalid_grant')]);
  });

  test('another process that was faster ended nothing: its session stays', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    const faster = { ...fresh, version: 2, tokens: { ...fresh.tokens, refreshToken: 'refresh-9' } };
    stage.provider.refreshed = async () => {
      await stage.store.replace(faster, stage.owners.at(-1) ?? '');
      return ended();
    };
    await process.check(fresh);
    expect(stage.stored(fresh)).toEqual(faster);
    expect(process.outcomes).toEqual(['tokens elsewhere']);
    expect(stage.logged).toEqual([]);
  });

  test('another process that has it by now is looked at', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = async () => {
      await stage.store.release(fresh.handle, stage.owners.at(-1) ?? '');
      await stage.store.claim(fresh.handle, 'another', 400);
      stage.provider.refreshed = (of) => newTokens(of, 2);
      return ended();
    };
    watch(process.check(fresh));
    await stage.seconds(2);
    expect(stage.stored(fresh)?.tokens.refreshToken).toBe('refresh-2');
    expect(process.outcomes).toEqual(['tokens refreshed']);
  });

  test('and it was ended otherwise meanwhile, that is all', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = async () => {
      await stage.store.revoke({ kind: 'all' }, 'admin');
      return ended();
    };
    await process.check(fresh);
    expect(process.outcomes).toEqual(['tokens gone']);
  });

  test('an end that is not confirmed is no end, and is tried again', async () => {
    await create(fresh);
    const process = stage.start({
      revoke: () => Promise.resolve({ kind: 'not-confirmed', why: 'unreachable', tookMs: 1, sessions: undefined }),
    });
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = ended;
    await process.check(fresh);
    expect(process.outcomes).toEqual(['tokens failed']);
    expect(stage.logged).toEqual([expect.stringContaining('not confirmed: unreachable')]);
    await stage.seconds(2);
    await process.check(fresh);
    await stage.seconds(0);
    expect(asked()).toHaveLength(2);
  });
});

describe('what fails for a while', () => {
  test('keeps what is valid, and is asked less and less often; no Check waits for it any more', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = async () => {
      await slowly(500, () => ({ kind: 'ended', why: '' }));
      throw down();
    };
    const first = watch(process.check(fresh));
    await stage.seconds(0.6);
    expect(first.ms).toBe(500);
    for (let second = 0; second < 120; second += 1) {
      expect(await process.check(fresh)).toBe(0);
      await stage.seconds(1);
    }
    // 1, 2, 4, 8, 16, 30, 30 and 30 seconds, each by a quarter more or less.
    expect(asked().length).toBeGreaterThanOrEqual(6);
    expect(asked().length).toBeLessThanOrEqual(9);
    expect(stage.stored(fresh)).toEqual(fresh);
    expect(new Set(process.outcomes)).toEqual(new Set(['tokens failed']));
    expect(stage.logged).toHaveLength(asked().length);
    expect(stage.logged.join()).not.toMatch(/refresh-0|access-0|id-0/);

    stage.provider.refreshed = (of) => newTokens(of, 1);
    for (let second = 0; second < 40; second += 1) {
      await process.check(stage.stored(fresh) ?? fresh);
      await stage.seconds(1);
    }
    expect(stage.stored(fresh)?.tokens.refreshToken).toBe('refresh-1');
    expect(process.outcomes.at(-1)).toBe('tokens refreshed');
  });

  test('a provider that does not answer is tried with one session at a time, and all come through when it does again', async () => {
    const all = Array.from({ length: 50 }, (_, count) =>
      signedIn(`user-${count}`, { confirmedAt: secondsAfter(TOKEN_SECONDS) }),
    );
    await create(...all);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = async () => {
      await slowly(4_000, () => ({ kind: 'ended', why: '' }));
      throw down();
    };
    const first = all.map((session) => watch(process.check(session)));
    await stage.seconds(5);
    expect(first.every(({ ms }) => ms !== undefined && ms <= 1_000)).toBe(true);
    // Those that were let in at first, and none of those that waited for their turn.
    expect(asked()).toHaveLength(10);
    for (let second = 0; second < 30; second += 1) {
      for (const session of all) expect(await process.check(session)).toBe(0);
      await stage.seconds(1);
    }
    expect(asked().length).toBeGreaterThan(11);
    expect(asked().length).toBeLessThan(16);
    stage.provider.refreshed = (of) => newTokens(of, 1);
    for (let second = 0; second < 60; second += 1) {
      for (const session of all) watch(process.check(session));
      await stage.seconds(1);
    }
    for (const session of all) expect(stage.stored(session)?.tokens.refreshToken).toBe('refresh-1');
  });

  test('a refusal is of one session, and no reason to leave the provider alone', async () => {
    const other = signedIn('bob', { confirmedAt: secondsAfter(TOKEN_SECONDS) });
    await create(fresh, other);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = () => Promise.reject(new DependencyError('idp-refused', 'a claim is from the future'));
    await process.check(fresh);
    expect(stage.stored(fresh)).toEqual(fresh);
    stage.provider.refreshed = (of) => newTokens(of, 1);
    await process.check(other);
    expect(stage.stored(other)?.version).toBe(2);
    await process.check(fresh);
    expect(stage.stored(fresh)?.version).toBe(1);
    await stage.seconds(2);
    await process.check(fresh);
    await stage.seconds(0);
    expect(stage.stored(fresh)?.version).toBe(2);
  });

  test('a provider that refuses is there again', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.down = true;
    await process.check(fresh);
    stage.provider.down = false;
    stage.provider.refreshed = () => Promise.reject(new DependencyError('idp-refused', 'no'));
    await stage.seconds(2);
    await process.check(fresh);
    await stage.seconds(0);
    const other = signedIn('bob', { confirmedAt: secondsAfter(TOKEN_SECONDS) });
    await create(other);
    stage.provider.refreshed = (of) => slowly(100, () => newTokens(of, 1));
    const waited = watch(process.check(other));
    await stage.seconds(1);
    expect(waited.ms).toBe(100);
  });

  test('where the store does not answer, nobody asks the provider', async () => {
    await create(fresh);
    const process = stage.start({ claim: () => Promise.reject(noStore()) });
    await stage.seconds(TOKEN_SECONDS);
    await process.check(fresh);
    expect(asked()).toEqual([]);
    expect(process.outcomes).toEqual(['tokens failed']);
    expect(stage.logged).toEqual([expect.stringContaining('Redis does not answer')]);
  });

  test('a fault is logged, harms nobody, and is not tried at each Check', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = () => {
      throw new TypeError('x is not a function');
    };
    await process.check(fresh);
    await process.check(fresh);
    expect(asked()).toHaveLength(1);
    expect(stage.logged).toEqual([expect.stringMatching(/^error a fault in Doorward/)]);
    expect(process.outcomes).toEqual(['tokens failed']);
  });

  test('tokens that are over when they come are not asked for at each Check', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = (of) => newTokens(of, asked().length, 0);
    for (let count = 0; count < 20; count += 1) await process.check(stage.stored(fresh) ?? fresh);
    expect(asked()).toHaveLength(1);
    expect(stage.stored(fresh)?.tokens.refreshToken).toBe('refresh-1');
  });
});

describe('when the provider has answered', () => {
  test('and the user could not be read, the tokens are kept, and that is told', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = () => ({
      kind: 'refreshed',
      refreshed: {
        tokens: { idToken: undefined, accessToken: 'a', refreshToken: 'r', accessTokenExpiresAt: secondsAfter(9_999) },
        isUserConfirmed: false,
      },
      failure: 'userinfo does not answer',
    });
    await process.check(fresh);
    expect(stage.stored(fresh)).toMatchObject({ tokens: { refreshToken: 'r' }, confirmedAt: fresh.confirmedAt });
    expect(process.outcomes).toEqual(['tokens partial']);
    expect(stage.logged).toEqual([expect.stringContaining('userinfo does not answer')]);
  });

  test('with claims beyond all limits, the tokens are kept and the user is as before', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    const { refreshed } = newTokens(fresh, 1) as Extract<IdpAnswer, { kind: 'refreshed' }>;
    const huge = { groups: Array.from({ length: 20_000 }, String) };
    stage.provider.refreshed = () => ({ kind: 'refreshed', refreshed: { ...refreshed, userinfoClaims: huge } });
    await process.check(fresh);
    expect(stage.stored(fresh)).toMatchObject({ tokens: { refreshToken: 'refresh-1' }, claims: fresh.claims });
    expect(process.outcomes).toEqual(['tokens partial']);

    await stage.seconds(300);
    stage.provider.refreshed = () => ({
      kind: 'refreshed',
      refreshed: { userinfoClaims: huge, isUserConfirmed: true },
    });
    await process.check(stage.stored(fresh) ?? fresh);
    expect(process.outcomes.at(-1)).toBe('user failed');
  });

  test.each<[string, (session: Session) => Parameters<Stage['store']['revoke']>[0]]>([
    ['the session', ({ handle }) => ({ kind: 'session', handle })],
    ['its user', ({ issuer, subject }) => ({ kind: 'user', issuer, subject })],
    ['its provider', ({ idp }) => ({ kind: 'idp', idp })],
    ['everything', () => ({ kind: 'all' })],
  ])('and %s was revoked meanwhile, that holds', async (_what, target) => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = async (of) => {
      await stage.store.revoke(target(fresh), 'admin');
      return newTokens(of, 1);
    };
    await process.check(fresh);
    expect(stage.stored(fresh)).toBeUndefined();
    expect(process.outcomes).toEqual(['tokens gone']);
  });

  test('new tokens are stored as soon as the store answers again', async () => {
    await create(fresh);
    let failures = 4;
    const process = stage.start({
      replace: (session, owner) =>
        (failures -= 1) >= 0 ? Promise.reject(noStore()) : stage.store.replace(session, owner),
    });
    await stage.seconds(TOKEN_SECONDS);
    watch(process.check(fresh));
    await stage.seconds(2);
    expect(stage.stored(fresh)?.tokens.refreshToken).toBe('refresh-1');
    expect(asked()).toHaveLength(1);
    expect(process.outcomes).toEqual(['tokens refreshed']);
  });

  test('and the store does not come back in time, it is told, and tried again', async () => {
    await create(fresh);
    const process = stage.start({ replace: () => Promise.reject(noStore()) });
    await stage.seconds(TOKEN_SECONDS);
    watch(process.check(fresh));
    await stage.seconds(8);
    expect(process.outcomes).toEqual([]);
    await stage.seconds(4);
    expect(process.outcomes).toEqual(['tokens failed']);
    expect(stage.logged).toEqual([expect.stringContaining('Redis does not answer')]);
    expect(asked()).toHaveLength(1);
  });

  test('what was written, though no answer came, is known again', async () => {
    await create(fresh);
    let isFirst = true;
    const process = stage.start({
      async replace(session, owner) {
        const replaced = await stage.store.replace(session, owner);
        if (!isFirst) return replaced;
        isFirst = false;
        throw noStore();
      },
    });
    await stage.seconds(TOKEN_SECONDS);
    watch(process.check(fresh));
    await stage.seconds(2);
    expect(stage.stored(fresh)).toMatchObject({ version: 2, tokens: { refreshToken: 'refresh-1' } });
    expect(process.outcomes).toEqual(['tokens refreshed']);
    // Other processes may not have been told; they look before they ask.
    expect(stage.logged).toEqual([expect.stringContaining('not confirmed that all know')]);
  });

  test('a claim that has lapsed is taken again, where nobody changed the session', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = async (of) => {
      await stage.store.release(fresh.handle, stage.owners.at(-1) ?? '');
      return newTokens(of, 1);
    };
    watch(process.check(fresh));
    await stage.seconds(1);
    expect(stage.stored(fresh)?.tokens.refreshToken).toBe('refresh-1');
    expect(process.outcomes).toEqual(['tokens refreshed']);
  });

  test('a claim that another took, and what another wrote, is left to him', async () => {
    const other = signedIn('bob', { confirmedAt: secondsAfter(TOKEN_SECONDS) });
    await create(fresh, other);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = async (of) => {
      await stage.store.release(fresh.handle, stage.owners.at(-1) ?? '');
      await stage.store.claim(fresh.handle, 'another', 60_000);
      return newTokens(of, 1);
    };
    await process.check(fresh);
    expect(stage.stored(fresh)).toEqual(fresh);
    const theirs = { ...other, version: 2, tokens: { ...other.tokens, refreshToken: 'theirs' } };
    stage.provider.refreshed = async (of) => {
      await stage.store.replace(theirs, stage.owners.at(-1) ?? '');
      return newTokens(of, 1);
    };
    await process.check(other);
    expect(stage.stored(other)).toEqual(theirs);
    expect(process.outcomes).toEqual(['tokens gone', 'tokens gone']);
  });

  test('a claim that lapses again and again is given up', async () => {
    await create(fresh);
    const process = stage.start({ replace: () => Promise.resolve({ kind: 'refused' }) });
    await stage.seconds(TOKEN_SECONDS);
    watch(process.check(fresh));
    await stage.seconds(15);
    expect(process.outcomes).toEqual(['tokens gone']);
  });

  test('what is stored and not known everywhere is told', async () => {
    await create(fresh);
    const process = stage.start({
      async replace(session, owner) {
        await stage.store.replace(session, owner);
        return { kind: 'replaced', announced: { kind: 'not-confirmed', why: 'unreachable', tookMs: 3 } };
      },
    });
    await stage.seconds(TOKEN_SECONDS);
    await process.check(fresh);
    expect(process.outcomes).toEqual(['tokens refreshed']);
    expect(stage.logged).toEqual([expect.stringContaining('not confirmed that all know: unreachable')]);
  });

  test('a claim that cannot be given up goes with its time; a fault there is one', async () => {
    await create(fresh);
    const process = stage.start({ release: () => Promise.reject(noStore()) });
    await stage.seconds(TOKEN_SECONDS);
    await process.check(fresh);
    expect(process.outcomes).toEqual(['tokens refreshed']);
    expect(stage.logged).toEqual([]);
    const other = signedIn('bob', { confirmedAt: secondsAfter(TOKEN_SECONDS) });
    await create(other);
    const faulty = stage.start({ release: () => Promise.reject(new TypeError('x')) });
    await faulty.check(other);
    expect(stage.logged).toEqual([expect.stringMatching(/^error a fault/)]);
  });

  test('what fails while the claim is kept shows where it is stored', async () => {
    await create(fresh);
    let claims = 0;
    const process = stage.start({
      claim: (handle, owner, ttlMs) =>
        (claims += 1) === 1 ? stage.store.claim(handle, owner, ttlMs) : Promise.reject(noStore()),
    });
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = (of) => slowly(5_000, () => newTokens(of, 1));
    watch(process.check(fresh));
    await stage.seconds(6);
    expect(claims).toBe(3);
    expect(process.outcomes).toEqual(['tokens refreshed']);
  });
});

describe('there are bounds', () => {
  const many = (count: number): readonly Session[] =>
    Array.from({ length: count }, (_, index) =>
      signedIn(`user-${index}`, { confirmedAt: epochSeconds(secondsAfter(1e6)) }),
    );

  test('ten requests to providers at once; whoever waits for his turn gets it', async () => {
    const all = many(45);
    await create(...all);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    let inFlight = 0;
    let most = 0;
    stage.provider.refreshed = async (of) => {
      most = Math.max(most, (inFlight += 1));
      const answer = await slowly(100, () => newTokens(of, 1));
      inFlight -= 1;
      return answer;
    };
    const waited = all.map((session) => watch(process.check(session)));
    await stage.seconds(2);
    expect(most).toBe(10);
    expect(asked()).toHaveLength(45);
    expect(Math.max(...waited.map(({ ms }) => ms ?? Infinity))).toBe(500);
    for (const session of all) expect(stage.stored(session)?.version).toBe(2);
  });

  test('a session that another process has takes no turn away', async () => {
    const all = many(11);
    await create(...all);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    for (const { handle } of all.slice(0, 10)) await stage.store.claim(handle, 'another', 60_000);
    const waited = all.map((session) => watch(process.check(session)));
    await stage.seconds(0.5);
    expect(waited[10]?.ms).toBe(0);
    expect(asked()).toHaveLength(1);
  });

  test('a thousand sessions under way; what is beyond goes on without', async () => {
    const all = many(1_002);
    await create(...all);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = (of) => slowly(10, () => newTokens(of, 1));
    const waited = all.map((session) => watch(process.check(session)));
    await stage.seconds(0);
    expect(waited.filter(({ ms }) => ms === 0)).toHaveLength(2);
    await stage.seconds(2);
    expect(asked()).toHaveLength(1_000);
    for (const session of all.slice(1_000)) watch(process.check(session));
    await stage.seconds(1);
    for (const session of all) expect(stage.stored(session)?.version).toBe(2);
  });
});

describe('close', () => {
  test('lets what is under way come to its end, and begins nothing new', async () => {
    const all = Array.from({ length: 12 }, (_, count) =>
      signedIn(`user-${count}`, { confirmedAt: secondsAfter(TOKEN_SECONDS) }),
    );
    await create(fresh, ...all);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = (of) => slowly(2_000, () => newTokens(of, 1));
    const waited = all.map((session) => watch(process.check(session)));
    await stage.store.claim(fresh.handle, 'another', 60_000);
    const closed = watch(process.close().then(() => 0));
    await stage.seconds(1);
    expect(closed.ms).toBeUndefined();
    expect(await process.check(fresh)).toBe(0);
    await stage.seconds(1.1);
    expect(closed.ms).toBe(0);
    expect(asked()).toHaveLength(10);
    expect(all.filter((session) => stage.stored(session)?.version === 2)).toHaveLength(10);
    expect(waited.every(({ ms }) => ms === 1_000)).toBe(true);
  });

  test('who looks again does so no more', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    await stage.store.claim(fresh.handle, 'another', 60_000);
    watch(process.check(fresh));
    await stage.seconds(0);
    const closed = watch(process.close().then(() => 0));
    await stage.seconds(0.3);
    expect(closed.ms).toBe(0);
    expect(process.outcomes).toEqual([]);
  });

  test('does not wait for a provider that hangs', async () => {
    await create(fresh);
    const process = stage.start();
    await stage.seconds(TOKEN_SECONDS);
    stage.provider.refreshed = () => new Promise(() => undefined);
    watch(process.check(fresh));
    await stage.seconds(0);
    const closed = watch(process.close().then(() => 0));
    await stage.seconds(4.9);
    expect(closed.ms).toBeUndefined();
    await stage.seconds(0.2);
    expect(closed.ms).toBe(0);
  });

  test('with nothing under way it is closed', async () => {
    await stage.start().close();
  });
});
