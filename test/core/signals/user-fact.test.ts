import { describe, expect, test } from '@jest/globals';
import { fieldOf, FACTS_MAX, GATHERED_MAX, roomFor, type UserFact } from '../../../src/core/signals/user-fact.ts';
import { epochSeconds } from '../../../src/core/units.ts';

const aFact = (changes: Partial<UserFact> & { readonly number: number }): UserFact => {
  const { number, ...rest } = changes;
  return { about: 'device', scope: `scope-${number}`, level: 'low', at: epochSeconds(1000 + number), ...rest };
};
const many = (changes: Partial<UserFact>): readonly UserFact[] =>
  Array.from({ length: FACTS_MAX }, (_, number) => aFact({ number, ...changes }));

describe('roomFor', () => {
  test('there is room below the bound, and in its own place above it', () => {
    expect(roomFor(many({}).slice(1), aFact({ number: 99 }))).toEqual({ kind: 'free' });
    expect(roomFor(many({ level: 'high' }), aFact({ number: 3 }))).toEqual({ kind: 'free' });
  });

  test('the oldest low one gives way, one about risk last', () => {
    const [first, second, ...rest] = many({});
    if (first === undefined || second === undefined) throw new Error('there are no facts');
    const fresh = aFact({ number: 99, level: 'high' });
    expect(roomFor([first, second, ...rest], fresh)).toEqual({ kind: 'instead', of: first });
    expect(roomFor([{ ...first, about: 'risk' }, second, ...rest], fresh)).toEqual({ kind: 'instead', of: second });
  });

  test('a low one that is older than every other low one, or has none beside it, is not kept', () => {
    expect(roomFor(many({}), aFact({ number: -1 }))).toEqual({ kind: 'none' });
    expect(roomFor(many({ level: 'medium' }), aFact({ number: 99 }))).toEqual({ kind: 'none' });
    expect(roomFor(many({ about: 'risk' }), aFact({ number: 99 }))).toEqual({ kind: 'none' });
  });

  test('without any low one, what is on top is gathered in so many places', () => {
    const places = (['risk', 'device', 'assurance'] as const).flatMap((about) =>
      (['medium', 'high'] as const).flatMap((level) =>
        [99, 100].map((number) => {
          const room = roomFor(many({ level: 'high' }), aFact({ number, about, level }));
          if (room.kind !== 'gathered') throw new Error(`it is ${room.kind}`);
          expect(room.fact).toMatchObject({ about, level, at: 1000 + number });
          return fieldOf(room.fact);
        }),
      ),
    );
    expect(new Set(places).size).toBe(GATHERED_MAX);
  });
});
