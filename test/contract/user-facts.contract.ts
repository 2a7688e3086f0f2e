/** What every store of facts of users promises. Each implementation runs it; `open` gives a fresh, empty one, seen by two processes. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { UserFacts } from '../../src/core/ports.ts';
import {
  FACT_SECONDS,
  FACTS_MAX,
  factScope,
  type FactHolder,
  type FactOwner,
  type UserFact,
} from '../../src/core/signals/user-fact.ts';
import { epochSeconds } from '../../src/core/units.ts';
import { aClock, NOW, type ManualClock } from '../core/session/a-session.ts';

export type OpenedFacts = {
  readonly facts: UserFacts;
  /** The same as another process has it; the same object where there is only one process. */
  readonly elsewhere: UserFacts;
  readonly processes: 1 | 2;
  close(): Promise<void>;
};

const alice: FactHolder = { issuer: 'https://idp.example.com', subject: 'alice', email: 'alice@example.com' };
const bob: FactHolder = { ...alice, subject: 'bob', email: 'bob@example.com' };
const userOf = ({ issuer, subject }: FactHolder): FactOwner => ({ kind: 'user', issuer, subject });

const aFact = (changes: Partial<UserFact> = {}): UserFact => ({
  about: 'risk',
  scope: factScope('https://ssf.example.com', undefined),
  level: 'high',
  at: epochSeconds(NOW),
  ...changes,
});
const after = (seconds: number) => ({ at: epochSeconds(NOW + seconds) });

export function userFactsContract(name: string, open: (clock: ManualClock) => Promise<OpenedFacts>): void {
  describe(`facts of users: ${name}`, () => {
    let clock: ManualClock;
    let opened: OpenedFacts;
    beforeEach(async () => {
      clock = aClock();
      opened = await open(clock);
    });
    afterEach(() => opened.close());

    /** What comes at once, after what a promise gave. */
    const at = async (facts: UserFacts, holder: FactHolder): Promise<readonly UserFact[]> => {
      await facts.of(holder);
      const known = facts.of(holder);
      expect(known).not.toBeInstanceOf(Promise);
      return known;
    };

    test('nothing is known of whom nothing was said of', async () => {
      expect(await at(opened.facts, alice)).toEqual([]);
    });

    test('what is confirmed is known to every process at once, of that user and of nobody else', async () => {
      for (const facts of [opened.facts, opened.elsewhere]) expect(await at(facts, alice)).toEqual([]);
      const fact = aFact();
      const put = await opened.facts.put(userOf(alice), fact);
      // What was at hand before must not be given any more: asked in the turn in which it was confirmed.
      const known = [opened.facts.of(alice), opened.elsewhere.of(alice)];
      expect(put).toMatchObject({ kind: 'confirmed', members: opened.processes, acknowledged: opened.processes });
      for (const facts of known) expect(await facts).toEqual([fact]);
      expect(await at(opened.elsewhere, alice)).toEqual([fact]);
      expect(await at(opened.elsewhere, bob)).toEqual([]);
      expect(await at(opened.elsewhere, { ...alice, issuer: 'https://other.example.com' })).toEqual([]);
    });

    test('what is said of an address is of all who have it, and of no user who has it as subject', async () => {
      const fact = aFact({ level: 'medium' });
      await opened.facts.put({ kind: 'email', email: alice.email }, fact);
      expect(await at(opened.elsewhere, alice)).toEqual([fact]);
      expect(await at(opened.elsewhere, { ...bob, email: alice.email })).toEqual([fact]);
      expect(await at(opened.elsewhere, { ...bob, subject: alice.email })).toEqual([]);
    });

    test('what is newer takes the place of its scope, and of no other', async () => {
      const device = aFact({ about: 'device', scope: factScope('https://ssf.example.com', { device: 'd' }) });
      await opened.facts.put(userOf(alice), aFact());
      await opened.facts.put(userOf(alice), device);
      const newer = aFact({ level: 'low', ...after(1) });
      expect(await opened.elsewhere.put(userOf(alice), newer)).toMatchObject({ kind: 'confirmed' });
      expect(new Set(await at(opened.facts, alice))).toEqual(new Set([device, newer]));
    });

    test('what is older than what is known changes nothing, and is confirmed', async () => {
      const known = aFact(after(10));
      await opened.facts.put(userOf(alice), known);
      expect(await opened.elsewhere.put(userOf(alice), aFact({ level: 'low' }))).toMatchObject({ kind: 'confirmed' });
      expect(await at(opened.facts, alice)).toEqual([known]);
    });

    test('a fact is over after its time, also where it is at hand', async () => {
      await opened.facts.put(userOf(alice), aFact());
      clock.advance(FACT_SECONDS - 1);
      expect(await opened.facts.of(alice)).toHaveLength(1);
      clock.advance(1);
      expect(await opened.facts.of(alice)).toEqual([]);
    });

    test('a user has room for so many facts and no more; nothing is dropped for another, but what is over makes room', async () => {
      const scoped = (number: number, seconds = 0): UserFact =>
        aFact({ about: 'device', scope: factScope('t', number), ...after(seconds) });
      for (let number = 0; number < FACTS_MAX; number += 1) await opened.facts.put(userOf(alice), scoped(number));
      expect(await opened.facts.put(userOf(alice), scoped(FACTS_MAX))).toMatchObject({ kind: 'not-confirmed' });
      expect(await at(opened.elsewhere, alice)).toHaveLength(FACTS_MAX);
      expect(await opened.facts.put(userOf(alice), scoped(1, 1))).toMatchObject({ kind: 'confirmed' });
      clock.advance(FACT_SECONDS);
      const fresh = scoped(FACTS_MAX, FACT_SECONDS);
      expect(await opened.facts.put(userOf(alice), fresh)).toMatchObject({ kind: 'confirmed' });
      expect(new Set(await opened.facts.of(alice))).toEqual(new Set([scoped(1, 1), fresh]));
    });
  });
}
