/** What all faults have in common: people ask all the while, something breaks and is mended, and everything they were answered is judged. */

import { expect } from '@jest/globals';

import { waitFor } from '../../support/wait.ts';
import type { Scene } from '../scene.ts';
import type { Load, Shot } from '../load.ts';
import { latenciesOf, ofPublic, percentile, report, sentBetween, tallyOf, verdictOn, withSession } from '../tally.ts';
import type { Tally } from '../tally.ts';
import type { Visitor } from '../visitors.ts';

export type Play = {
  readonly scene: Scene;
  readonly ratePerSecond: number;
  /** How long the fault lasts. */
  readonly faultMs: number;
  /** How long is waited for everything to be well again. */
  readonly afterMs: number;
  readonly visitors: number;
};

/** As `npm test` plays it, and as `npm run test:faults` does. */
export const SHORT = { ratePerSecond: 100, faultMs: 2500, afterMs: 1500, visitors: 30 } as const;
export const LONG = { ratePerSecond: 200, faultMs: 10_000, afterMs: 3000, visitors: 200 } as const;

export type Played = { readonly shots: readonly Shot[]; readonly more: Readonly<Record<string, string | number>> };

/**
 * Runs `act` while new visitors ask, prints the line, and expects what must hold whatever breaks: nobody is let in who must not be, nobody is
 * logged out, and what needs no session goes on.
 */
export async function play(
  name: string,
  { scene, ratePerSecond, visitors: count }: Play,
  act: (visitors: readonly Visitor[], load: Load) => Promise<Played['more']>,
  options: {
    readonly ports?: readonly number[];
    readonly mayFail?: Partial<Tally>;
    readonly visitors?: readonly Visitor[];
  } = {},
): Promise<Played> {
  const visitors = [...(await scene.mint({ count })), ...(options.visitors ?? [])];
  const load = scene.load({ ratePerSecond, visitors: () => visitors, ...(options.ports && { ports: options.ports }) });
  let more: Played['more'];
  try {
    more = await act(visitors, load);
  } finally {
    await load.stop();
  }
  const shots = load.shots();
  report(name, shots, more);
  expectSafe(shots, options.mayFail);
  // Else nothing was tried: a Doorward that refuses everybody is safe too.
  expect(tallyOf(withSession(shots)).allowed).toBeGreaterThan(shots.length / 10);
  return { shots, more };
}

const NOTHING_WRONG = { wrongAllows: 0, lost: 0, odd: 0, failed: 0, unanswered: 0, publicFailed: 0 } as const;

/** Some of what nobody expected, to be understood from a failed run. */
const TOLD_MAX = 12;

export function expectSafe(shots: readonly Shot[], mayFail: Partial<Tally> = {}): void {
  const tally = tallyOf(shots);
  const expected = Object.fromEntries(Object.entries(NOTHING_WRONG).filter(([name]) => !(name in mayFail)));
  const unexpected = shots.filter((shot) => verdictOn(shot) in expected).slice(0, TOLD_MAX);
  for (const shot of unexpected) process.stdout.write(`faults:   ${lineOf(shot)}\n`);
  expect(tally).toMatchObject(expected);
  for (const [name, most] of Object.entries(mayFail)) expect(tally[name as keyof Tally]).toBeLessThanOrEqual(most);
}

/** Where nothing that Doorward needs is broken. A machine that has no time for it or for Redis may cost a lease all the same, and moments of 503. */
export const expectInService = (shots: readonly Shot[]): void =>
  expect(tallyOf(shots).unavailable).toBeLessThan(shots.length / 4);

function lineOf(shot: Shot): string {
  const { asker, port, status, sentAt, answeredAt, detail } = shot;
  const who = typeof asker === 'string' ? asker : asker.subject;
  return `${verdictOn(shot)}: ${who} at port ${port}: ${status} after ${ms(answeredAt - sentAt)} ${JSON.stringify(detail)}`;
}

/** Ends them before anything breaks. Where a busy machine makes Redis too late, that is "not confirmed", and asking again is the way. */
export async function revokeAll(scene: Scene, visitors: readonly Visitor[]): Promise<void> {
  for (const visitor of visitors) {
    await waitFor('a revocation to be confirmed', async () => {
      const { status } = await scene.revoke(visitor);
      return status === 200 ? true : undefined;
    });
  }
}

/** How long after `overAt` a visitor was still told 503, by when the request was sent. */
export const recoveryMs = (shots: readonly Shot[], overAt: number): number =>
  Math.max(
    0,
    ...shots.filter(({ status, sentAt }) => status === 503 && sentAt > overAt).map(({ sentAt }) => sentAt - overAt),
  );

/** p99 of those that were told 503 between two moments. */
export const toldWithin = (shots: readonly Shot[], from: number, to: number): number =>
  percentile(latenciesOf(withSession(sentBetween(shots, from, to)).filter(({ status }) => status === 503)), 0.99);

export const p99Of = (shots: readonly Shot[]): number => percentile(latenciesOf(shots), 0.99);

export const publicP99 = (shots: readonly Shot[], from: number, to: number): number =>
  p99Of(ofPublic(sentBetween(shots, from, to)));

export const ms = (value: number): string => `${value.toFixed(0)} ms`;
