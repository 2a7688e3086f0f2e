import { describe, expect, test } from '@jest/globals';
import { createSealer } from '../../../src/adapters/system/sealer.ts';
import {
  HELD_REQUEST_BYTES_MAX,
  heldFrom,
  HOLD_HEADER,
  openTicket,
  sealTicket,
  withHold,
} from '../../../src/core/streams/ticket.ts';
import { epochSeconds } from '../../../src/core/units.ts';

const sealer = createSealer(['a secret of at least 32 characters, for tests']);
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
const ticket = { requestId: '0e6f-1', endsAt: epochSeconds(1_767_225_600.25), request: `\n1\n${everyByte}\n` };

describe('a ticket', () => {
  test.each([ticket, { ...ticket, endsAt: undefined }, { ...ticket, request: '' }])(
    'comes back as it was sealed',
    (each) => {
      expect(openTicket(sealTicket(each, 'app.test', sealer), 'app.test', sealer)).toEqual(each);
    },
  );

  test('of another host, another secret or another purpose opens nothing', () => {
    const sealed = sealTicket(ticket, 'app.test', sealer);
    expect(openTicket(sealed, 'other.test', sealer)).toBeUndefined();
    expect(openTicket(sealed, 'app.test', createSealer(['another secret of at least 32 characters']))).toBeUndefined();
    expect(openTicket(sealer.seal('ticket', '1\na\n\nb', 'app.test'), 'app.test', sealer)).toBeUndefined();
  });

  test.each(['', 'garbage', 'A'.repeat(100)])('that is %j opens nothing', (sealed) => {
    expect(openTicket(sealed, 'app.test', sealer)).toBeUndefined();
  });

  test.each(['', '1', '1\na', '1\na\n\n'.slice(0, 4), '2\na\n\nb', '1\na\nsoon\nb'])(
    'in another form (%j) opens nothing',
    (text) => {
      expect(openTicket(sealer.seal('hold', text, 'app.test'), 'app.test', sealer)).toBeUndefined();
    },
  );

  test('of the largest request is whole; that of a larger one is empty, and opens nothing', () => {
    const largest = { ...ticket, request: '\xff'.repeat(HELD_REQUEST_BYTES_MAX) };
    expect(openTicket(sealTicket(largest, 'app.test', sealer), 'app.test', sealer)).toEqual(largest);
    expect(sealTicket({ ...ticket, request: `${largest.request}.` }, 'app.test', sealer)).toBe('');
  });
});

describe('heldFrom', () => {
  test.each([
    { method: 'GET', length: undefined, from: 'response' },
    { method: 'CONNECT', length: undefined, from: 'response' },
    { method: 'POST', length: '9999999', from: 'response' },
    { method: 'POST', length: '10000000', from: 'request' },
    { method: 'POST', length: undefined, from: 'request' },
    { method: 'PUT', length: 'much', from: 'request' },
  ] as const)('$method with a length of $length is held from its $from on', ({ method, length, from }) => {
    const lines = (name: string): readonly string[] =>
      name === 'content-length' && length !== undefined ? [length] : [];
    expect(heldFrom({ method, headers: { lines, names: () => [] } })).toBe(from);
  });
});

test('the header of the hold is Doorward’s, whatever a route says under its name', () => {
  const changes = {
    set: [
      [HOLD_HEADER, 'x'],
      ['x-a', '1'],
    ],
    remove: [HOLD_HEADER, 'x-b'],
    setCookies: [],
  } as const;
  expect(withHold(changes, 'request')).toEqual({
    set: [
      ['x-a', '1'],
      [HOLD_HEADER, '1'],
    ],
    remove: ['x-b'],
    setCookies: [],
  });
  expect(withHold(changes, 'response').set).toContainEqual([HOLD_HEADER, '0']);
});
