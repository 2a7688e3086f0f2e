/** What was sealed here, and is no session all the same: a fault of an older or a newer Doorward, never another session. */

import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { compact, restore } from '../../../src/adapters/redis/compact.ts';
import { createRecordSealer } from '../../../src/adapters/redis/record.ts';
import { RECORD_BYTES_MAX } from '../../../src/adapters/redis/scripts.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { encodeSession } from '../../../src/core/session/serialise.ts';
import { aSession } from '../../core/session/a-session.ts';
import { olderRecord } from './older-record.ts';

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const session = aSession({
  tokens: {
    idToken: `${part({ alg: 'RS256' })}.${part({ sub: 'alice-1' })}.${Buffer.alloc(64, 7).toString('base64url')}`,
    accessToken: Buffer.alloc(32, 9).toString('base64url'),
    refreshToken: undefined,
    accessTokenExpiresAt: undefined,
  },
});
const compacted = compact(session);
const restored = (bytes: Buffer) => restore(bytes, session.handle).session;

const of = (deflated: Buffer, ...others: readonly Buffer[]): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(deflated.length);
  return Buffer.concat([length, deflated, ...others]);
};
/** Without a dictionary is as good as with one. */
const ofText = (text: string, ...others: readonly Buffer[]): Buffer => of(deflateRawSync(text), ...others);
const json = (tokens: object): string => JSON.stringify({ ...JSON.parse(encodeSession(session)), tokens });

const notDeflated = { ok: false, error: { reason: 'a stored session is not deflated' } };
const otherParts = { ok: false, error: { reason: 'a stored session has other parts than its tokens' } };

describe('a compact session', () => {
  test('comes back as it was', () => {
    expect(restored(compacted)).toEqual({ ok: true, value: session });
  });

  /** SECURITY: what this version wrote, every later one of the same format reads: the dictionary is a part of the format. */
  test('that was written once is read for ever', () => {
    expect(restored(Buffer.from(WRITTEN, 'base64'))).toEqual({ ok: true, value: session });
  });

  test.each([
    ['nothing', Buffer.of()],
    ['less than a length', Buffer.alloc(3)],
    ['a length alone', Buffer.alloc(4)],
    ['what was never deflated', of(Buffer.from(encodeSession(session)))],
    ['shorter than its length', compacted.subarray(0, compacted.readUInt32BE() + 3)],
    ['cut short within what is deflated', of(compacted.subarray(4, compacted.readUInt32BE() - 10))],
    ['of the largest length', Buffer.concat([Buffer.alloc(4, 255), compacted.subarray(4)])],
    ['more than a record may have', ofText('x'.repeat(RECORD_BYTES_MAX + 1))],
    ['a thousand times that', of(deflateRawSync(Buffer.alloc(RECORD_BYTES_MAX * 100)))],
  ])('that is %s is none', (_, bytes) => {
    expect(restore(bytes, session.handle)).toEqual({ session: notDeflated, bytes: 0 });
  });

  test.each([
    ['another text', 'x'],
    ['nothing', ''],
    ['JSON of another shape', '{"subject":"root"}'],
    ['a text in front of it', `x${encodeSession(session)}`],
  ])('that inflates to %s is none', (_, text) => {
    expect(restored(ofText(text)).ok).toBe(false);
  });

  test('of another dictionary is none', () => {
    const dictionary = Buffer.alloc(4096, '{"format":1,"subject":"root","email":"root@example.com"}');
    const text = encodeSession(aSession({ subject: 'root', email: 'root@example.com' }));
    expect(restored(of(deflateRawSync(text, { dictionary }))).ok).toBe(false);
  });

  test.each([
    ['bytes behind it', Buffer.concat([compacted, Buffer.of(0)])],
    ['a byte less of its tokens', compacted.subarray(0, -1)],
    ['a text that no token names', ofText([json({ idToken: 't' }), '{}'].join('\0'))],
    ['a token without its text', ofText(json({ idToken: 'j' }))],
    ['a token without its bytes', ofText(json({ idToken: 'b1' }))],
    ['a token of bytes without end', ofText(json({ idToken: 'bzzzzzzzz' }), Buffer.alloc(9))],
    ['a token of another kind', ofText(json({ idToken: 'x' }))],
  ])('with %s is none', (_, bytes) => {
    expect(restored(bytes)).toEqual(otherParts);
  });

  test('weighs what it takes in memory, however short its record is', () => {
    const large = aSession({ claims: new Map([['groups', ['x'.repeat(500_000)]]]) });
    const records = createRecordSealer(['a secret of thirty-two bytes or more'], systemEntropy);
    const record = records.seal(large);
    expect(record.length).toBeLessThan(5_000);
    const opened = records.open(large.handle, record);
    expect(opened.ok && opened.value.bytes).toBeGreaterThan(500_000);
  });

  test('is refused as a record, sealed as it should be', () => {
    const secret = 'a secret of thirty-two bytes or more';
    const records = createRecordSealer([secret], systemEntropy);
    const sealed = (body: Buffer): Buffer => olderRecord(secret, session, { format: 2, body });
    expect(records.open(session.handle, sealed(compacted))).toMatchObject({ ok: true, value: { session } });
    expect(records.open(session.handle, sealed(Buffer.from('not deflated')))).toEqual(notDeflated);
    expect(records.open(session.handle, sealed(Buffer.concat([compacted, Buffer.of(0)])))).toEqual(otherParts);
  });
});

/** Format 2. */
const WRITTEN =
  'AAAAgSMtUjJTClBiFTmOEnMyk1N1DZGiCizigKoeX9Q5gtSjxh8i4RYXgaRSUsuIitLMlALdYggf7CTc0WpmYWJuYWJggBa9CGGUaDazMLEwMgAJo0Y3QjnOaDcsxoz2ciW0qERyDWqUIiQwozY3NRfEgMavAWoEM6AWuCA+pHiFxVctAAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQ==';
