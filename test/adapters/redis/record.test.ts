import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRecordSealer, SEEN_OFFSET } from '../../../src/adapters/redis/record.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { aSession, secondsAfter } from '../../core/session/a-session.ts';

const records = createRecordSealer(['a secret of thirty-two bytes or more'], systemEntropy);
const session = aSession({ version: 7 });
const record = records.seal(session);

describe('session records', () => {
  test('open to what was sealed, with the last use that was written over', () => {
    expect(records.open(session.handle, record)).toEqual({ ok: true, value: session });
    const touched = Buffer.from(record);
    records.sealSeen(session.handle, secondsAfter(90.5)).copy(touched, SEEN_OFFSET);
    expect(records.open(session.handle, touched)).toEqual({
      ok: true,
      value: { ...session, lastSeenAt: secondsAfter(90.5) },
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

  test('what is no record is an error value, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(records.open(session.handle, Buffer.from(bytes)).ok).toBe(false);
        expect(records.open(session.handle, Buffer.concat([Buffer.of(1), bytes])).ok).toBe(false);
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
