import { createCipheriv, hkdfSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SealPurpose } from '../../../src/core/ports.ts';
import { createSealer } from '../../../src/adapters/system/sealer.ts';

const secret = 'b2xkLXNlY3JldC1vbGQtc2VjcmV0LW9sZC1zZWNyZXQ=';
const newSecret = 'bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldy1zZWNyZXQ=';
const sealer = createSealer([secret]);
const purposes: readonly SealPurpose[] = ['session-cookie', 'flow', 'ticket', 'confirm'];
const context = 'grafana.example.com';

const wellFormed = fc.string({ unit: 'grapheme', maxLength: 300 });

describe('a sealed value', () => {
  test('opens to what was sealed, for its purpose and context', () => {
    fc.assert(
      fc.property(fc.constantFrom(...purposes), wellFormed, wellFormed, (purpose, plaintext, name) => {
        expect(sealer.open(purpose, sealer.seal(purpose, plaintext, name), name)).toBe(plaintext);
      }),
    );
  });

  test('is never the same twice', () => {
    const sealed = new Set(Array.from({ length: 500 }, () => sealer.seal('flow', 'x', context)));
    expect(sealed.size).toBe(500);
  });

  test('opens for no other purpose and no other context', () => {
    for (const purpose of purposes) {
      const sealed = sealer.seal(purpose, 'secret', context);
      for (const other of purposes.filter((one) => one !== purpose)) {
        expect(sealer.open(other, sealed, context)).toBeUndefined();
      }
      for (const other of ['', 'grafana.example.co', 'grafana.example.com.', `${context}\0`, 'GRAFANA.example.com']) {
        expect(sealer.open(purpose, sealed, other)).toBeUndefined();
      }
    }
  });

  test('with any one bit of its bytes changed does not open', () => {
    const bytes = Buffer.from(sealer.seal('session-cookie', 'id', context), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(sealer.open('session-cookie', changed.toString('base64url'), context)).toBeUndefined();
    }
  });

  test('with any one bit of its text changed does not open, not even in the bits that base64 does not use', () => {
    // Three lengths, so that the last character has no, two and four unused bits.
    for (const plaintext of ['a', 'ab', 'abc']) {
      const text = Buffer.from(sealer.seal('flow', plaintext, context));
      for (let bit = 0; bit < text.length * 8; bit += 1) {
        const changed = Buffer.from(text);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(sealer.open('flow', changed.toString('latin1'), context)).toBeUndefined();
      }
    }
  });

  test('in another spelling of base64 does not open', () => {
    const sealed = sealer.seal('flow', 'plaintext of some length ÿÿÿ~~~???', context);
    const standard = Buffer.from(sealed, 'base64url').toString('base64');
    for (const spelling of [`${sealed}=`, `${sealed} `, ` ${sealed}`, `${sealed}\n`, `${sealed}.`, standard + '==']) {
      expect(sealer.open('flow', spelling, context)).toBeUndefined();
    }
  });

  test('cut or extended anywhere does not open', () => {
    const sealed = sealer.seal('flow', 'plaintext', context);
    for (let length = 0; length < sealed.length; length += 1) {
      expect(sealer.open('flow', sealed.slice(0, length), context)).toBeUndefined();
    }
    expect(sealer.open('flow', `${sealed}AAAA`, context)).toBeUndefined();
  });

  test('of an unknown format version does not open, even under the right key', () => {
    const key = new Uint8Array(hkdfSync('sha256', secret, '', 'doorward seal v1 flow', 32));
    const nonce = Buffer.alloc(12, 7);
    const sealAs = (version: number): string => {
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(Buffer.from(`doorward seal v1\0flow\0${context}`));
      const ciphertext = Buffer.concat([cipher.update('x'), cipher.final()]);
      return Buffer.concat([Buffer.of(version), nonce, ciphertext, cipher.getAuthTag()]).toString('base64url');
    };
    expect(sealer.open('flow', sealAs(1), context)).toBe('x');
    expect(sealer.open('flow', sealAs(2), context)).toBeUndefined();
    expect(sealer.open('flow', sealAs(0), context)).toBeUndefined();
  });
});

describe('opening', () => {
  test('never throws and opens nothing that was not sealed here', () => {
    fc.assert(
      fc.property(fc.constantFrom(...purposes), fc.string({ unit: 'binary', maxLength: 400 }), (purpose, text) => {
        expect(sealer.open(purpose, text, context)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const sealed = Buffer.from([1, ...bytes]).toString('base64url');
        expect(sealer.open('session-cookie', sealed, context)).toBeUndefined();
      }),
    );
  });

  test('refuses 64 KiB by its length alone', () => {
    const huge = 'A'.repeat(65_536);
    const started = performance.now();
    for (let round = 0; round < 100_000; round += 1) sealer.open('session-cookie', huge, context);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(sealer.open('session-cookie', huge, context)).toBeUndefined();
  });
});

describe('the secrets', () => {
  test('all open, and the first seals', () => {
    const old = createSealer([secret]);
    const both = createSealer([newSecret, secret]);
    const onlyNew = createSealer([newSecret]);
    expect(both.open('ticket', old.seal('ticket', 'x', context), context)).toBe('x');
    expect(onlyNew.open('ticket', both.seal('ticket', 'x', context), context)).toBe('x');
    expect(onlyNew.open('ticket', old.seal('ticket', 'x', context), context)).toBeUndefined();
    expect(old.open('ticket', both.seal('ticket', 'x', context), context)).toBeUndefined();
  });

  test('must be there and not be empty', () => {
    expect(() => createSealer([])).toThrow(RangeError);
    expect(() => createSealer([secret, ''])).toThrow(RangeError);
  });
});

describe('sealing', () => {
  test('takes its nonces from the entropy that it is given, twelve bytes each', () => {
    const asked: number[] = [];
    const fixed = createSealer([secret], { bytes: (length) => (asked.push(length), new Uint8Array(length)) });
    expect(fixed.seal('flow', 'x', context)).toBe(fixed.seal('flow', 'x', context));
    expect(asked).toEqual([12, 12]);
  });

  test('refuses what would be too long to be opened again', () => {
    expect(() => sealer.seal('flow', 'x'.repeat(8192), context)).toThrow(RangeError);
    const longest = sealer.seal('flow', 'x'.repeat(6100), context);
    expect(sealer.open('flow', longest, context)).toHaveLength(6100);
  });
});
