/** Security events that a transmitter pushes: whose are taken, and what they end. */

import { describe, expect, test } from '@jest/globals';
import type { SignedMessages } from '../../src/core/ports.ts';
import { isObject } from '../../src/core/signals/signed-message.ts';
import { APP, Browser, startDoorward, type Doorward, type Sent, watchUses } from './a-doorward.ts';

const EVENTS = `${APP}/.doorward/events`;
const ISSUER = 'https://ssf.example.com';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const AGREED = 'Bearer the-agreed-key';
const user = { format: 'iss_sub', iss: 'https://default.idp.example', sub: 'alice-1' };

/** Believes what has the signature `good`, and keeps whose keys were asked for. */
const playedKeys = (asked: string[]): SignedMessages => ({
  verify(message, { jwksUri }) {
    asked.push(jwksUri);
    const [header = '', payload = '', signature] = message.split('.');
    const part = (text: string): Readonly<Record<string, unknown>> => {
      const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
      return isObject(value) ? value : {};
    };
    return Promise.resolve(
      signature === 'good'
        ? { ok: true, value: { header: part(header), claims: part(payload) } }
        : { ok: false, error: 'the signature does not verify' },
    );
  },
});

const transmitter = {
  name: 'corp',
  issuer: ISSUER,
  jwks_uri: `${ISSUER}/jwks`,
  audience: EVENTS,
  algorithms: ['ES256'],
};

const start = (asked: string[] = [], authorization = AGREED): Doorward =>
  startDoorward({
    messages: playedKeys(asked),
    config: { shared_signals: [{ ...transmitter, ...(authorization === '' ? {} : { authorization }) }] },
  });

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function eventFor(doorward: Doorward, changes: object = {}, signature = 'good'): string {
  const claims = {
    iss: ISSUER,
    aud: EVENTS,
    iat: doorward.clock.now(),
    jti: 'j-1',
    sub_id: user,
    events: { [`${CAEP}/session-revoked`]: {} },
    ...changes,
  };
  return `${encoded({ alg: 'ES256', typ: 'secevent+jwt' })}.${encoded(claims)}.${signature}`;
}

const pushed = (text: string, authorization = AGREED, type = 'application/secevent+jwt'): Sent => ({
  method: 'POST',
  headers: [['content-type', type], ...(authorization === '' ? [] : [['authorization', authorization] as const])],
  body: { bytes: Buffer.from(text), partial: false, asString: false },
});

async function push(doorward: Doorward, sent: Sent) {
  const answer = await doorward.answer(EVENTS, sent);
  if (answer === 'allow') throw new Error('it was allowed');
  return answer;
}

async function signedIn(doorward: Doorward, next: object = {}): Promise<Browser> {
  for (const idp of doorward.idps) idp.next = next;
  const browser = new Browser(doorward);
  expect(await browser.login(`${APP}/`)).toBe('allow');
  return browser;
}

const mayPass = async (browser: Browser): Promise<boolean> => (await browser.ask(`${APP}/`)) === 'allow';

