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

    describe('where a user has as many facts as there is room for', () => {
      const scoped = (number: number, changes: Partial<UserFact> = {}): UserFact =>
        aFact({ about: 'device', scope: factScope('t', number), ...changes });
      const fill = async (level: UserFact['level']): Promise<readonly UserFact[]> => {
        const facts = Array.from({ length: FACTS_MAX }, (_, number) => scoped(number, { level, ...after(number) }));
        for (const fact of facts) await opened.facts.put(userOf(alice), fact);
        return facts;
      };
      const setAt = async (): Promise<ReadonlySet<UserFact>> => new Set(await at(opened.elsewhere, alice));

      test.each(['medium', 'high'] as const)('the oldest low one gives way to one that is %s', async (level) => {
        const facts = await fill('low');
        expect(await setAt()).toEqual(new Set(facts));
        const fresh = scoped(FACTS_MAX, { level, about: 'risk' });
        expect(await opened.facts.put(userOf(alice), fresh)).toMatchObject({ kind: 'confirmed' });
        expect(await setAt()).toEqual(new Set([...facts.slice(1), fresh]));
      });

      test('no other gives way: those on top count together, until their time is over, and newer low ones take nothing of it', async () => {
        const facts = await fill('medium');
        for (const number of [70, 71, 72]) {
          const put = await opened.facts.put(userOf(alice), scoped(number, { about: 'risk', ...after(number) }));
          expect(put).toMatchObject({ kind: 'confirmed' });
        }
        await opened.elsewhere.put(userOf(alice), scoped(73, { level: 'medium', ...after(73) }));
        const gathered = [
          scoped(72, { about: 'risk', scope: 'gathered-high', ...after(72) }),
          scoped(73, { level: 'medium', scope: 'gathered-medium', ...after(73) }),
        ];
        expect(await setAt()).toEqual(new Set([...facts, ...gathered]));
        const back = scoped(72, { about: 'risk', level: 'low', ...after(80) });
        expect(await opened.facts.put(userOf(alice), back)).toMatchObject({ kind: 'confirmed' });
        expect(await setAt()).toEqual(new Set([...facts, ...gathered]));
        // A low one in its place makes room for the next.
        const own = scoped(5, { level: 'low', ...after(81) });
        await opened.facts.put(userOf(alice), own);
        const next = scoped(90, after(82));
        expect(await opened.facts.put(userOf(alice), next)).toMatchObject({ kind: 'confirmed' });
        expect(await setAt()).toEqual(new Set([...facts.filter((_, place) => place !== 5), ...gathered, next]));
      });

      test('what is over makes room', async () => {
        const facts = await fill('high');
        clock.advance(FACT_SECONDS + 10);
        const fresh = scoped(FACTS_MAX, after(FACT_SECONDS + 10));
        expect(await opened.facts.put(userOf(alice), fresh)).toMatchObject({ kind: 'confirmed' });
        expect(new Set(await opened.facts.of(alice))).toEqual(new Set([...facts.slice(11), fresh]));
      });
    });
  });
}
