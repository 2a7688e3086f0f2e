/**
 * Facts of users in Redis. What a Check needs is kept by this process and decided by under its lease (guarded-reads.ts); a change is written first
 * and announced then, in one script. "Cannot be known" is thrown and never answered as "nothing is known".
 */

import {
  DependencyError,
  isDependencyError,
  type Announced,
  type Clock,
  type Entropy,
  type Eventually,
  type UserFacts,
} from '../../core/ports.ts';
import { coverOf } from '../../core/revocation/invalidation.ts';
import type { FillReply } from '../../core/revocation/replica.ts';
import { holderKeysOf, ownerKeyOf } from '../../core/signals/fact-keys.ts';
import {
  FACT_SECONDS,
  FACTS_MAX,
  fieldOf,
  GATHERED_MAX,
  isOver,
  roomFor,
  type FactHolder,
  type FactOwner,
  type UserFact,
} from '../../core/signals/user-fact.ts';
import type { Announcer } from './announcer.ts';
import type { RedisConnection } from './connection.ts';
import type { Change } from './control-slot.ts';
import type { Corruption } from './corruption.ts';
import { openFact, orderOf, sealFact } from './fact-record.ts';
import type { GuardedReads } from './guarded-reads.ts';
import { CONTROL_KEY, factsKey } from './keys.ts';
import { textAt, textsAt, unexpected } from './replies.ts';
import { announceScript, putFactScript, readFactsScript } from './scripts.ts';

/** Bytes that an answer weighs, and each fact in it. */
const ANSWER_WEIGHT = 512;
const FACT_WEIGHT = 256;

export type RedisUserFactsOptions = {
  readonly redis: RedisConnection;
  readonly reads: Pick<GuardedReads<readonly UserFact[]>, 'get'>;
  readonly announcer: Pick<Announcer, 'announce'>;
  /** What is at hand was opened by these; as they are now: the first seals, all open. */
  readonly secrets: () => readonly string[];
  readonly forgetAll: () => void;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly onCorrupt: (fault: Corruption) => void;
};

export class RedisUserFacts implements UserFacts {
  readonly #options: RedisUserFactsOptions;
  #openedBy: readonly string[];

  constructor(options: RedisUserFactsOptions) {
    this.#options = options;
    this.#openedBy = options.secrets();
  }

  of(holder: FactHolder): Eventually<readonly UserFact[]> {
    this.#dropOpenedByOlder();
    const [user, email] = holderKeysOf(holder);
    const known = this.#options.reads.get(`${user} ${email}`, () => this.#read(user, email));
    return known instanceof Promise ? known.then((facts) => this.#unlessOver(facts)) : this.#unlessOver(known);
  }

  async put(owner: FactOwner, fact: UserFact): Promise<Announced> {
    const { announcer } = this.#options;
    const ownerKey = ownerKeyOf(owner);
    const known = await this.#storedOf(ownerKey);
    const room = roomFor([...known.keys()], fact);
    switch (room.kind) {
      case 'free':
        return announcer.announce(this.#putOf(ownerKey, fact, FACTS_MAX));
      case 'instead':
        return announcer.announce(this.#putOf(ownerKey, fact, FACTS_MAX, [fieldOf(room.of), known.get(room.of) ?? '']));
      case 'gathered':
        return announcer.announce(this.#putOf(ownerKey, room.fact, FACTS_MAX + GATHERED_MAX));
      case 'none':
        return announcer.announce({ script: announceScript, args: ['fact', ownerKey] });
    }
  }

  /** `givesWay`: a field and what is stored there. */
  #putOf(ownerKey: string, fact: UserFact, max: number, givesWay: readonly [string, string] = ['', '']): Change {
    const { secrets, entropy, clock } = this.#options;
    const key = factsKey(ownerKey);
    const sealed = sealFact(key, fact, secrets(), entropy);
    const oldest = Math.max(0, orderOf({ at: clock.now() }) - FACT_SECONDS * 1000);
    const bounds = [oldest, FACT_SECONDS * 1000, max];
    return { script: putFactScript, key, args: ['fact', ownerKey, fieldOf(fact), sealed, ...bounds, ...givesWay] };
  }

  /** What counts of an owner, and how it is stored; nothing where it cannot be read: then nothing gives way, and the script refuses beyond the bound. */
  async #storedOf(ownerKey: string): Promise<ReadonlyMap<UserFact, string>> {
    const key = factsKey(ownerKey);
    const now = this.#options.clock.now();
    try {
      const reply = await this.#options.redis.run(readFactsScript, [CONTROL_KEY, key], []);
      const facts = this.#factsAt(reply, 1, key);
      const stored = textsAt(reply, 1).filter((_, place) => place % 2 === 1);
      return new Map(
        facts.map((fact, place) => [fact, stored[place] ?? ''] as const).filter(([fact]) => !isOver(fact, now)),
      );
    } catch (error) {
      if (!isDependencyError(error)) throw error;
      return new Map();
    }
  }

  /** What a secret opened that is gone since (a reload) is nobody's, also where it is still at hand. */
  #dropOpenedByOlder(): void {
    const secrets = this.#options.secrets();
    if (secrets === this.#openedBy) return;
    if (this.#openedBy.some((secret) => !secrets.includes(secret))) this.#options.forgetAll();
    this.#openedBy = secrets;
  }

  #unlessOver(facts: readonly UserFact[]): readonly UserFact[] {
    const now = this.#options.clock.now();
    return facts.some((fact) => isOver(fact, now)) ? facts.filter((fact) => !isOver(fact, now)) : facts;
  }

  /** @throws DependencyError */
  async #read(user: string, email: string): Promise<FillReply<readonly UserFact[]>> {
    const owners = [user, email];
    const reply = await this.#options.redis.run(readFactsScript, [CONTROL_KEY, ...owners.map(factsKey)], []);
    const value = owners.flatMap((owner, place) => this.#factsAt(reply, place + 1, factsKey(owner)));
    return {
      key: `${user} ${email}`,
      value,
      history: textAt(reply, 0),
      covers: owners.map((owner) => coverOf('fact', owner)),
      weight: ANSWER_WEIGHT + value.length * FACT_WEIGHT,
    };
  }

  /** @throws DependencyError store-corrupt */
  #factsAt(reply: readonly unknown[], index: number, key: string): readonly UserFact[] {
    const texts = textsAt(reply, index);
    const facts: UserFact[] = [];
    for (let place = 0; place < texts.length; place += 2) {
      const [field, value] = texts.slice(place, place + 2);
      if (field === undefined || value === undefined) throw unexpected(reply);
      const opened = openFact(key, { field, value }, this.#options.secrets());
      if (!opened.ok) {
        this.#options.onCorrupt({ asked: readFactsScript.name, fault: 'record' });
        throw new DependencyError('store-corrupt', opened.error);
      }
      facts.push(opened.value);
    }
    return facts;
  }
}