describe('an event', () => {
  test('ends every session of its user and of nobody else, and is answered by 202 without a body', async () => {
    const doorward = start();
    const alice = [await signedIn(doorward), await signedIn(doorward)];
    const bob = await signedIn(doorward, { subject: 'bob-1' });
    const answer = await push(doorward, pushed(eventFor(doorward)));
    expect([answer.response.status, answer.response.body, answer.code]).toEqual([202, '', 'own-response']);
    expect(answer.detail).toBe('security event of corp: session-revoked of a user: 2 sessions');
    for (const browser of alice) expect(await mayPass(browser)).toBe(false);
    expect(await mayPass(bob)).toBe(true);
  });

  test('by e-mail address ends the sessions of all who have it', async () => {
    const doorward = start();
    const [one, two] = [await signedIn(doorward), await signedIn(doorward, { subject: 'alice-2' })];
    const other = await signedIn(doorward, { subject: 'bob-1', idTokenClaims: { email: 'bob@example.com' } });
    const subject = { format: 'email', email: 'alice@example.com' };
    const answer = await push(doorward, pushed(eventFor(doorward, { sub_id: subject })));
    expect(answer.detail).toContain('2 sessions');
    expect([await mayPass(one), await mayPass(two), await mayPass(other)]).toEqual([false, false, true]);
  });

  test('that comes again is accepted, and ends nothing more', async () => {
    const doorward = start();
    const event = pushed(eventFor(doorward));
    expect((await push(doorward, event)).response.status).toBe(202);
    const browser = await signedIn(doorward);
    expect((await push(doorward, event)).detail).toBe('security event of corp: it was received before');
    expect(await mayPass(browser)).toBe(true);
  });

  test.each([
    ['iss_sub', user],
    ['email', { format: 'email', email: 'alice@example.com' }],
  ])('by %s that was not carried out is an outage, and may come again', async (_, subject) => {
    const doorward = start();
    const browser = await signedIn(doorward);
    const event = pushed(eventFor(doorward, { sub_id: subject }));
    const { sessions } = doorward;
    const revoke = sessions.revoke.bind(sessions);
    sessions.revoke = () =>
      Promise.resolve({ kind: 'not-confirmed', why: 'unreachable', sessions: undefined, tookMs: 1 });
    await expect(push(doorward, event)).rejects.toMatchObject({ code: 'store-unavailable' });
    sessions.revoke = revoke;
    expect((await push(doorward, event)).response.status).toBe(202);
    expect(await mayPass(browser)).toBe(false);
  });

  test('whose sessions were ended in an unknown number says so; sessions that never end are an outage', async () => {
    const doorward = start();
    await signedIn(doorward);
    doorward.sessions.revoke = () =>
      Promise.resolve({ kind: 'confirmed', members: 1, acknowledged: 1, sessions: undefined, tookMs: 1 });
    expect((await push(doorward, pushed(eventFor(doorward)))).detail).toContain('an unknown number of sessions');
    const subject = { format: 'email', email: 'alice@example.com' };
    const event = pushed(eventFor(doorward, { sub_id: subject, jti: 'j-2' }));
    await expect(push(doorward, event)).rejects.toMatchObject({ code: 'store-unavailable' });
  });

  test('without effect is accepted', async () => {
    const doorward = start();
    const browser = await signedIn(doorward);
    const events = { 'https://schemas.openid.net/secevent/ssf/event-type/verification': {} };
    const answer = await push(doorward, pushed(eventFor(doorward, { events })));
    expect([answer.response.status, answer.detail]).toEqual([202, 'security event of corp: the stream was verified']);
    expect(await mayPass(browser)).toBe(true);
  });

  test('needs no Authorization where none was agreed on', async () => {
    const doorward = start([], '');
    expect((await push(doorward, pushed(eventFor(doorward), ''))).response.status).toBe(202);
  });

  const refused: readonly (readonly [string, string, (of: Doorward) => Sent])[] = [
    ['without a body', 'invalid_request', () => pushed('')],
    ['of another content type', 'invalid_request', (of) => pushed(eventFor(of), AGREED, 'application/jwt')],
    ['that is no JWS', 'invalid_request', () => pushed('garbage')],
    ['of an unknown issuer', 'invalid_issuer', (of) => pushed(eventFor(of, { iss: `${ISSUER}/` }))],
    ['without what was agreed on', 'authentication_failed', (of) => pushed(eventFor(of), '')],
    ['with something else than was agreed on', 'authentication_failed', (of) => pushed(eventFor(of), 'Bearer x')],
    ['whose signature does not verify', 'invalid_key', (of) => pushed(eventFor(of, {}, 'bad'))],
    ['for another receiver', 'invalid_audience', (of) => pushed(eventFor(of, { aud: 'x' }))],
    ['without jti', 'invalid_request', (of) => pushed(eventFor(of, { jti: undefined }))],
  ];
  test.each(refused)('%s is 400, ends nothing and stores nothing', async (_, error, sentTo) => {
    const doorward = start();
    const browser = await signedIn(doorward);
    const before = doorward.sessions.loginMark();
    const used = watchUses(doorward);
    const { response, code } = await push(doorward, sentTo(doorward));
    expect([response.status, code]).toEqual([400, 'bad-request']);
    expect(JSON.parse(response.body)).toEqual({ err: error, description: expect.any(String) });
    expect([doorward.sessions.loginMark(), used]).toEqual([before, []]);
    expect(await mayPass(browser)).toBe(true);
  });

  test('of a stranger makes no key be fetched', async () => {
    const asked: string[] = [];
    const doorward = start(asked);
    await push(doorward, pushed(eventFor(doorward, { iss: 'https://evil.example' })));
    await push(doorward, pushed(eventFor(doorward), 'Bearer guessed'));
    expect(asked).toEqual([]);
  });

  test('is refused where no transmitter is configured', async () => {
    const doorward = startDoorward({ messages: playedKeys([]) });
    const answer = await push(doorward, pushed(eventFor(doorward)));
    expect(JSON.parse(answer.response.body)).toMatchObject({ err: 'invalid_issuer' });
  });
});

