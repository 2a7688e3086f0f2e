/** Every check of OpenID Connect Back-Channel Logout 1.0 §2.4 and §2.6 that does not need the key. */

import { describe, expect, test } from '@jest/globals';
import { readLogoutToken } from '../../../src/core/signals/logout-token.ts';
import { claimedIssuer } from '../../../src/core/signals/signed-message.ts';
import { NOW } from '../session/a-session.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const issuer = 'https://idp.example.com';
const good = {
  iss: issuer,
  aud: 'doorward',
  iat: NOW,
  exp: NOW + 120,
  jti: 'j-1',
  events: { [EVENT]: {} },
  sid: 'sid-1',
};
const rules = { issuer, clientId: 'doorward', isTypeOptional: true, now: NOW };
const read = (claims: object, header: object = { typ: 'logout+jwt' }, changes: Partial<typeof rules> = {}) =>
  readLogoutToken({ header: { ...header }, claims: { ...good, ...claims } }, { ...rules, ...changes });

describe('a logout token that holds', () => {
  test('names one login, and until when it has to be remembered', () => {
    expect(read({ sub: 'alice' })).toEqual({
      ok: true,
      value: { ended: { kind: 'login', sid: 'sid-1' }, jti: 'j-1', expiresAt: NOW + 180 },
    });
  });

  test('names all logins of a user where it has no sid', () => {
    const withoutSid = Object.fromEntries(Object.entries(good).filter(([name]) => name !== 'sid'));
    const token = readLogoutToken({ header: {}, claims: { ...withoutSid, sub: 'alice' } }, rules);
    expect(token).toMatchObject({ ok: true, value: { ended: { kind: 'user', subject: 'alice' } } });
  });

  test.each([
    ['without typ', {}],
    ['typ JWT', { typ: 'JWT' }],
    ['a full media type', { typ: 'application/logout+jwt' }],
  ])('%s', (_, header) => {
    expect(read({}, header).ok).toBe(true);
  });

  test('may be for several clients, and clocks may differ by a minute', () => {
    expect(read({ aud: ['other', 'doorward'], iat: NOW + 60, nbf: NOW + 60 }).ok).toBe(true);
    expect(read({ exp: NOW - 59 }).ok).toBe(true);
  });
});

describe('a logout token is refused', () => {
  const bad: readonly (readonly [string, object, object?, Partial<typeof rules>?])[] = [
    ['with the typ of another kind of token', {}, { typ: 'at+jwt' }],
    ['with a typ that is no text', {}, { typ: 7 }, { isTypeOptional: false }],
    ['without typ where it is wanted', {}, {}, { isTypeOptional: false }],
    ['with typ JWT where logout+jwt is wanted', {}, { typ: 'JWT' }, { isTypeOptional: false }],
    ['with critical header parameters', {}, { typ: 'logout+jwt', crit: ['x'] }],
    ['of another issuer', { iss: 'https://idp.example.com/' }],
    ['without iss', { iss: undefined }],
    ['for another client', { aud: 'other' }],
    ['for a list of other clients', { aud: ['other', 'doorward2'] }],
    ['without aud', { aud: undefined }],
    ['without iat', { iat: undefined }],
    ['with an iat that is no number', { iat: String(NOW) }],
    ['from the future', { iat: NOW + 61 }],
    ['without exp', { exp: undefined }],
    ['that has expired', { exp: NOW - 60 }],
    ['that would have to be remembered for too long', { exp: NOW + 3601 }],
    ['that is not valid yet', { nbf: NOW + 61 }],
    ['with an nbf that is no number', { nbf: 'soon' }],
    ['without jti', { jti: undefined }],
    ['with an empty jti', { jti: '' }],
    ['with a jti beyond the limit', { jti: 'x'.repeat(513) }],
    ['without events', { events: undefined }],
    ['with events as a list', { events: [EVENT] }],
    ['with no event', { events: {} }],
    ['with another event', { events: { 'http://schemas.openid.net/event/other': {} } }],
    ['with a second event', { events: { [EVENT]: {}, other: {} } }],
    ['with an event that is no object', { events: { [EVENT]: true } }],
    ['with a nonce', { nonce: 'n' }],
    ['with a nonce that is null', { nonce: null }],
    ['with neither sub nor sid', { sid: undefined, sub: undefined }],
    ['with a sid that is no text', { sid: 7, sub: 'alice' }],
    ['with an empty sid', { sid: '', sub: 'alice' }],
    ['with a sub that is no text', { sub: { id: 'alice' } }],
  ];
  test.each(bad.map(([what, ...given]) => ({ what, given })))('$what', ({ given: [claims, header, changes] }) => {
    // As JSON: what is undefined is not there.
    const plain = JSON.parse(JSON.stringify({ ...good, ...claims })) as object;
    const token = readLogoutToken(
      { header: { ...(header ?? { typ: 'logout+jwt' }) }, claims: { ...plain } },
      { ...rules, ...changes },
    );
    expect(token).toEqual({ ok: false, error: expect.any(String) });
  });
});

describe('the issuer that a message claims', () => {
  const jws = (payload: string): string => `e30.${Buffer.from(payload).toString('base64url')}.c2ln`;

  test('is read before anything is verified', () => {
    expect(claimedIssuer(jws('{"iss":"https://idp"}'))).toEqual({ ok: true, value: 'https://idp' });
  });

  test.each([
    ['no JWS', 'garbage'],
    ['four parts', `${jws('{"iss":"a"}')}.x`],
    ['no JSON', jws('garbage')],
    ['a list', jws('["iss"]')],
    ['null', jws('null')],
    ['without iss', jws('{}')],
    ['an inherited iss', jws('{"__proto__":{"iss":"a"}}')],
    ['an iss that is no text', jws('{"iss":["a"]}')],
    ['too long', jws(`{"iss":"a","x":"${'x'.repeat(20_000)}"}`)],
  ])('is none in what is %s', (_, message) => {
    expect(claimedIssuer(message).ok).toBe(false);
  });
});
