import { describe, expect, test } from '@jest/globals';

import { runInSlices } from '../../src/compose/run-in-slices.ts';
import { runSteps, type Steps } from '../../src/core/steps.ts';

function* steps(count: number, each: () => void): Steps<string> {
  for (let index = 0; index < count; index += 1) {
    each();
    yield;
  }
  return 'done';
}

describe('steps', () => {
  test('are driven to their end, without a turn of the event loop if all is wanted at once', () => {
    let taken = 0;
    expect(runSteps(steps(5, () => (taken += 1)))).toBe('done');
    expect(taken).toBe(5);
  });

  test('let the event loop turn whenever a slice is over', async () => {
    let clock = 0;
    let turns = 0;
    let over = false;
    const turn = (): void => {
      turns += 1;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    // Each step takes 3 ms: two of them fill a slice.
    const answer = await runInSlices(
      steps(40, () => (clock += 3)),
      () => clock,
    );
    over = true;
    expect(answer).toBe('done');
    expect(turns).toBeGreaterThanOrEqual(19);
  });

  test('that fail fail for whoever drives them', async () => {
    const failing = steps(3, () => {
      throw new RangeError('no');
    });
    await expect(runInSlices(failing)).rejects.toThrow(RangeError);
  });
});
