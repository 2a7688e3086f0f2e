/** What every registry of used ids promises. `open` gives a fresh one, seen by two processes. */

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { OnceRegistry } from '../../src/core/ports.ts';

export type OpenedRegistry = {
  readonly registry: OnceRegistry;
  readonly elsewhere: OnceRegistry;
  /** Lets time pass, for the registry. */
  pass(seconds: number): Promise<void>;
  close(): Promise<void>;
};

export function onceRegistryContract(name: string, open: () => Promise<OpenedRegistry>): void {
  describe(`once registry: ${name}`, () => {
    let opened: OpenedRegistry;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    test('an id can be used once, by whichever process', async () => {
      expect(await opened.registry.use('flow-1', 60)).toBe(true);
      expect(await opened.registry.use('flow-1', 60)).toBe(false);
      expect(await opened.elsewhere.use('flow-1', 60)).toBe(false);
    });

    test('ids are apart, whatever they are made of', async () => {
      const ids = ['a', 'A', '', ' ', '{a}', 'a\0b', '__proto__', 'x'.repeat(10_000)];
      for (const id of ids) expect(await opened.registry.use(id, 60)).toBe(true);
      for (const id of ids) expect(await opened.elsewhere.use(id, 60)).toBe(false);
    });

    test('of many at once exactly one uses it', async () => {
      const tries = Array.from({ length: 50 }, (_, count) =>
        Promise.resolve((count % 2 === 0 ? opened.registry : opened.elsewhere).use('raced', 60)),
      );
      expect((await Promise.all(tries)).filter((isFirst) => isFirst)).toHaveLength(1);
    });

    test('asking after an id does not use it', async () => {
      expect(await opened.registry.wasUsed('flow-1')).toBe(false);
      expect(await opened.registry.wasUsed('flow-1')).toBe(false);
      expect(await opened.registry.use('flow-1', 60)).toBe(true);
      expect(await opened.elsewhere.wasUsed('flow-1')).toBe(true);
    });

    test('an id is remembered for its time', async () => {
      await opened.registry.use('short', 0.3);
      await opened.registry.use('long', 60);
      await opened.pass(0.35);
      expect(await opened.registry.wasUsed('short')).toBe(false);
      expect(await opened.elsewhere.wasUsed('long')).toBe(true);
      expect(await opened.registry.use('long', 60)).toBe(false);
    });
  });
}
