/** The wall clock of one of two processes steps, as NTP or an operator may make it. */

import { expect } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { PROJECT_ROOT } from '../../support/project.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sleep, waitFor } from '../../support/wait.ts';
import { openScene } from '../scene.ts';
import type { Scene } from '../scene.ts';
import { tallyOf } from '../tally.ts';
import type { Shot } from '../load.ts';
import type { Visitor } from '../visitors.ts';
import { expectSafe, ms, play, revokeAll } from './play.ts';
import type { Play } from './play.ts';

export type ClockScene = {
  readonly scene: Scene;
  /** Of the second process; resolves when it is so. */
  readonly shift: (seconds: number) => Promise<void>;
  close(): Promise<void>;
};

const LOADER = join(PROJECT_ROOT, 'test/support/shift-clock.mjs');
/** Twice as long as a process takes to see it. */
const SHIFTED_MS = 60;
const LIFETIME_SECONDS = 3600;
const DAY_SECONDS = 86_400;

export async function openClockScene(): Promise<ClockScene> {
  const folder = temporaryFolder();
  const file = folder.file('shift');
  const shift = async (seconds: number): Promise<void> => {
    writeFileSync(file, String(seconds * 1000));
    await sleep(SHIFTED_MS);
  };
  await shift(0);
  const secondEnv = { NODE_OPTIONS: `--import=${LOADER}`, SHIFTED_CLOCK_FILE: file };
  const scene = await openScene({ direct: true, secondEnv });
  return {
    scene,
    shift,
    close: async () => {
      await scene.close();
      folder.remove();
    },
  };
}

export const STEPS = [
  ['5 minutes ahead', 300],
  ['5 minutes back', -300],
  ['1 day ahead', DAY_SECONDS],
  ['1 day back', -DAY_SECONDS],
] as const;

/**
 * R14. A step ahead of more than its life makes a session over at that process, and no longer than the step lasts; any other is no matter. Revocations
 * are as ever.
 */
export async function clockSteps(
  options: Play,
  { shift }: ClockScene,
  [name, seconds]: (typeof STEPS)[number],
): Promise<void> {
  const { scene, faultMs, afterMs } = options;
  const ends = seconds >= LIFETIME_SECONDS;
  const moments = { from: 0, to: 0 };
  const { shots } = await play(
    `the clock of a process steps ${name}`,
    options,
    async (visitors) => {
      await sleep(500);
      await revokeAll(scene, visitors.slice(0, 2));
      moments.from = performance.now();
      await shift(seconds);
      const revoked = [await scene.revoke(at(visitors, 2), 'first'), await scene.revoke(at(visitors, 3), 'second')];
      expect(revoked.map(({ status }) => status)).toEqual([200, 200]);
      await sleep(faultMs);
      await shift(0);
      moments.to = performance.now();
      const last = await scene.revoke(at(visitors, 4), 'second');
      expect(last.status).toBe(200);
      await sleep(afterMs);
      return { 'revokes took': [...revoked, last].map(({ tookMs }) => ms(tookMs)).join(' ') };
    },
    { ports: [scene.port('first'), scene.port('second')], mayFail: ends ? { lost: Infinity } : {} },
  );
  const stepped = (shot: Shot): boolean =>
    shot.port === scene.port('second') && shot.answeredAt >= moments.from && shot.sentAt <= moments.to;
  expectSafe(shots.filter((shot) => !stepped(shot)));
  expect(scene.doorward('second').exitCode()).toBeUndefined();
  if (ends) expect(tallyOf(shots.filter(stepped)).lost).toBeGreaterThan(0);
}

const at = (visitors: readonly Visitor[], index: number): Visitor => {
  const visitor = visitors[index];
  if (visitor === undefined) throw new Error(`there is no visitor ${index}`);
  return visitor;
};

/** Redis drops a session a minute after its end, by its own clock; nothing is kept at hand for longer than another. */
const GONE_AFTER_MS = 125_000;

/** However far the clock of a process went back, a session that is over elsewhere is over there soon after. */
export async function expiryAndSteps({ scene, shift }: ClockScene): Promise<void> {
  const [visitor] = await scene.mint({ count: 1, lifetimeSeconds: 3 });
  if (visitor === undefined) throw new Error('a visitor was minted');
  await shift(-DAY_SECONDS);
  const statusAt = async (place: 'first' | 'second'): Promise<number> => (await scene.ask(visitor, place)).status;
  expect(await statusAt('second')).toBe(200);
  await waitFor('the session to be over', async () => ((await statusAt('first')) === 401 ? true : undefined));
  const overAt = performance.now();
  await waitFor(
    'it to be over at the other',
    async () => ((await statusAt('second')) === 401 ? true : undefined),
    GONE_AFTER_MS,
  );
  const tookMs = performance.now() - overAt;
  await shift(0);
  process.stdout.write(
    `faults: a session at a process whose clock is a day back: over there ${ms(tookMs)} after its end\n`,
  );
  expect(await statusAt('second')).toBe(401);
}
