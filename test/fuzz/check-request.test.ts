import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { decodeCheckRequest } from '../../src/adapters/envoy/decode-check-request.ts';
import type { AccessRequest } from '../../src/core/request/access-request.ts';
import { expectAgreement } from '../adapters/envoy/agreement.ts';
import { decodeRequest, fixtures, type CheckRequestMessage } from '../adapters/envoy/oracle.ts';

/** All that can be read of a request, so that nothing lazy is left out. */
function readAll(request: AccessRequest): string {
  const { headers, source, body } = request;
  return JSON.stringify([
    request,
    headers.names().map((name) => [name, headers.lines(name)]),
    source.principal,
    source.certificate,
    body && Buffer.from(body.bytes).toString(body.asString ? 'utf8' : 'latin1'),
    request.contextExtension('route_id'),
  ]);
}

/** Undefined where the oracle throws; it also parses what Doorward passes over. */
function oracleOf(bytes: Buffer): CheckRequestMessage | undefined {
  try {
    return decodeRequest(bytes);
  } catch {
    return undefined;
  }
}

/** Where the oracle is known to read otherwise: it keeps two members of a oneof, and turns bytes that are no UTF-8 into something of its own. */
function isComparable(request: AccessRequest, all: string, message: CheckRequestMessage): boolean {
  const address = message.attributes?.source?.address;
  const twoAddresses = Boolean(address?.socket_address) && Boolean(address?.pipe ?? address?.envoy_internal_address);
  const twoPorts = Boolean(address?.socket_address?.named_port) && request.source.port !== 0;
  return !all.includes('\ufffd') && !twoAddresses && !twoPorts;
}

function judge(bytes: Buffer): 'error' | 'read' | 'compared' {
  const result = decodeCheckRequest(bytes);
  if (!result.ok) {
    expect(result.error).toMatch(/^[a-zA-Z0-9_: ]{1,60}$/);
    return 'error';
  }
  const all = readAll(result.value);
  const message = oracleOf(bytes);
  if (message === undefined || !isComparable(result.value, all, message)) return 'read';
  expectAgreement(result.value, message);
  return 'compared';
}

describe('a captured CheckRequest with bits turned', () => {
  test('one anywhere, is an error or is read as the oracle reads it', () => {
    const seen = { error: 0, read: 0, compared: 0 };
    for (const { bytes } of fixtures.filter(({ bytes }) => bytes.length < 700)) {
      for (let bit = 0; bit < bytes.length * 8; bit += 3) {
        const turned = Buffer.from(bytes);
        turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        seen[judge(turned)]++;
      }
    }
    expect(seen.error).toBeGreaterThan(500);
    expect(seen.compared).toBeGreaterThan(500);
  });

  test('many at once, is an error or is read as the oracle reads it', () => {
    const change = fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), value: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.constantFrom(...fixtures),
        fc.array(change, { minLength: 1, maxLength: 6 }),
        ({ bytes }, changes) => {
          const turned = Buffer.from(bytes);
          for (const { at, value } of changes) turned.writeUInt8(value, Math.floor(at * turned.length));
          judge(turned);
        },
      ),
      { numRuns: 1_500 },
    );
  });
});

test('any bytes are an error or a request, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      judge(Buffer.from(bytes));
    }),
    { numRuns: 2_000 },
  );
});
