/** Whose requests are sent: sessions of real sign-ins, and sessions that the product's own store was given, which cost no sign-in each. */

import { createRedisStores } from '../../src/adapters/redis/stores.ts';
import type { RedisServer } from '../../src/adapters/redis/connection.ts';
import { systemTimers } from '../../src/adapters/system/timers.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { systemEntropy } from '../../src/adapters/system/entropy.ts';
import { createSealer } from '../../src/adapters/system/sealer.ts';
import { handleOf, sealSessionCookie } from '../../src/core/session/cookie.ts';
import type { Session } from '../../src/core/session/session.ts';
import { epochSeconds, idpName } from '../../src/core/units.ts';
import { waitFor } from '../support/wait.ts';

/** A session, and what the oracle knows of it. */
export type Visitor = {
  readonly handle: string;
  readonly subject: string;
  readonly email: string;
  /** The `Cookie` line. */
  readonly cookie: string;
  /** When somebody began to end it, and when that was told as done (`performance.now()`). */
  revokeBegunAt?: number;
  revokedAt?: number;
};

export type MintSettings = {
  readonly redis: RedisServer;
  readonly cookieSecret: string;
  readonly sharedSecret: string;
  readonly issuer: string;
  /** Canonical. */
  readonly host: string;
  readonly cookieName: string;
};

export type MintWish = {
  readonly count: number;
  readonly lifetimeSeconds?: number;
  /** Default: `visitor-<number>`, one session each. */
  readonly subject?: (index: number) => string;
};

const LIFETIME_SECONDS = 3600;
const SESSION_ID_BYTES = 32;
const AT_ONCE = 50;

/** New sessions, stored as a login stores them. The store is a member of the control slot meanwhile, and gone when this is over. */
export async function mintVisitors(settings: MintSettings, wish: MintWish): Promise<Visitor[]> {
  const { redis, cookieSecret, sharedSecret, host, cookieName } = settings;
  const quiet = (): void => undefined;
  const { sessions } = createRedisStores({
    ...{ redis, secrets: () => [sharedSecret], clock: systemClock, timers: systemTimers, entropy: systemEntropy },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  const sealer = createSealer([cookieSecret]);
  try {
    await waitFor('Redis to be in reach', () => sessions.ping().then(() => true as const));
    const mark = await sessions.loginMark();
    const mintOne = async (index: number): Promise<Visitor> => {
      const id = Buffer.from(systemEntropy.bytes(SESSION_ID_BYTES)).toString('base64url');
      const session = sessionOf(id, wish.subject?.(index) ?? `visitor-${index}`, settings, mark, wish.lifetimeSeconds);
      if (!(await sessions.create(session))) throw new Error('a new session was refused');
      const value = sealSessionCookie({ id, issuedAt: session.createdAt, expiresAt: session.expiresAt }, host, sealer);
      const { handle, subject, email } = session;
      return { handle, subject, email, cookie: `${cookieName}=${value}` };
    };
    const visitors: Visitor[] = [];
    for (let from = 0; from < wish.count; from += AT_ONCE) {
      const batch = Array.from({ length: Math.min(AT_ONCE, wish.count - from) }, (_, index) => mintOne(from + index));
      visitors.push(...(await Promise.all(batch)));
    }
    return visitors;
  } finally {
    await sessions.close();
  }
}

function sessionOf(
  id: string,
  subject: string,
  { issuer }: MintSettings,
  mark: Session['mark'],
  lifetimeSeconds = LIFETIME_SECONDS,
): Session {
  const now = systemClock.now();
  return {
    ...{ handle: handleOf(id), idp: idpName('default'), issuer, subject, mark, version: 1 },
    ...{ email: `${subject}@example.com`, emailVerified: true, name: subject },
    claims: new Map([['email', [`${subject}@example.com`]]]),
    userClaims: new Map(),
    ...{ idpSessionId: undefined, acr: undefined, amr: [], authTime: now },
    ...{ createdAt: now, lastSeenAt: now, tokensAt: now, confirmedAt: now },
    expiresAt: epochSeconds(now + lifetimeSeconds),
    tokens: { idToken: undefined, accessToken: undefined, refreshToken: undefined, accessTokenExpiresAt: undefined },
  };
}
