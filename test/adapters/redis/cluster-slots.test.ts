import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseSlots, slotOf, SLOTS } from '../../../src/adapters/redis/cluster-slots.ts';

const asked = { host: '10.0.0.9', port: 7000 };
const master = (host: string | null, port: unknown): unknown => [host === null ? null : Buffer.from(host), port];

describe('the slot of a key', () => {
  test.each([
    // CRC-16 of "123456789" is 0x31c3: Redis Cluster specification, appendix A.
    ['123456789', 0x31c3 % SLOTS],
    ['', 0],
    ['{123456789}', 0x31c3 % SLOTS],
    ['a{123456789}b{c}', 0x31c3 % SLOTS],
  ])('of %j is %d', (key, slot) => {
    expect(slotOf(key)).toBe(slot);
  });

  test('of all that the control slot has is one, and an empty tag is none', () => {
    expect(slotOf('dw:{dw}:t:s:x')).toBe(slotOf('dw:{dw}:ctl'));
    expect(slotOf('{}a')).not.toBe(slotOf('{}b'));
  });
});

describe('what a node says of the slots', () => {
  test('is who has which', () => {
    const owners = parseSlots(
      [
        [0, 1, master('10.0.0.1', 7001), master('10.0.0.2', 7002)],
        [3, 16_383, master(null, 7003)],
      ],
      asked,
    );
    expect(owners?.slice(0, 4)).toEqual([
      { host: '10.0.0.1', port: 7001 },
      { host: '10.0.0.1', port: 7001 },
      undefined,
      { host: asked.host, port: 7003 },
    ]);
    expect(owners).toHaveLength(SLOTS);
  });

  test.each([
    ['no list', 'OK'],
    ['a range backwards', [[2, 1, master('a', 1)]]],
    ['a slot that there is not', [[0, SLOTS, master('a', 1)]]],
    ['no port', [[0, 1, master('a', 0)]]],
    ['a port as text', [[0, 1, master('a', '1')]]],
    ['a host that is not known', [[0, 1, master('?', 1)]]],
    ['a host that is none', [[0, 1, master('a b', 1)]]],
    ['a range without master', [[0, 1]]],
    ['more masters than a Cluster has', Array.from({ length: 1001 }, (_, port) => [port, port, master('a', port + 1)])],
  ])('with %s is nothing', (_, reply) => {
    expect(parseSlots(reply, asked)).toBeUndefined();
  });

  test('is read whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), (reply) => {
        const owners = parseSlots(reply, asked);
        expect(owners === undefined || owners.length === SLOTS).toBe(true);
      }),
    );
  });
});
