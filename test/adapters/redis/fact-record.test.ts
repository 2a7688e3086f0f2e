/** The stored form of a fact of a user. */

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openFact, sealFact } from '../../../src/adapters/redis/fact-record.ts';
import { systemEntropy } from '../../../src/adapters/system/entropy.ts';
import { fieldOf, type UserFact } from '../../../src/core/signals/user-fact.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { NOW } from '../../core/session/a-session.ts';
import { SECRETS } from './a-redis.ts';

const KEY = 'dw:{dw}:f:alice';
const fact: UserFact = { about: 'device', scope: 'scope', level: 'medium', at: epochSeconds(NOW + 0.5) };
const sealed = (of: UserFact = fact, key = KEY): string => sealFact(key, of, SECRETS, systemEntropy);
const opens = (value: string, field = fieldOf(fact), key = KEY) => openFact(key, { field, value }, SECRETS);

test('every kind of fact comes back as it was, and no two seals are alike', () => {
  for (const about of ['risk', 'device', 'assurance'] as const)
    for (const level of ['low', 'medium', 'high'] as const) {
      const one = { ...fact, about, level };
      expect(opens(sealed(one), fieldOf(one))).toEqual({ ok: true, value: one });
    }
  expect(sealed()).not.toBe(sealed());
});

test('under another key or field, or changed anywhere, it is none', () => {
  const value = sealed();
  expect(opens(value, fieldOf(fact), `${KEY}x`).ok).toBe(false);
  expect(opens(value, 'risk:scope').ok).toBe(false);
  fc.assert(
    fc.property(fc.nat(value.length - 1), fc.constantFrom('A', 'z', '0', '9', '|', '-'), (place, character) => {
      const changed = value.slice(0, place) + character + value.slice(place + 1);
      fc.pre(Buffer.from(changed.slice(14), 'base64url').compare(Buffer.from(value.slice(14), 'base64url')) !== 0);
      expect(opens(changed).ok).toBe(false);
    }),
  );
});

test('any text is a result, and one that was not sealed here is none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9]{1,16}\|[A-Za-z0-9_-]{40,90}$/)), (value) => {
      expect(opens(value).ok).toBe(false);
    }),
  );
});

test('of what a secret sealed that is no fact, nothing is made', () => {
  const wrong: readonly object[] = [
    { ...fact, about: 'mood' },
    { ...fact, scope: 1 },
    { ...fact, level: 'none' },
    { ...fact, level: 'none', about: 'risk' },
  ];
  for (const one of wrong) expect(opens(sealed(one as UserFact), fieldOf(one as UserFact)).ok).toBe(false);
  const untimed = { ...fact, at: 'soon' } as unknown as UserFact;
  expect(opens(sealed(untimed).replace('NaN', '1')).ok).toBe(false);
});

test.each([[[]], [['']]])('without a secret (%j) nothing is sealed', (secrets) => {
  expect(() => sealFact(KEY, fact, secrets, systemEntropy)).toThrow(RangeError);
});
