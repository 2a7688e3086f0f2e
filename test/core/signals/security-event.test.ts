/** Every check of a security event that does not need the key, and what each event asks for. */

import { describe, expect, test } from '@jest/globals';
import { isSameSecret } from '../../../src/core/signals/same-secret.ts';
import { readSecurityEvent } from '../../../src/core/signals/security-event.ts';
import { NOW } from '../session/a-session.ts';

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const rules = {
  issuer: 'https://ssf.example.com',
  audience: 'https://app.example.com/.doorward/events',
  criticalMembers: ['tenant', 'session'],
  now: NOW,
};
const alice = { format: 'iss_sub', iss: 'https://idp.example.com', sub: 'alice' };
const good = {
  iss: rules.issuer,
  aud: rules.audience,
  iat: NOW,
  jti: 'j-1',
  sub_id: alice,
  events: { [`${CAEP}/session-revoked`]: {} },
};
const read = (changes: object = {}, header: object = { typ: 'secevent+jwt' }) =>
  readSecurityEvent({ header: { ...header }, claims: { ...good, ...changes } }, rules);
const asked = (changes: object) => {
  const event = read(changes);
  return event.ok ? event.value.asks : event.error.description;
};

describe('an event that holds', () => {
  test('names a user, and until when it has to be remembered', () => {
    expect(read()).toEqual({
      ok: true,
      value: {
        jti: 'j-1',
        rememberUntil: NOW + 86_460,
        asks: {
          kind: 'end',
          event: 'session-revoked',
          of: { kind: 'user', issuer: 'https://idp.example.com', subject: 'alice' },
        },
      },
    });
  });

  test('may be for several receivers, with a full media type, and a day old', () => {
    expect(read({ aud: ['x', rules.audience], iat: NOW - 86_400 }, { typ: 'application/secevent+jwt' }).ok).toBe(true);
  });

  test.each([
    ['opaque', { format: 'opaque', id: 'alice' }, { kind: 'user', issuer: rules.issuer, subject: 'alice' }],
    ['email', { format: 'email', email: 'a@example.com' }, { kind: 'email', email: 'a@example.com' }],
    [
      'complex with a user',
      { format: 'complex', user: alice, session: { format: 'opaque', id: 's' } },
      { kind: 'user', issuer: alice.iss, subject: 'alice' },
    ],
  ])('takes a subject that is %s', (_, subject, of) => {
    expect(asked({ sub_id: subject })).toMatchObject({ kind: 'end', of });
  });

  test.each([
    ['of another format', { format: 'phone_number', phone_number: '+1' }],
    ['complex without a user', { format: 'complex', device: { format: 'opaque', id: 'd' } }],
    ['complex in a complex one', { format: 'complex', user: { format: 'complex', user: alice } }],
  ])('has no effect where its subject is %s', (_, subject) => {
    expect(asked({ sub_id: subject })).toMatchObject({ kind: 'nothing' });
  });

  test.each(['revoke', 'delete'])('that says %s of a credential ends sessions', (change) => {
    const events = { [`${CAEP}/credential-change`]: { change_type: change } };
    expect(asked({ events })).toMatchObject({ kind: 'end', event: 'credential-change' });
  });

  test('that says that claims have changed ends sessions, which know the old ones', () => {
    const events = { [`${CAEP}/token-claims-change`]: { claims: { role: 'guest' } } };
    expect(asked({ events })).toMatchObject({ kind: 'end', event: 'token-claims-change' });
  });

  test.each(['create', 'update'])('that says %s of a credential does not', (change) => {
    expect(asked({ events: { [`${CAEP}/credential-change`]: { change_type: change } } })).toMatchObject({
      kind: 'nothing',
    });
  });

  test.each([
    ['a verification', { 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 'x' } }],
    ['an event that is not known', { 'https://example.com/event': {} }],
  ])('that is %s has no effect', (_, events) => {
    expect(asked({ events })).toMatchObject({ kind: 'nothing' });
  });
});

