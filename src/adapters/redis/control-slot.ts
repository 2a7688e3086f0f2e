/**
 * The control slot, as this process uses it: where it stands, what covers a session, and revocations. Whether a revocation covers a session
 * is decided in the core; here are only the numbers.
 */

import { isRevoked } from '../../core/session/revocation.ts';
import type { LoginMark, Session } from '../../core/session/session.ts';
import type { EpochSeconds } from '../../core/units.ts';
import type { RedisConnection } from './connection.ts';
import { CONTROL_KEY, INVALIDATIONS_KEY, tombstoneKey, tombstoneKeysOf, type RevocationKind } from './keys.ts';
import { numberAt, optionalNumberAt, textAt } from './replies.ts';
import { admitScript, markScript, revokeScript, standingScript } from './scripts.ts';

export class ControlSlot {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** @throws DependencyError */
  async mark(): Promise<LoginMark> {
    const reply = await this.#redis.run(markScript, [CONTROL_KEY, INVALIDATIONS_KEY], [this.#redis.newEra()]);
    return { history: textAt(reply, 0), seq: numberAt(reply, 1) };
  }

  /** Whether nothing has ended the session. @throws DependencyError */
  async stands(session: Session): Promise<boolean> {
    const reply = await this.#redis.run(standingScript, [CONTROL_KEY, ...tombstoneKeysOf(session)], []);
    return isStanding(session, reply);
  }

  /** As `stands`, for a session that was just stored: its login must have begun in the history that is going on now. @throws DependencyError */
  async admits(session: Session): Promise<boolean> {
    const keys = [CONTROL_KEY, ...tombstoneKeysOf(session)];
    const reply = await this.#redis.run(admitScript, keys, [Math.ceil(session.expiresAt)]);
    return textAt(reply, 0) === session.mark.history && isStanding(session, reply);
  }

  /** The number of the revocation: it ends what it covers whose mark is below. @throws DependencyError */
  async revoke(kind: RevocationKind, key: string, now: EpochSeconds): Promise<number> {
    const keys = [CONTROL_KEY, INVALIDATIONS_KEY, tombstoneKey(kind, key)];
    return numberAt(await this.#redis.run(revokeScript, keys, [this.#redis.newEra(), kind, key, Math.floor(now)]), 1);
  }
}

/**
 * A control slot of another era (or none) has lost its tombstones, those of this session perhaps too: what logged in before is not
 * believed any more.
 */
function isStanding(session: Session, reply: readonly unknown[]): boolean {
  const tombstones = {
    session: optionalNumberAt(reply, 1),
    user: optionalNumberAt(reply, 2),
    idp: optionalNumberAt(reply, 3),
    all: optionalNumberAt(reply, 4),
  };
  return eraOf(textAt(reply, 0)) === eraOf(session.mark.history) && !isRevoked(session.mark, tombstones);
}

/** A history is `<replid>|<era>`. */
const eraOf = (history: string): string => history.slice(history.indexOf('|') + 1);
