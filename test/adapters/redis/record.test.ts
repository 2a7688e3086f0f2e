import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRecordSealer, SEEN_OFFSET } from '../../../src/adapters/redis/record.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { encodeSession } from '../../../src/core/session/serialise.ts';
import { aSession, secondsAfter } from '../../core/session/a-session.ts';
import { olderRecord } from './older-record.ts';

const SECRET = 'a secret of thirty-two bytes or more';
const records = createRecordSealer([SECRET], systemEntropy);
const session = aSession({ version: 7 });
const record = records.seal(session);

describe('session records', () => {
  test('open to what was sealed, with the last use that was written over', () => {
    expect(records.open(session.handle, record)).toMatchObject({ ok: true, value: { session } });
    const touched = Buffer.from(record);
    records.sealSeen(session.handle, secondsAfter(90.5)).copy(touched, SEEN_OFFSET);
    expect(records.open(session.handle, touched)).toMatchObject({
      ok: true,
      value: { session: { ...session, lastSeenAt: secondsAfter(90.5) } },
    });
  });

  test('no changed bit is overlooked', () => {
    for (let bit = 0; bit < record.length * 8; bit += 1) {
      const changed = Buffer.from(record);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(records.open(session.handle, changed).ok).toBe(false);
    }
  });

  test('a record is of its handle, its version and its secret alone', () => {
    expect(records.open(handleOf('another'), record).ok).toBe(false);
    const older = Buffer.from(record);
    older.writeUInt32BE(6, 1);
    expect(records.open(session.handle, older).ok).toBe(false);
    expect(
      createRecordSealer(['another secret of thirty-two bytes'], systemEntropy).open(session.handle, record).ok,
    ).toBe(false);
  });

  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  test.each([
    [
      'signed',
      `${part({ alg: 'RS256' })}.${part({ sub: 'alice', n: [1] })}.${Buffer.alloc(256, 7).toString('base64url')}`,
    ],
    ['opaque', Buffer.alloc(32, 9).toString('base64url')],
    ['no base64url', 'a+b/c== ~.x'],
    ['base64url with stray bits', 'AB'],
    ['empty', ''],
    ['nothing but dots', '...'],
    ['JSON with NUL', Buffer.from('{\0}').toString('base64url')],
    ['JSON that is no UTF-8', Buffer.from('7bff7d', 'hex').toString('base64url')],
    ['as a part is written', 'j.b74.tx'],
  ])('tokens come back as they were: %s', (_, token) => {
    const tokens = { ...session.tokens, idToken: token, accessToken: token, refreshToken: token };
    const opened = records.open(session.handle, records.seal({ ...session, tokens }));
    expect(opened).toMatchObject({ ok: true, value: { session: { tokens } } });
  });

  describe('of another format', () => {
    const stored = JSON.parse(encodeSession(session)) as Record<string, unknown>;
    const asBefore = (body: object, format = 1): Buffer =>
      olderRecord(SECRET, session, { format, body: JSON.stringify(body) });

    test('what the version before wrote is read', () => {
      expect(records.open(session.handle, asBefore(stored))).toMatchObject({ ok: true, value: { session } });
    });

    test('what was written before the times of tokens were kept is as old as can be', () => {
      const older = { ...stored, tokensAt: undefined, confirmedAt: undefined };
      expect(records.open(session.handle, asBefore({ ...older, createdAt: 7 }))).toMatchObject({
        ok: true,
        value: { session: { createdAt: 7, tokensAt: 7, confirmedAt: 7 } },
      });
    });

    test('what a newer version wrote is refused, and named', () => {
      const newer = { ok: false, error: { reason: 'a stored session has another format version' } };
      expect(records.open(session.handle, asBefore({ ...stored, format: 3 }, 3))).toEqual(newer);
      expect(records.open(session.handle, asBefore({ ...stored, format: 2 }))).toEqual(newer);
    });

    test('no format passes for another', () => {
      const [older, now] = [asBefore(stored), Buffer.from(record)];
      older.writeUInt8(2, 0);
      now.writeUInt8(1, 0);
      expect(records.open(session.handle, older).ok).toBe(false);
      expect(records.open(session.handle, now).ok).toBe(false);
    });
  });

  test('what is no record is an error value, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(records.open(session.handle, Buffer.from(bytes)).ok).toBe(false);
        expect(records.open(session.handle, Buffer.concat([Buffer.of(2), bytes])).ok).toBe(false);
      }),
    );
    for (let length = 0; length < record.length; length += 1) {
      expect(records.open(session.handle, record.subarray(0, length)).ok).toBe(false);
    }
    expect(records.open(session.handle, Buffer.alloc(2 * 1024 * 1024, 1)).ok).toBe(false);
  });

  test('equal sessions give different records', () => {
    expect(records.seal(session).equals(record)).toBe(false);
  });

  test('a session that is too large is refused before it is stored', () => {
    const claims = new Map([['much', ['x'.repeat(1024 * 1024)]]]);
    expect(() => records.seal(aSession({ claims }))).toThrow(RangeError);
  });

  test.each([[[]], [['']], [['a secret', '']]])('the secrets %j are none', (secrets) => {
    expect(() => createRecordSealer(secrets, systemEntropy)).toThrow(RangeError);
  });
});