test.each<readonly [string, object, string]>([
  ['another issuer', { iss: 'https://ssf.example.com/' }, 'invalid_issuer'],
  ['another receiver', { aud: 'https://other.example.com' }, 'invalid_audience'],
  ['no receiver', { aud: undefined }, 'invalid_audience'],
  ['a sub', { sub: 'alice' }, 'invalid_request'],
  ['an exp', { exp: NOW + 60 }, 'invalid_request'],
  ['no jti', { jti: undefined }, 'invalid_request'],
  ['an empty jti', { jti: '' }, 'invalid_request'],
  ['a jti beyond the limit', { jti: 'x'.repeat(513) }, 'invalid_request'],
  ['no iat', { iat: undefined }, 'invalid_request'],
  ['a text as iat', { iat: String(NOW) }, 'invalid_request'],
  ['an iat in the future', { iat: NOW + 61 }, 'invalid_request'],
  ['an iat too long ago', { iat: NOW - 86_401 }, 'invalid_request'],
  ['no events', { events: undefined }, 'invalid_request'],
  ['events that are empty', { events: {} }, 'invalid_request'],
  ['events that are a list', { events: [] }, 'invalid_request'],
  ['two events', { events: { [`${CAEP}/session-revoked`]: {}, x: {} } }, 'invalid_request'],
  ['an event that is no object', { events: { [`${CAEP}/session-revoked`]: true } }, 'invalid_request'],
  ['no change_type', { events: { [`${CAEP}/credential-change`]: {} } }, 'invalid_request'],
  ['no claims', { events: { [`${CAEP}/token-claims-change`]: {} } }, 'invalid_request'],
  ['no sub_id', { sub_id: undefined }, 'invalid_request'],
  ['a sub_id without format', { sub_id: { iss: 'x', sub: 'y' } }, 'invalid_request'],
  ['a sub_id without iss', { sub_id: { format: 'iss_sub', sub: 'y' } }, 'invalid_request'],
  ['a sub_id without sub', { sub_id: { format: 'iss_sub', iss: 'x' } }, 'invalid_request'],
  ['a sub_id without id', { sub_id: { format: 'opaque' } }, 'invalid_request'],
  ['a sub_id without email', { sub_id: { format: 'email' } }, 'invalid_request'],
])('an event with %s is refused', (_, changes, error) => {
  expect(read(changes)).toMatchObject({ ok: false, error: { err: error } });
});

test.each([[{}], [{ typ: 'JWT' }], [{ typ: 'logout+jwt' }], [{ typ: 'secevent+jwt', crit: ['x'] }]])(
  'an event with the header %j is refused',
  (header) => {
    expect(read({}, header).ok).toBe(false);
  },
);

test('secrets are the same only where every character is', () => {
  expect([isSameSecret('Bearer a', 'Bearer a'), isSameSecret('Bearer a', 'Bearer b'), isSameSecret('', 'x')]).toEqual([
    true,
    false,
    false,
  ]);
});

