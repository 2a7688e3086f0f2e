/** Builders for tests: a session at a fixed moment, and a clock that stands still until it is told. */

import { handleOf } from '../../../src/core/session/cookie.ts';
import type { Clock } from '../../../src/core/ports.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { epochSeconds, idpName, type EpochSeconds } from '../../../src/core/units.ts';

/** 2026-01-15T12:00:00Z */
export const NOW: EpochSeconds = epochSeconds(1_768_478_400);

export const secondsAfter = (seconds: number, from: EpochSeconds = NOW): EpochSeconds => epochSeconds(from + seconds);

/** A session id of the right form, different for each `name`. */
export const aSessionId = (name = 'alice'): string => Buffer.from(name.padEnd(32, '.')).toString('base64url');

export const aSession = (changes: Partial<Session> = {}): Session => ({
  handle: handleOf(aSessionId()),
  idp: idpName('default'),
  issuer: 'https://idp.example.com',
  subject: 'alice-1',
  email: 'alice@example.com',
  emailVerified: true,
  name: 'Alice',
  claims: new Map([['groups', ['sre', 'dev']]]),
  userClaims: new Map(),
  idpSessionId: 'idp-session-1',
  acr: undefined,
  amr: ['pwd'],
  authTime: NOW,
  createdAt: NOW,
  expiresAt: secondsAfter(3600),
  lastSeenAt: NOW,
  tokens: {
    idToken: 'header.payload.signature',
    accessToken: 'access',
    refreshToken: undefined,
    accessTokenExpiresAt: secondsAfter(600),
  },
  tokensAt: NOW,
  confirmedAt: NOW,
  mark: { history: 'memory', seq: 0 },
  version: 1,
  ...changes,
});

export type ManualClock = Clock & { advance(seconds: number): void };

export const aClock = (start: EpochSeconds = NOW): ManualClock => {
  let elapsed = 0;
  return {
    now: () => secondsAfter(elapsed, start),
    monotonicMs: () => elapsed * 1000,
    advance: (seconds) => {
      elapsed += seconds;
    },
  };
};
