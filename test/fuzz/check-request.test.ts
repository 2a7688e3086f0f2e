import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { decodeCheckRequest } from '../../src/adapters/envoy/decode-check-request.ts';
import type { AccessRequest } from '../../src/core/request/access-request.ts';
import { expectAgreement } from '../adapters/envoy/agreement.ts';
import { decodeRequest, fixtures, understands } from '../adapters/envoy/oracle.ts';

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

function judge(bytes: Buffer): 'error' | 'read' | 'compared' {
  const result = decodeCheckRequest(bytes);
  if (!result.ok) {
    expect(result.error).toMatch(/^[a-zA-Z0-9_: ]{1,60}$/);
    return 'error';
  }
  const all = readAll(result.value);
  if (all.includes('\ufffd') || !understands(bytes)) return 'read';
  expectAgreement(result.value, decodeRequest(bytes));
  return 'compared';
}

describe('a captured CheckRequest with bits turned', () => {
  test('one anywhere, is an error or is read, and as the oracle reads it wherever that understands it', () => {
    expect(fixtures.filter(({ bytes }) => understands(bytes)).length).toBe(fixtures.length);
    const seen = { error: 0, read: 0, compared: 0 };
    for (const { bytes } of fixtures.filter(({ bytes }) => bytes.length < 700)) {
      for (let bit = 0; bit < bytes.length * 8; bit += 11) {
        const turned = Buffer.from(bytes);
        turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        seen[judge(turned)]++;
      }
    }
    expect(seen.error).toBeGreaterThan(300);
    expect(seen.compared).toBeGreaterThan(1_000);
  });

  test('many at once, is an error or is read, and as the oracle reads it wherever that understands it', () => {
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
