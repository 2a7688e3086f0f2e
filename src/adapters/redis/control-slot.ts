/**
 * The control slot, as this process uses it: what each script is sent, and what its reply means. What follows from it is decided in
 * src/core/revocation.
 */

import { isRevoked } from '../../core/session/revocation.ts';
import type { LoginMark, Session } from '../../core/session/session.ts';
import type { MemberState, Members } from '../../core/revocation/acknowledgements.ts';
import { isInvalidationKind, type Invalidation } from '../../core/revocation/invalidation.ts';
import type { Renewal, RenewalReply } from '../../core/revocation/replica.ts';
import type { EpochSeconds } from '../../core/units.ts';
import type { Argument, RedisConnection } from './connection.ts';
import { CONTROL_KEY, INVALIDATIONS_KEY, tombstoneKey, tombstoneKeysOf, type RevocationKind } from './keys.ts';
import { countAt, flagAt, numberAt, optionalNumberAt, textAt, textsAt, unexpected } from './replies.ts';
import {
  admitScript,
  dropMembersScript,
  leaveScript,
  markScript,
  pollScript,
  probeScript,
  renewScript,
  restoreScript,
  standingScript,
  type Script,
} from './scripts.ts';

/** Whether nothing has ended a session, and in which history that was asked. */
export type Standing = { readonly history: string; readonly stands: boolean };

/** What was carried out: counted, appended, and to be waited for. */
export type CarriedOut = {
  readonly history: string;
  readonly seq: number;
  readonly members: Members;
  /** All of the replicas that are to have it do. */
  readonly isOnAllNodes: boolean;
};

/** A change that is announced: its script with the keys after control and invalidations, and the arguments after the era. */
export type Change = { readonly script: Script; readonly key?: string; readonly args: readonly Argument[] };

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

  /** @throws DependencyError */
  async standing(session: Session): Promise<Standing> {
    const reply = await this.#redis.run(standingScript, [CONTROL_KEY, ...tombstoneKeysOf(session)], []);
    return { history: textAt(reply, 0), stands: isStanding(session, reply) };
  }

  /** Whether a session that was just stored stands; its login must have begun in the history that is going on now. @throws DependencyError */
  async admits(session: Session): Promise<boolean> {
    const keys = [CONTROL_KEY, ...tombstoneKeysOf(session)];
    const reply = await this.#redis.run(admitScript, keys, [Math.ceil(session.expiresAt)]);
    return textAt(reply, 0) === session.mark.history && isStanding(session, reply);
  }

  /** @throws DependencyError */
  async renew(incarnation: string, { history, applied }: Renewal): Promise<RenewalReply> {
    const args = [this.#redis.newEra(), incarnation, history ?? '', applied];
    const reply = await this.#redis.run(renewScript, [CONTROL_KEY, INVALIDATIONS_KEY], args);
    return {
      history: textAt(reply, 0),
      seq: numberAt(reply, 1),
      entries: flagAt(reply, 2) ? undefined : entriesAt(reply, 3),
    };
  }

  /** The process must hold no lease any more. @throws DependencyError */
  async leave(incarnation: string): Promise<void> {
    await this.#redis.run(leaveScript, [CONTROL_KEY], [incarnation]);
  }

  /** `replicas`: as many as there are at least. @throws DependencyError where it is not known whether it was carried out */
  async carryOut(change: Change, replicas: number): Promise<CarriedOut> {
    const keys = [CONTROL_KEY, INVALIDATIONS_KEY, ...(change.key === undefined ? [] : [change.key])];
    const { reply, isOnAll } = await this.#redis.runOnAll(
      change.script,
      keys,
      [this.#redis.newEra(), ...change.args],
      (carriedOut) => Math.max(replicas, countAt(carriedOut, 2)),
    );
    return {
      history: textAt(reply, 0),
      seq: numberAt(reply, 1),
      members: membersAt(reply, 3),
      isOnAllNodes: isOnAll,
    };
  }

  /** Writes, and gives the history in which all nodes have that; undefined where some have not. @throws DependencyError */
  async probe(incarnation: string, replicas: number): Promise<string | undefined> {
    const keys = [CONTROL_KEY, INVALIDATIONS_KEY];
    const args = [this.#redis.newEra(), incarnation];
    const { reply, isOnAll } = await this.#redis.runOnAll(probeScript, keys, args, (probed) =>
      Math.max(replicas, countAt(probed, 1)),
    );
    return isOnAll ? textAt(reply, 0) : undefined;
  }

  /** @throws DependencyError */
  async poll(incarnations: readonly string[]): Promise<{ readonly history: string; readonly members: Members }> {
    const reply = await this.#redis.run(pollScript, [CONTROL_KEY], incarnations);
    return { history: textAt(reply, 0), members: membersAt(reply, 1) };
  }

  /** @throws DependencyError */
  async dropMembers(
    history: string,
    silent: readonly (readonly [incarnation: string, renewals: number])[],
  ): Promise<void> {
    await this.#redis.run(dropMembersScript, [CONTROL_KEY], [history, ...silent.flat()]);
  }

  /** @throws DependencyError */
  async restore(kind: RevocationKind, { key, seq }: Invalidation, now: EpochSeconds): Promise<void> {
    const keys = [CONTROL_KEY, INVALIDATIONS_KEY, tombstoneKey(kind, key)];
    await this.#redis.run(restoreScript, keys, [this.#redis.newEra(), kind, key, Math.floor(now), seq]);
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
    idpSession: optionalNumberAt(reply, 4),
    all: optionalNumberAt(reply, 5),
  };
  return eraOf(textAt(reply, 0)) === eraOf(session.mark.history) && !isRevoked(session.mark, tombstones);
}

/** A history is `<replid>|<era>`. */
export const eraOf = (history: string): string => history.slice(history.indexOf('|') + 1);

/** undefined where one is of a kind that only a newer Doorward knows: what it covers cannot be told, so everything at hand has to go. */
function entriesAt(reply: readonly unknown[], index: number): readonly Invalidation[] | undefined {
  const texts = textsAt(reply, index);
  const entries: Invalidation[] = [];
  for (let place = 0; place < texts.length; place += 3) {
    const kind = textAtPlace(reply, texts, place + 1);
    if (!isInvalidationKind(kind)) return undefined;
    entries.push({
      seq: Number(textAtPlace(reply, texts, place)),
      kind,
      key: textAtPlace(reply, texts, place + 2),
    });
  }
  return entries;
}

function textAtPlace(reply: readonly unknown[], texts: readonly string[], place: number): string {
  const text = texts[place];
  if (text === undefined) throw unexpected(reply);
  return text;
}

function membersAt(reply: readonly unknown[], index: number): Members {
  const texts = textsAt(reply, index);
  const members = new Map<string, MemberState>();
  for (let place = 0; place < texts.length; place += 2) {
    members.set(textAtPlace(reply, texts, place), memberStateOf(reply, textAtPlace(reply, texts, place + 1)));
  }
  return members;
}

/** `<history>|<applied>|<renewals>`, as the renew script writes it. */
function memberStateOf(reply: readonly unknown[], text: string): MemberState {
  const [, history, applied, renewals] = /^(.*)\|([0-9]{1,16})\|([0-9]{1,16})$/.exec(text) ?? [];
  if (history === undefined) throw unexpected(reply);
  return { history, applied: Number(applied), renewals: Number(renewals) };
}
