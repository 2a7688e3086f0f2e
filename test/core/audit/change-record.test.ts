import { describe, expect, test } from '@jest/globals';
import { changeRecordOf } from '../../../src/core/audit/change-record.ts';
import { parseRecord } from '../../../src/core/audit/parse-record.ts';
import { epochSeconds, idpName } from '../../../src/core/units.ts';

const asked = {
  id: 'AAECAwQFBgcICQoLDA0ODw',
  target: { kind: 'idp', idp: idpName('corp') },
  by: { via: 'socket', uid: 1000 },
  reason: 'leak',
  now: epochSeconds(1_767_225_600),
} as const;

describe('changeRecordOf', () => {
  test('says who, what, why, and what came of it', () => {
    const revocation = { kind: 'confirmed', members: 3, acknowledged: 2, tookMs: 4.5, sessions: undefined } as const;
    expect(changeRecordOf({ ...asked, revocation })).toEqual({
      v: 2,
      kind: 'administration',
      id: 'AAECAwQFBgcICQoLDA0ODw',
      time: 1_767_225_600,
      action: 'revoke',
      target: { kind: 'idp', idp: 'corp' },
      by: { via: 'socket', uid: 1000 },
      reason: 'leak',
      outcome: 'confirmed',
      sessions: undefined,
      members: 3,
      acknowledged: 2,
      took_ms: 4.5,
    });
  });

  test('of what is not confirmed says so, and counts no process', () => {
    const revocation = { kind: 'not-confirmed', why: 'not-on-all-nodes', tookMs: 9, sessions: 1 } as const;
    expect(changeRecordOf({ ...asked, revocation })).toMatchObject({
      outcome: 'not-on-all-nodes',
      sessions: 1,
      members: undefined,
      acknowledged: undefined,
      took_ms: 9,
    });
  });

  test.each(['asked', 'failed'] as const)('of what is %s counts nothing', (outcome) => {
    expect(changeRecordOf({ ...asked, revocation: outcome })).toMatchObject({
      outcome,
      sessions: undefined,
      members: undefined,
      took_ms: undefined,
    });
  });

  test('is set aside by who judges Checks again, and a kind that nobody writes is no record', () => {
    const record: unknown = JSON.parse(JSON.stringify(changeRecordOf({ ...asked, revocation: 'asked' })));
    expect(parseRecord(record)).toEqual({ ok: true, value: { kind: 'apart', as: 'administration' } });
    for (const kind of ['other', '', null, 1, ['administration'], {}]) {
      expect(parseRecord({ v: 2, kind, decision: 'allow', code: 'allow' })).toMatchObject({ ok: false });
    }
  });
});
