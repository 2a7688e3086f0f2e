import { describe, expect, test } from '@jest/globals';
import { createMemoryOnceRegistry } from '../../../src/adapters/memory/once-registry.ts';
import { onceRegistryContract } from '../../contract/once-registry.contract.ts';
import { aClock } from '../../core/session/a-session.ts';

onceRegistryContract('memory', () => {
  const clock = aClock();
  const registry = createMemoryOnceRegistry({ clock });
  return Promise.resolve({
    registry,
    elsewhere: registry,
    pass: (seconds: number) => {
      clock.advance(seconds);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
});

describe('memory once registry', () => {
  test('an id may be used again at the end of its time, and is then remembered anew', () => {
    const clock = aClock();
    const registry = createMemoryOnceRegistry({ clock });
    registry.use('id', 10);
    clock.advance(9.9);
    expect(registry.use('id', 10)).toBe(false);
    clock.advance(0.1);
    expect(registry.use('id', 10)).toBe(true);
    expect(registry.wasUsed('id')).toBe(true);
  });

  test('at its bound it refuses rather than forgets', () => {
    const clock = aClock();
    const registry = createMemoryOnceRegistry({ clock, entriesMax: 2 });
    registry.use('a', 10);
    registry.use('b', 20);
    expect(() => registry.use('c', 10)).toThrow(expect.objectContaining({ code: 'store-unavailable' }));
    expect(registry.use('a', 10)).toBe(false);
    clock.advance(10);
    expect(registry.use('c', 10)).toBe(true);
    expect(registry.use('b', 10)).toBe(false);
  });

  test('ids whose time is over are dropped as new ones come', () => {
    const clock = aClock();
    const registry = createMemoryOnceRegistry({ clock, entriesMax: 50 });
    registry.use('lasting', 1_000_000);
    for (let number = 0; number < 2_000; number += 1) {
      expect(registry.use(`id ${number}`, 10)).toBe(true);
      clock.advance(1);
    }
    expect(registry.wasUsed('lasting')).toBe(true);
  });
});