describe('an event that is kept of its user', () => {
  const route = {
    from: APP,
    id: 'app',
    prefix: '/',
    policy: [{ allow: { and: [{ authenticated_user: true }, { risk: { max: 'medium', unknown: 'low' } }] } }],
  };
  const startAsking = (): Doorward =>
    startDoorward({
      messages: playedKeys([]),
      config: {
        routes: [route],
        shared_signals: [{ ...transmitter, authorization: AGREED, critical_subject_members: ['tenant'] }],
      },
    });
  const risk = (level: string) => ({
    events: { [`${CAEP}/risk-level-change`]: { principal: 'USER', current_level: level } },
  });
  const isRefused = (browser: Browser): Promise<unknown> => browser.ask(`${APP}/`).then(() => false, String);

  test('counts for the next request of that user, and ends no session', async () => {
    const doorward = startAsking();
    const [alice, bob] = [await signedIn(doorward), await signedIn(doorward, { subject: 'bob-1' })];
    const answer = await push(doorward, pushed(eventFor(doorward, risk('HIGH'))));
    expect([answer.response.status, answer.detail]).toEqual([
      202,
      'security event of corp: risk-level-change of a user: high risk',
    ]);
    expect(await isRefused(alice)).toContain('forbidden');
    expect(await mayPass(bob)).toBe(true);
    expect((await push(doorward, pushed(eventFor(doorward, { ...risk('LOW'), jti: 'j-2' })))).response.status).toBe(
      202,
    );
    expect(await mayPass(alice)).toBe(true);
  });

  test('by e-mail address counts for all who have it', async () => {
    const doorward = startAsking();
    const [one, two] = [await signedIn(doorward), await signedIn(doorward, { subject: 'alice-2' })];
    const other = await signedIn(doorward, { subject: 'bob-1', idTokenClaims: { email: 'bob@example.com' } });
    const subject = { sub_id: { format: 'email', email: 'alice@example.com' } };
    await push(doorward, pushed(eventFor(doorward, { ...risk('HIGH'), ...subject })));
    expect([await isRefused(one), await isRefused(two)]).toEqual([
      expect.stringContaining('forbidden'),
      expect.stringContaining('forbidden'),
    ]);
    expect(await mayPass(other)).toBe(true);
  });

  test('that is not confirmed is an outage, and may come again', async () => {
    const doorward = startAsking();
    const alice = await signedIn(doorward);
    const event = pushed(eventFor(doorward, risk('HIGH')));
    const { facts } = doorward.ports;
    const put = facts.put.bind(facts);
    facts.put = () => Promise.resolve({ kind: 'not-confirmed', why: 'unreachable', tookMs: 1 });
    await expect(push(doorward, event)).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await mayPass(alice)).toBe(true);
    facts.put = put;
    expect((await push(doorward, event)).response.status).toBe(202);
    expect(await isRefused(alice)).toContain('forbidden');
  });

  test.each([
    ['whose signature does not verify', {}, 'bad'],
    ['with a critical member that is not understood', { sub_id: { format: 'complex', user, tenant: {} } }, 'good'],
  ])('%s is kept of nobody', async (_, changes, signature) => {
    const doorward = startAsking();
    const alice = await signedIn(doorward);
    let puts = 0;
    doorward.ports.facts.put = () => {
      puts += 1;
      return Promise.reject(new Error('nothing is to be kept'));
    };
    await push(doorward, pushed(eventFor(doorward, { ...risk('HIGH'), ...changes }, signature)));
    expect([await mayPass(alice), puts]).toEqual([true, 0]);
  });
});
