import { expect, test } from '@jest/globals';
import { createMemoryUserFacts } from '../../../src/adapters/memory/user-facts.ts';
import { FACT_SECONDS, type FactOwner, type UserFact } from '../../../src/core/signals/user-fact.ts';
import { epochSeconds } from '../../../src/core/units.ts';
import { userFactsContract } from '../../contract/user-facts.contract.ts';
import { aClock } from '../../core/session/a-session.ts';

userFactsContract('memory', (clock) => {
  const facts = createMemoryUserFacts({ clock });
  return Promise.resolve({ facts, elsewhere: facts, processes: 1, close: () => Promise.resolve() });
});

test('beyond its bound nothing new is confirmed until something is over', async () => {
  const clock = aClock();
  const facts = createMemoryUserFacts({ clock, ownersMax: 2 });
  const owner = (email: string): FactOwner => ({ kind: 'email', email });
  const fact = (): UserFact => ({ about: 'risk', scope: 's', level: 'high', at: epochSeconds(clock.now()) });
  const put = async (email: string) => (await facts.put(owner(email), fact())).kind;
  expect([await put('a'), await put('b'), await put('c'), await put('a')]).toEqual([
    'confirmed',
    'confirmed',
    'not-confirmed',
    'confirmed',
  ]);
  clock.advance(FACT_SECONDS);
  expect(await put('c')).toBe('confirmed');
});
