import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeSession, encodeSession } from '../../../src/core/session/serialise.ts';
import type { ClaimValue, Session } from '../../../src/core/session/session.ts';
import { summaryOf } from '../../../src/core/session/summary.ts';
import { epochSeconds, idpName, sessionHandle } from '../../../src/core/units.ts';
import { aSession } from './a-session.ts';

const session = aSession();
const { handle } = session;
const fields = (): { [name: string]: unknown } => JSON.parse(encodeSession(session)) as { [name: string]: unknown };
const decodeFields = (changed: object): ReturnType<typeof decodeSession> =>
  decodeSession(JSON.stringify(changed), handle);

const time = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => epochSeconds(value + 0));
const optionalText = fc.option(fc.string({ unit: 'binary' }), { nil: undefined });
const claims = fc
  .array(fc.tuple(fc.oneof(fc.string(), fc.constant('__proto__')), fc.array(fc.jsonValue({ noUnicodeString: false }))))
  .map((entries) => new Map(entries as [string, ClaimValue[]][]));
const anySession: fc.Arbitrary<Session> = fc.record({
  handle: fc.constant(sessionHandle('h')),
  idp: fc.string().map(idpName),
  issuer: fc.string(),
  subject: fc.string({ unit: 'binary' }),
  email: fc.string(),
  emailVerified: fc.boolean(),
  name: fc.string({ unit: 'binary' }),
  claims,
  userClaims: claims,
  idpSessionId: optionalText,
  acr: optionalText,
  amr: fc.array(fc.string()),
  authTime: time,
  createdAt: time,
  expiresAt: time,
  lastSeenAt: time,
  tokens: fc.record({
    idToken: optionalText,
    accessToken: optionalText,
    refreshToken: optionalText,
    accessTokenExpiresAt: fc.option(time, { nil: undefined }),
  }),
  tokensAt: time,
  confirmedAt: time,
  mark: fc.record({ history: fc.string(), seq: fc.maxSafeNat() }),
  version: fc.maxSafeNat(),
});

/** JSON knows no -0, and tells no difference that matters. */
const plain = (value: Session): string => encodeSession(value);

describe('decodeSession', () => {
  test('gives back what was encoded', () => {
    expect(decodeSession(encodeSession(session), handle)).toEqual({ ok: true, value: session });
  });

  test('gives back any session', () => {
    fc.assert(
      fc.property(anySession, (any) => {
        const decoded = decodeSession(encodeSession(any), any.handle);
        if (!decoded.ok) throw new Error(decoded.error.reason);
        expect(plain(decoded.value)).toBe(plain(any));
        expect([...decoded.value.claims.keys()]).toEqual([...any.claims.keys()]);
      }),
    );
  });

  test('a claim named __proto__ is a claim and nothing else', () => {
    const hostile = aSession({ claims: new Map([['__proto__', ['polluted']]]) });
    const decoded = decodeSession(encodeSession(hostile), handle);
    expect(decoded.ok && decoded.value.claims.get('__proto__')).toEqual(['polluted']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('every truncation is an error value', () => {
    const text = encodeSession(session);
    for (let length = 0; length < text.length; length += 1) {
      expect(decodeSession(text.slice(0, length), handle).ok).toBe(false);
    }
  });

  test('another format version is named as such, whatever else it has', () => {
    const reason = 'a stored session has another format version';
    expect(decodeFields({ ...fields(), format: 0 })).toEqual({ ok: false, error: { reason } });
    expect(decodeFields({ format: 2, somethingNew: true })).toEqual({ ok: false, error: { reason } });
  });

  test.each([
    ['array', []],
    ['text', 'session'],
    ['null', null],
    ['number', 7],
  ])('an %s is no session', (_, value) => {
    expect(decodeSession(JSON.stringify(value), handle).ok).toBe(false);
  });

  test('a missing field, or one of the wrong type, is an error that names the field and no value', () => {
    const optional = ['tokensAt', 'confirmedAt', 'idpSessionId', 'acr', 'authTime'];
    for (const name of Object.keys(fields())) {
      const missing = fields();
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
      delete missing[name];
      expect(decodeFields(missing).ok).toBe(optional.includes(name));
      for (const wrong of [{ secret: 1 }, ['secret', 1], [['secret']], null]) {
        const decoded = decodeFields({ ...fields(), [name]: wrong });
        expect(decoded.ok).toBe(false);
        expect(JSON.stringify(decoded)).not.toContain('secret');
      }
    }
  });

  test.each([
    ['a field too many', { extra: 1 }],
    ['a token too many', { tokens: { idToken: 'x', extra: 'y' } }],
    ['tokens in a list', { tokens: [] }],
    ['an access token that is a number', { tokens: { accessToken: 1 } }],
    ['a mark without history', { mark: { seq: 1 } }],
    ['a mark below zero', { mark: { history: 'h', seq: -1 } }],
    ['a mark with a fraction', { mark: { history: 'h', seq: 1.5 } }],
    [
      'a claim twice',
      {
        claims: [
          ['a', [1]],
          ['a', [2]],
        ],
      },
    ],
    ['a claim without list', { claims: [['a', 1]] }],
    ['a claim of three', { claims: [['a', [1], 2]] }],
    ['a claim without name', { claims: [[1, [1]]] }],
    ['claims as an object', { userClaims: { groups: ['admin'] } }],
    ['amr that is not all text', { amr: ['pwd', 1] }],
  ])('%s is an error', (_, changes) => {
    expect(decodeFields({ ...fields(), ...changes }).ok).toBe(false);
  });

  test('an infinite time, as 1e999 is read, is an error', () => {
    const text = encodeSession(session).replace(/"expiresAt":[0-9]+/, '"expiresAt":1e999');
    expect(decodeSession(text, handle).ok).toBe(false);
  });

  test('__proto__ in the text is an error, and gives no field', () => {
    const text = encodeSession(session);
    expect(decodeSession(`{"__proto__":{"email":"root@example.com"},${text.slice(1)}`, handle).ok).toBe(false);
    const without = { ...fields() };
    delete without.email;
    const inherited = JSON.stringify(without).replace('{', '{"__proto__":{"email":"root@example.com"},');
    expect(decodeSession(inherited, handle).ok).toBe(false);
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        expect(decodeSession(text, handle).ok).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(fields())), fc.jsonValue(), (name, value) => {
        expect(typeof decodeFields({ ...fields(), [name]: value }).ok).toBe('boolean');
      }),
    );
  });
});

describe('summaryOf', () => {
  test('shows who and when, and neither token nor claim', () => {
    expect(Object.keys(summaryOf(session)).sort()).toEqual(
      ['createdAt', 'email', 'expiresAt', 'handle', 'idp', 'issuer', 'lastSeenAt', 'name', 'subject'].sort(),
    );
  });
});
