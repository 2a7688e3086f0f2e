import { isIP } from 'node:net';

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { clientAddress, clientAddressAgain, parseAddressRange } from '../../../src/core/request/client-address.ts';
import { formatIp, parseIp } from '../../../src/core/request/ip-address.ts';
import { anAccessRequest } from './a-request.ts';

const range = (text: string) => {
  const result = parseAddressRange(text);
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

const source = (address: string) => ({ address, port: 1, principal: '', certificate: '' });

function clientOf(peer: string, forwarded: readonly string[], trusted: readonly string[]) {
  const request = anAccessRequest({
    source: source(peer),
    headers: forwarded.map((line) => ['x-forwarded-for', line] as const),
  });
  return clientAddress(request, trusted.map(range));
}

describe('an IP address', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['192.0.2.255', '192.0.2.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['::192.0.2.1', '::c000:201'],
  ])('%s is written %s', (text, canonical) => {
    const address = parseIp(text);
    expect(address && formatIp(address)).toBe(canonical);
  });

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '01.2.3.4',
    '1.2.3.0x4',
    '1.2.3.4 ',
    '1.2.3.-4',
    '127.1',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '1.2.3.4::',
    '::1.2.3',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    ':1',
    '1:',
    `::${'0'.repeat(60)}1`,
    '[::1]',
  ])('%j is none', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  test('is read as Node reads it, but without zones, and its text is canonical', () => {
    const piece = fc.constantFrom('0', '1', 'ff', '255', '256', '.', ':', '::', 'ffff', '%', 'a');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          fc.array(piece, { maxLength: 12 }).map((all) => all.join('')),
        ),
        (text) => {
          const address = parseIp(text);
          expect(address !== undefined).toBe(isIP(text) !== 0 && !text.includes('%'));
          if (address === undefined) return;
          const again = parseIp(formatIp(address));
          expect(again).toEqual(address);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('an address range', () => {
  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['192.0.2.128/25', '192.0.2.200', true],
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.1/32', '192.0.2.1', true],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '203.0.113.1', false],
    ['::/0', '2001:db8::1', true],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['::1', '::1', true],
    ['10.0.0.0/8', '::ffff:10.1.1.1', true],
    ['::ffff:10.0.0.0/104', '10.1.1.1', true],
    ['::ffff:10.0.0.1', '10.0.0.1', true],
    ['10.0.0.0/8', '', false],
    ['10.0.0.0/8', 'nonsense', false],
  ])('%s contains %s: %s', (text, address, contained) => {
    expect(range(text).contains(address)).toBe(contained);
    expect(range(text).text).toBe(text);
  });

  test.each([
    ['', '"" is not an IP address or CIDR'],
    ['10.0.0.0/8/8', '"10.0.0.0/8/8" has a prefix length that is not between 0 and 32'],
    ['example.com', '"example.com" is not an IP address or CIDR'],
    ['10.0.0.0/33', '"10.0.0.0/33" has a prefix length that is not between 0 and 32'],
    ['10.0.0.0/', '"10.0.0.0/" has a prefix length that is not between 0 and 32'],
    ['10.0.0.0/08', '"10.0.0.0/08" has a prefix length that is not between 0 and 32'],
    ['10.0.0.0/-1', '"10.0.0.0/-1" has a prefix length that is not between 0 and 32'],
    ['::1/129', '"::1/129" has a prefix length that is not between 0 and 128'],
    ['::ffff:10.0.0.0/8', '"::ffff:10.0.0.0/8" has a prefix length that is not between 96 and 128'],
  ])('%j is none', (text, error) => {
    expect(parseAddressRange(text)).toEqual({ ok: false, error });
  });
});

describe('the client address', () => {
  test('is the peer where no proxy is trusted, whatever is forwarded', () => {
    expect(clientOf('192.0.2.1', ['203.0.113.9'], [])).toMatchObject({ address: '192.0.2.1', from: 'peer' });
  });

  test('is the peer where the peer is not a trusted proxy', () => {
    expect(clientOf('192.0.2.1', ['203.0.113.9'], ['10.0.0.0/8'])).toMatchObject({
      address: '192.0.2.1',
      from: 'peer',
    });
  });

  test('is written canonically', () => {
    expect(clientOf('::FFFF:192.0.2.1', [], []).address).toBe('192.0.2.1');
    expect(clientOf('2001:DB8::0:1', [], []).address).toBe('2001:db8::1');
  });

  test('is empty where Envoy named no peer, and nothing forwarded is believed then', () => {
    expect(clientOf('', ['203.0.113.9'], ['0.0.0.0/0', '::/0'])).toMatchObject({ address: '', from: 'peer' });
  });

  const proxies = ['10.0.0.0/8', '2001:db8::/32'];
  test.each<[string, readonly string[], string, 'peer' | 'x-forwarded-for']>([
    ['the last entry of a trusted peer', ['198.51.100.1, 203.0.113.9'], '203.0.113.9', 'x-forwarded-for'],
    [
      'the first that is not a proxy, from the right',
      ['1.1.1.1, 203.0.113.9, 10.0.0.2,10.0.0.3'],
      '203.0.113.9',
      'x-forwarded-for',
    ],
    ['found over several lines', ['1.1.1.1, 203.0.113.9', '10.0.0.2'], '203.0.113.9', 'x-forwarded-for'],
    ['the leftmost proxy where all are proxies', ['10.0.0.9, 10.0.0.2'], '10.0.0.9', 'x-forwarded-for'],
    ['the peer without the header', [], '10.0.0.1', 'peer'],
    ['the peer where the last entry is garbage', ['203.0.113.9, unknown'], '10.0.0.1', 'peer'],
    ['the peer where the last entry is empty', ['203.0.113.9,'], '10.0.0.1', 'peer'],
    [
      'the last proxy that an address came from, where garbage follows',
      ['203.0.113.9, x, 10.0.0.2'],
      '10.0.0.2',
      'x-forwarded-for',
    ],
    ['read without its port', ['203.0.113.9:4711'], '203.0.113.9', 'x-forwarded-for'],
    ['read from brackets', ['[2001:DB9::1]:4711'], '2001:db9::1', 'x-forwarded-for'],
    ['read from an IPv6 proxy', ['203.0.113.9, 2001:db8::7'], '203.0.113.9', 'x-forwarded-for'],
    ['read from a mapped address', ['::ffff:203.0.113.9'], '203.0.113.9', 'x-forwarded-for'],
    ['not read from a port that is none', ['203.0.113.9:x'], '10.0.0.1', 'peer'],
    ['not read from quotes', ['"203.0.113.9"'], '10.0.0.1', 'peer'],
  ])('is %s', (_, forwarded, address, from) => {
    expect(clientOf('10.0.0.1', forwarded, proxies)).toMatchObject({ address, from });
  });

  test('is looked for in a bounded number of entries', () => {
    const entries = ['203.0.113.9', ...Array.from({ length: 5000 }, () => '10.0.0.7')].join(',');
    expect(clientOf('10.0.0.1', [entries], proxies).address).toBe('10.0.0.7');
  });

  test('never is what stands left of an address that is not a proxy', () => {
    const entry = fc.oneof(fc.constantFrom('10.0.0.2', 'x', '', '198.51.100.7'), fc.ipV6(), fc.string());
    fc.assert(
      fc.property(fc.array(entry), (left) => {
        const { address } = clientOf('10.0.0.1', [[...left, '203.0.113.9', '10.0.0.2'].join(', ')], proxies);
        expect(address).toBe('203.0.113.9');
      }),
    );
  });
});

describe('the client address, walked again over what was recorded', () => {
  const ranges = (texts: readonly string[]) =>
    texts.flatMap((text) => {
      const range = parseAddressRange(text);
      return range.ok ? [range.value] : [];
    });
  const request = anAccessRequest({
    source: { address: '10.0.0.1', port: 1, principal: '', certificate: '' },
    headers: [['x-forwarded-for', '203.0.113.9, 10.0.0.2']],
  });
  const known = clientAddress(request, ranges(['10.0.0.0/8']));

  test('has the proxies that passed it on, the peer first', () => {
    expect(known).toEqual({
      address: '203.0.113.9',
      from: 'x-forwarded-for',
      via: ['10.0.0.1', '10.0.0.2'],
      isProxy: false,
    });
  });

  test.each([
    { proxies: ['10.0.0.0/8'], address: '203.0.113.9' },
    { proxies: [], address: '10.0.0.1' },
    { proxies: ['10.0.0.1'], address: '10.0.0.2' },
    { proxies: ['10.0.0.2'], address: '10.0.0.1' },
  ])('under $proxies it is what the request itself would give: $address', ({ proxies, address }) => {
    const again = clientAddressAgain(known, ranges(proxies));
    expect(again?.address).toBe(address);
    expect(again).toEqual(clientAddress(request, ranges(proxies)));
  });

  test('is not known where a walk would go on beyond what was recorded', () => {
    expect(clientAddressAgain(known, ranges(['10.0.0.0/8', '203.0.113.0/24']))).toBeUndefined();
    const peer = clientAddress(request, []);
    expect(clientAddressAgain(peer, ranges(['10.0.0.0/8']))).toBeUndefined();
  });

  test('stays a proxy that did not say for whom', () => {
    const silent = clientAddress({ ...request, headers: anAccessRequest().headers }, ranges(['10.0.0.0/8']));
    expect(silent).toMatchObject({ address: '10.0.0.1', isProxy: true });
    expect(clientAddressAgain(silent, ranges(['10.0.0.0/8']))).toEqual(silent);
  });
});
