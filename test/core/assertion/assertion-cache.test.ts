import { describe, expect, test } from '@jest/globals';
import { createAssertionCache, type SignedAssertion } from '../../../src/core/assertion/assertion-cache.ts';
import { NOW, secondsAfter } from '../session/a-session.ts';
import { readableSigner } from './an-upstream.ts';

const signer = readableSigner();
const signed = (assertion: string, at = 0, life = 300): SignedAssertion => ({
  assertion,
  stamp: { issuedAt: NOW + at, expiresAt: NOW + at + life, id: 'id' },
});

describe('a signed assertion', () => {
  const use = (at: number, life = 300): string => {
    const cache = createAssertionCache();
    cache.get(signer, '{"sub":"a"', NOW, () => signed('first', 0, life));
    return cache.get(signer, '{"sub":"a"', secondsAfter(at), () => signed('second', at, life)).assertion;
  };

  test('is used again for thirty seconds', () => {
    expect([0, 1, 29.9, 30].map((at) => use(at))).toEqual(Array(4).fill('first'));
    expect([30.1, 31, 300].map((at) => use(at))).toEqual(Array(3).fill('second'));
  });

  test('that lives shorter is used again for a third of its life', () => {
    expect([0, 3].map((at) => use(at, 9))).toEqual(['first', 'first']);
    expect(use(3.1, 9)).toBe('second');
    expect(use(0.1, 0)).toBe('second');
  });

  test('is not used while the clock stands before it was signed', () => {
    expect(use(-1)).toBe('second');
  });

  test('is not used for another claim set or by another signer', () => {
    const cache = createAssertionCache();
    cache.get(signer, 'a', NOW, () => signed('first'));
    expect(cache.get(signer, 'b', NOW, () => signed('second')).assertion).toBe('second');
    expect(cache.get(readableSigner(), 'a', NOW, () => signed('third')).assertion).toBe('third');
    expect(cache.get(signer, 'a', NOW, () => signed('fourth')).assertion).toBe('fourth');
  });

  test('that could not be signed leaves nothing behind', () => {
    const cache = createAssertionCache();
    const failing = (): SignedAssertion => {
      throw new Error('no key');
    };
    expect(() => cache.get(signer, 'a', NOW, failing)).toThrow('no key');
    expect(cache.get(signer, 'a', NOW, () => signed('first')).assertion).toBe('first');
  });
});

describe('the cache', () => {
  const fill = (cache: ReturnType<typeof createAssertionCache>, keys: readonly string[], at = 0): void => {
    for (const key of keys) cache.get(signer, key, secondsAfter(at), () => signed(`signed ${key}`, at));
  };
  const has = (cache: ReturnType<typeof createAssertionCache>, key: string, at = 0): boolean =>
    cache.get(signer, key, secondsAfter(at), () => signed('anew', at)).assertion !== 'anew';

  test('keeps as many as it may, the newest', () => {
    const cache = createAssertionCache(3);
    fill(cache, ['a', 'b', 'c', 'd']);
    expect(['d', 'c', 'b'].map((key) => has(cache, key))).toEqual([true, true, true]);
    expect(has(cache, 'a')).toBe(false);
  });

  test('keeps no more characters than it may, and what is larger than all of that not at all', () => {
    const cache = createAssertionCache(100, 40);
    fill(cache, ['a', 'b', 'c', 'd', 'e']);
    expect(['e', 'd', 'c', 'b'].map((key) => has(cache, key))).toEqual([true, true, true, true]);
    expect(has(cache, 'a')).toBe(false);
    fill(cache, ['x'.repeat(60)]);
    expect(has(cache, 'x'.repeat(60))).toBe(false);
  });

  test('lets go of what is stale when something new comes', () => {
    const cache = createAssertionCache(3);
    fill(cache, ['a', 'b'], 0);
    fill(cache, ['c'], 31);
    // Were the stale ones still there, the fourth and fifth would have pushed out `c`.
    fill(cache, ['d', 'e'], 31);
    expect(has(cache, 'c', 31)).toBe(true);
  });

  test('counts one that is signed anew once, and as the newest', () => {
    const cache = createAssertionCache(2);
    fill(cache, ['a'], 0);
    fill(cache, ['b'], 20);
    fill(cache, ['a'], 40);
    fill(cache, ['c'], 40);
    expect(has(cache, 'a', 40)).toBe(true);
    expect(has(cache, 'b', 40)).toBe(false);
  });
});