describe('an event that is kept of its user', () => {
  const device = { format: 'opaque', id: 'd' };
  const risk = (content: object = {}) => ({ principal: 'USER', current_level: 'HIGH', ...content });
  const kept = (event: string, content: object, changes: object = {}) =>
    asked({ events: { [`${CAEP}/${event}`]: content }, ...changes });
  const scopeOf = (event: string, content: object, subject: object = alice): string => {
    const asks = kept(event, content, { sub_id: subject });
    return typeof asks !== 'string' && asks.kind === 'note' ? asks.fact.scope : 'not kept';
  };

  test.each([
    ['risk-level-change', risk(), 'risk', 'high'],
    ['risk-level-change', risk({ current_level: 'MEDIUM' }), 'risk', 'medium'],
    ['risk-level-change', risk({ current_level: 'low', principal: 'DEVICE' }), 'risk', 'low'],
    ['device-compliance-change', { current_status: 'not-compliant' }, 'device', 'high'],
    ['device-compliance-change', { current_status: 'compliant' }, 'device', 'low'],
    ['assurance-level-change', { namespace: 'NIST-AAL', change_direction: 'decrease' }, 'assurance', 'medium'],
    ['assurance-level-change', { namespace: 'NIST-AAL', change_direction: 'increase' }, 'assurance', 'low'],
  ])('%s %j is %s of level %s', (event, content, about, level) => {
    expect(kept(event, content)).toMatchObject({
      kind: 'note',
      event,
      of: { kind: 'user', subject: 'alice' },
      fact: { about, level, at: NOW },
    });
  });

  test.each([
    ['risk-level-change', risk({ principal: 'TENANT' })],
    ['risk-level-change', risk({ principal: 'GROUP' })],
    ['assurance-level-change', { namespace: 'NIST-AAL', current_level: 'nist-aal1' }],
  ])('%s %j names nobody, or says nothing', (event, content) => {
    expect(kept(event, content)).toMatchObject({ kind: 'nothing' });
  });

  test.each([
    ['risk-level-change', {}],
    ['risk-level-change', risk({ current_level: 'NONE' })],
    ['risk-level-change', risk({ current_level: undefined })],
    ['device-compliance-change', { current_status: 'unknown' }],
    ['assurance-level-change', { change_direction: 'decrease' }],
  ])('%s %j is refused', (event, content) => {
    expect(kept(event, content)).toEqual(expect.any(String));
  });

  test.each([
    [NOW - 100, NOW - 100],
    [NOW + 1_000_000, NOW],
    [-5, 0],
    ['soon', NOW],
  ])('that says it happened at %s is of %s', (said, at) => {
    expect(kept('risk-level-change', risk({ event_timestamp: said }))).toMatchObject({ fact: { at } });
  });

  test('is apart by device, session, principal and name space, and the same in whatever order its members stand', () => {
    const complex = (more: object) => ({ format: 'complex', user: alice, ...more });
    const scopes = [
      scopeOf('risk-level-change', risk()),
      scopeOf('risk-level-change', risk({ principal: 'DEVICE' }), complex({ device })),
      scopeOf('risk-level-change', risk({ principal: 'DEVICE' }), complex({ device: { ...device, id: 'e' } })),
      scopeOf('risk-level-change', risk({ principal: 'DEVICE' }), complex({ device, session: device })),
      scopeOf('assurance-level-change', { namespace: 'a', change_direction: 'decrease' }),
      scopeOf('assurance-level-change', { namespace: 'b', change_direction: 'decrease' }),
    ];
    expect(new Set([...scopes, 'not kept']).size).toBe(scopes.length + 1);
    const turned = { session: { id: 'd', format: 'opaque' }, device, user: alice, format: 'complex' };
    expect(scopeOf('risk-level-change', risk({ principal: 'DEVICE' }), turned)).toBe(scopes[3]);
    expect(scopeOf('risk-level-change', risk(), complex({ device: 'd' }))).toEqual(expect.any(String));
  });

  test.each([
    ['risk-level-change', risk()],
    ['session-revoked', {}],
  ])('%s with a critical member that is not understood is taken, and does nothing', (event, content) => {
    const subject = { format: 'complex', user: alice, tenant: device };
    expect(kept(event, content, { sub_id: subject })).toEqual({
      kind: 'nothing',
      why: 'a subject with a critical member that is not understood',
    });
    const understood = { format: 'complex', user: alice, session: device, application: device };
    expect(kept(event, content, { sub_id: understood })).not.toMatchObject({ kind: 'nothing' });
  });

  test('without anybody whom it names does nothing, and without a subject is refused', () => {
    expect(kept('risk-level-change', risk(), { sub_id: { format: 'complex', device } })).toMatchObject({
      kind: 'nothing',
    });
    expect(kept('risk-level-change', risk(), { sub_id: undefined })).toEqual(expect.any(String));
    expect(kept('risk-level-change', risk(), { sub_id: { format: 'email' } })).toEqual(expect.any(String));
  });
});
