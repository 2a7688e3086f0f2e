import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createSealer } from '../../../src/adapters/system/sealer.ts';
import type { Sealer } from '../../../src/core/ports.ts';
import {
  deleteSessionCookie,
  handleOf,
  openSessionCookie,
  sealSessionCookie,
  sessionCookieName,
  setSessionCookie,
} from '../../../src/core/session/cookie.ts';
import { aSessionId, NOW, secondsAfter } from './a-session.ts';

const sealer = createSealer(['a secret of at least thirty-two bytes']);
const host = 'app.example.com';
const id = aSessionId();
const expiresAt = secondsAfter(3600);
const cookie = sealSessionCookie({ id, issuedAt: NOW, expiresAt }, host, sealer);

/** A cookie that opens to any plaintext, as only a faulty or older Doorward could make one. */
const sealed = (plaintext: string): string => sealer.seal('session-cookie', plaintext, host);

describe('openSessionCookie', () => {
  test('a cookie opens on its host to the session that it names', () => {
    expect(openSessionCookie(cookie, host, sealer, NOW)).toEqual({ handle: handleOf(id), id, expiresAt });
  });

  test('on another host it is nothing', () => {
    expect(openSessionCookie(cookie, 'api.example.com', sealer, NOW)).toBeUndefined();
  });

  test('it opens until its absolute end and not at it', () => {
    expect(openSessionCookie(cookie, host, sealer, secondsAfter(3599.9))).toBeDefined();
    expect(openSessionCookie(cookie, host, sealer, expiresAt)).toBeUndefined();
  });

  test('no single changed bit is overlooked', () => {
    const bytes = Buffer.from(cookie, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const tampered = Buffer.from(bytes);
      tampered.writeUInt8(tampered.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(openSessionCookie(tampered.toString('base64url'), host, sealer, NOW)).toBeUndefined();
    }
  });

  test('under a rotated secret it still opens, under another it does not', () => {
    const rotated = createSealer([
      'a newer secret of at least thirty-two bytes',
      'a secret of at least thirty-two bytes',
    ]);
    expect(openSessionCookie(cookie, host, rotated, NOW)?.id).toBe(id);
    expect(
      openSessionCookie(cookie, host, createSealer(['something else, thirty-two bytes long']), NOW),
    ).toBeUndefined();
  });

  test('a value that was sealed for another purpose is nothing', () => {
    const flow = sealer.seal('flow', JSON.stringify([1, id, host, NOW, expiresAt]), host);
    expect(openSessionCookie(flow, host, sealer, NOW)).toBeUndefined();
  });

  test.each([0, 63, 4097, 65_536])('a cookie of %s characters is not even tried', (length) => {
    let opened = 0;
    const counting: Sealer = {
      seal: () => '',
      open: () => {
        opened += 1;
        return undefined;
      },
    };
    expect(openSessionCookie('A'.repeat(length), host, counting, NOW)).toBeUndefined();
    expect(opened).toBe(0);
  });

  test.each([
    ['no JSON', 'x'.repeat(60)],
    ['an object', JSON.stringify({ version: 1, id, host, issuedAt: NOW, expiresAt })],
    ['null', `null${' '.repeat(60)}`],
    ['too few fields', JSON.stringify([1, id, host, NOW])],
    ['too many fields', JSON.stringify([1, id, host, NOW, expiresAt, 1])],
    ['an older version', JSON.stringify([0, id, host, NOW, expiresAt])],
    ['a short session id', JSON.stringify([1, id.slice(1), host, NOW, expiresAt])],
    ['a session id that is a number', JSON.stringify([1, 1, host, NOW, expiresAt])],
    ['a host that is a number', JSON.stringify([1, id, 1, NOW, expiresAt])],
    ['another host within', JSON.stringify([1, id, 'api.example.com', NOW, expiresAt])],
    ['a time of issue that is text', JSON.stringify([1, id, host, 'now', expiresAt])],
    ['an end that is text', JSON.stringify([1, id, host, NOW, '9999999999'])],
    ['an end that is null', JSON.stringify([1, id, host, NOW, null])],
  ])('an envelope with %s is nothing', (_, plaintext) => {
    expect(openSessionCookie(sealed(plaintext), host, sealer, NOW)).toBeUndefined();
  });

  test('never throws, and never opens what was not sealed', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5000, unit: 'binary' }), fc.string(), (value, anyHost) => {
        expect(openSessionCookie(value, anyHost, sealer, NOW)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.json(), (plaintext) => {
        expect(openSessionCookie(sealed(plaintext.padEnd(60)), host, sealer, NOW)).toBeUndefined();
      }),
    );
  });
});

describe('cookie lines', () => {
  test('on https the name has the __Host- prefix, on http none', () => {
    expect(sessionCookieName('_doorward', 'https')).toBe('__Host-_doorward');
    expect(sessionCookieName('_doorward', 'http')).toBe('_doorward');
  });

  test('a cookie is of its host alone, and out of reach of scripts', () => {
    const form = { name: '__Host-d', scheme: 'https', sameSite: 'lax' } as const;
    expect(setSessionCookie('value', { ...form, maxAgeSeconds: 59.9 })).toBe(
      '__Host-d=value; Max-Age=59; Path=/; Secure; HttpOnly; SameSite=Lax',
    );
    expect(deleteSessionCookie(form)).toBe('__Host-d=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax');
  });

  test('a session that is over gives a cookie that is over', () => {
    expect(setSessionCookie('v', { name: 'd', scheme: 'http', sameSite: 'strict', maxAgeSeconds: -5 })).toBe(
      'd=v; Max-Age=0; Path=/; HttpOnly; SameSite=Strict',
    );
    expect(deleteSessionCookie({ name: 'd', scheme: 'https', sameSite: 'none' })).toContain('SameSite=None');
  });
});
