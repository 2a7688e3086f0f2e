/** What the answers are worth: which were right, which were not, and how long they took. */

import type { Shot } from './load.ts';

export type Tally = {
  readonly requests: number;
  readonly allowed: number;
  /** 401: who has no session, or one that somebody began to end before the answer. */
  readonly refused: number;
  /** 503 of Doorward, with `Retry-After`. */
  readonly unavailable: number;
  /** 503 of Envoy itself: no Doorward answered. */
  readonly unanswered: number;
  /** No HTTP answer at all. */
  readonly failed: number;
  /** Sent after its session was told to be revoked, or by a stranger, or with the identity of somebody else. */
  readonly wrongAllows: number;
  /** A login asked of somebody whose session nobody ended. */
  readonly lost: number;
  /** Any other answer. */
  readonly odd: number;
  readonly publicRequests: number;
  /** Public requests that were not let through. */
  readonly publicFailed: number;
};

type Verdict = Exclude<keyof Tally, 'requests' | 'publicRequests' | 'publicFailed'>;

/** INVARIANT: a request counts by when it was sent and by when the revocation had returned, both of this process's clock. */
export function verdictOn(shot: Shot): Verdict {
  const { asker, status, toldEmail, sentAt, answeredAt } = shot;
  if (status === 200) {
    if (asker === 'public') return 'allowed';
    if (asker === 'stranger' || toldEmail !== asker.email) return 'wrongAllows';
    return asker.revokedAt !== undefined && sentAt >= asker.revokedAt ? 'wrongAllows' : 'allowed';
  }
  if (status === 503) return shot.hasRetryAfter ? 'unavailable' : 'unanswered';
  if (status === 0) return 'failed';
  if (status !== 401 || asker === 'public') return 'odd';
  if (asker === 'stranger') return 'refused';
  return asker.revokeBegunAt !== undefined && answeredAt >= asker.revokeBegunAt ? 'refused' : 'lost';
}

export function tallyOf(shots: readonly Shot[]): Tally {
  const counts: Record<Verdict, number> = {
    ...{ allowed: 0, refused: 0, unavailable: 0, unanswered: 0, failed: 0, wrongAllows: 0, lost: 0, odd: 0 },
  };
  for (const shot of shots) counts[verdictOn(shot)] += 1;
  const publicShots = shots.filter(({ asker }) => asker === 'public');
  return {
    requests: shots.length,
    ...counts,
    publicRequests: publicShots.length,
    publicFailed: publicShots.filter(({ status }) => status !== 200).length,
  };
}

/** Those sent in a span of time, ends included. */
export const sentBetween = (shots: readonly Shot[], from: number, to: number): readonly Shot[] =>
  shots.filter(({ sentAt }) => sentAt >= from && sentAt <= to);

export const withSession = (shots: readonly Shot[]): readonly Shot[] =>
  shots.filter(({ asker }) => typeof asker !== 'string');

export const ofPublic = (shots: readonly Shot[]): readonly Shot[] => shots.filter(({ asker }) => asker === 'public');

/** Milliseconds below which that part of the values lies; 0 of none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

export const latenciesOf = (shots: readonly Shot[]): readonly number[] =>
  shots.map(({ sentAt, answeredAt }) => answeredAt - sentAt);

/** The line of a fault, e.g. `faults: redis killed: 900 requests, ...`. `more`: what else was measured, in the order given. */
export function report(
  fault: string,
  shots: readonly Shot[],
  more: Readonly<Record<string, string | number>> = {},
): void {
  const tally = tallyOf(shots);
  const told = [
    `${tally.requests} requests`,
    `${tally.allowed} allowed`,
    `${tally.refused} refused`,
    `${tally.unavailable} 503`,
    `${tally.unanswered} 503 of Envoy`,
    `${tally.failed + tally.odd} failed`,
    `wrong allows ${tally.wrongAllows}`,
    `logged out ${tally.lost}`,
    `p99 ${percentile(latenciesOf(shots), 0.99).toFixed(0)} ms`,
    ...Object.entries(more).map(([name, value]) => `${name} ${value}`),
  ];
  process.stdout.write(`faults: ${fault}: ${told.join(', ')}\n`);
}
