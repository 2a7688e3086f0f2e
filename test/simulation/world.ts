/**
 * The world that the revocation protocol has to hold in: some processes with the real store of src/adapters/redis, each on a machine of its own,
 * over a Redis and a network that are played. Users log in, requests are judged, revokers revoke, and everything fails now and then. The one
 * thing that must never be: a Check that started after a revocation was confirmed, and was allowed by what it ended.
 */

import type { Connections, RedisStores } from '../../src/adapters/redis/stores.ts';
import { composeRedisStores } from '../../src/adapters/redis/stores.ts';
import type { Watch } from '../../src/adapters/redis/announcer.ts';
import type { KnownSession } from '../../src/adapters/redis/session-store.ts';
import { isDependencyError, type Logger, type RevocationTarget } from '../../src/core/ports.ts';
import { Acknowledgements } from '../../src/core/revocation/acknowledgements.ts';
import type { CacheBounds } from '../../src/core/revocation/covered-cache.ts';
import { leaseTerms, type LeaseTerms } from '../../src/core/revocation/lease-terms.ts';
import { Replica } from '../../src/core/revocation/replica.ts';
import { handleOf } from '../../src/core/session/cookie.ts';
import type { Session } from '../../src/core/session/session.ts';
import { epochSeconds, idpName } from '../../src/core/units.ts';
import type { UserFact } from '../../src/core/signals/user-fact.ts';
import { aSession } from '../core/session/a-session.ts';
import { climates, type Climate, type ClimateName, type FaultKind, type Range } from './climate.ts';
import { FactPlay } from './fact-play.ts';
import { Machine } from './machine.ts';
import { createRandom, type Random } from './random.ts';
import { RedisNodes, type RedisNode } from './redis-nodes.ts';
import { ScriptedRedis } from './scripted-redis.ts';
import { SimulatedConnection, type Network, type Weather } from './simulated-connection.ts';
import { emptyTally, type Tally } from './tally.ts';
import { VirtualTime } from './virtual-time.ts';

const LIVE_MAX = 24;
const DEAD_KEPT = 24;
const USERS = 8;
const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What a mutation may put in the place of a part. Everything else of the code under test stays as it is. */
export type Parts = {
  readonly replica: (terms: LeaseTerms, machine: Machine, bounds: CacheBounds) => Replica<KnownSession>;
  readonly factsAtHand: (terms: LeaseTerms, bounds: CacheBounds) => Replica<readonly UserFact[]>;
  readonly watch: (terms: LeaseTerms, machine: Machine) => Watch;
  readonly terms: LeaseTerms;
  readonly redis: (replid: string, world: { readonly time: VirtualTime; readonly random: Random }) => ScriptedRedis;
  readonly onSend: (script: string, node: RedisNode, machine: Machine) => void;
  readonly isWaited: (script: string) => boolean;
  readonly keepsReplicas: boolean;
  readonly keepsReplid: boolean;
  /** Decides by what a promise gave. */
  readonly decidesBlind: boolean;
  /** Reads the mark when the code was redeemed already. */
  readonly marksLate: boolean;
  /** Members vanish by a clock that is not the revoker's. */
  readonly membersVanish: boolean;
};

export const parts: Parts = {
  replica: (terms, _, bounds) => new Replica(terms, bounds),
  factsAtHand: (terms, bounds) => new Replica(terms, bounds),
  watch: (terms) => (carriedOut) => new Acknowledgements(carriedOut, terms),
  terms: leaseTerms(),
  redis: (replid) => new ScriptedRedis(replid),
  onSend: () => undefined,
  isWaited: () => true,
  keepsReplicas: false,
  keepsReplid: false,
  decidesBlind: false,
  marksLate: false,
  membersVanish: false,
};

export type Scene = {
  readonly seed: number;
  /** Data nodes: with more than one there are failovers. */
  readonly nodes: number;
  readonly climate: ClimateName;
  /** Whether transmitters tell of users as well. */
  readonly hasFacts?: boolean;
};

const PROCESSES = 3;

type SessionRecord = {
  readonly session: Session;
  /** When the provider spoke of the user: what a later revocation ends. */
  readonly redeemedAt: number;
  isStored: boolean;
  isDead: boolean;
};

export type Process = {
  readonly machine: Machine;
  readonly stores: RedisStores;
  readonly connections: readonly SimulatedConnection[];
  readonly weather: Weather;
  isStopped: boolean;
};

export class World {
  readonly time = new VirtualTime();
  readonly tally = emptyTally();
  readonly #parts: Parts;
  readonly #scene: Scene;
  readonly #climate: Climate;
  readonly #random: Random;
  readonly #nodes: RedisNodes;
  readonly #network: Network;
  #processes: Process[] = [];
  #records: SessionRecord[] = [];
  #sessions = 0;
  readonly #facts: FactPlay | undefined;
  /** Who has a revocation under way. */
  readonly #revokers = new Set<{ readonly stores: RedisStores }>();

  constructor(scene: Scene, changed: Partial<Parts> = {}) {
    this.#parts = { ...parts, ...changed };
    this.#scene = scene;
    this.#climate = climates[scene.climate];
    this.#random = createRandom(scene.seed);
    const { time } = this;
    this.#nodes = new RedisNodes({
      time,
      random: this.#random,
      count: scene.nodes,
      create: (replid) => this.#parts.redis(replid, { time, random: this.#random }),
      keepsReplid: this.#parts.keepsReplid,
      climate: this.#climate,
      faults: this.tally.faults,
    });
    const { onSend, isWaited, keepsReplicas } = this.#parts;
    const { slowChance, checkMs, revokeMs, faultMs } = this.#climate;
    this.#network = {
      ...{ time, random: this.#random, nodes: this.#nodes, slowChance, onSend, isWaited, keepsReplicas },
      faults: this.tally.faults,
    };
    for (let count = 0; count < PROCESSES; count += 1) this.#start();
    this.#facts = scene.hasFacts === true ? new FactPlay(this.tally, this.#random) : undefined;
    if (this.#facts !== undefined) {
      this.#repeat(checkMs, () => this.#facts?.check(this.#someServing()));
      this.#repeat(revokeMs, () => void this.#facts?.tell(this.#someProcess(), this.#processes));
    }
    this.#repeat([8, 40], () => this.#someLogin());
    this.#repeat(checkMs, () => this.#someCheck());
    this.#repeat(revokeMs, () => this.#someRevocation());
    this.#repeat(faultMs, () => this.#someFault());
    if (scene.nodes > 1) this.#repeat(this.#climate.failOverMs, () => this.#nodes.failOver());
    if (this.#parts.membersVanish) this.#repeat([50, 300], () => this.#loseMember());
  }

  /** Until something is allowed that must not be, or so many steps are over. */
  async run(steps: number): Promise<Tally> {
    const { tally, time } = this;
    while (tally.violation === undefined && time.steps < steps && (await time.step()));
    tally.steps = time.steps;
    tally.virtualSeconds = time.nowMs / 1000;
    return tally;
  }

  #repeat(ms: Range, run: () => void): void {
    const again = (): void => {
      this.time.after(this.#random.between(...ms), () => {
        run();
        again();
      });
    };
    again();
  }

  #start(): void {
    const random = this.#random;
    const rate = random.pick([0.99, 1.01]);
    this.tally.faults[rate < 1 ? 'slowClocks' : 'fastClocks'] += 1;
    const machine = new Machine(this.time, random, rate);
    const found = this.#nodes.find();
    const traffic = { sent: 0, newest: 0 };
    const weather: Weather = { isCutOff: false, delayMsMax: random.pick(this.#climate.slowMs), found, traffic };
    const { terms } = this.#parts;
    const connect = (source: string, deadlineMs: number, its: Weather = weather): SimulatedConnection =>
      new SimulatedConnection({ network: this.#network, machine, weather: its, source, deadlineMs });
    const noNews: Weather = { isCutOff: true, delayMsMax: 0, found, traffic };
    const connections: { readonly [use in keyof Connections]: SimulatedConnection } = {
      main: connect('main', 500),
      renewals: connect('renewals', terms.renewWithinMs),
      announcements: connect('announcements', 500),
      news: connect('news', 500, this.#climate.hasNews ? weather : noNews),
    };
    const stores = composeRedisStores({
      connections,
      replica: this.#parts.replica(terms, machine, { entriesMax: this.#climate.cacheEntries, weightMax: 1e6 }),
      factsAtHand: this.#parts.factsAtHand(terms, { entriesMax: this.#climate.cacheEntries, weightMax: 1e6 }),
      watch: this.#parts.watch(terms, machine),
      replicas: this.#scene.nodes - 1,
      secrets: () => SECRETS,
      clock: machine.clock,
      timers: machine.timers,
      entropy: random,
      logger: silent,
      withinMs: 500,
    });
    this.#processes.push({ machine, stores, weather, connections: Object.values(connections), isStopped: false });
  }

  #someProcess(): Process {
    return this.#random.pick(this.#processes.filter(({ isStopped }) => !isStopped));
  }

  /** Mostly one that goes on. */
  #someServing(): Process {
    return this.#random.chance(0.1) ? this.#random.pick(this.#processes) : this.#someProcess();
  }

  #someLogin(): void {
    if (this.#records.filter(({ isDead }) => !isDead).length >= LIVE_MAX) return;
    const { machine, stores } = this.#someProcess();
    machine.receive('requests', () => void this.#login(machine, stores).catch(rethrowUnlessDependency));
  }

  async #login(machine: Machine, { sessions }: RedisStores): Promise<void> {
    const random = this.#random;
    this.#sessions += 1;
    const idp = idpName(`idp-${random.below(2)}`);
    const user = { subject: `user-${random.below(USERS)}`, issuer: `https://${idp}.example.com`, idp };
    const handle = handleOf(`session ${this.#sessions}`);
    let mark = this.#parts.marksLate ? undefined : await sessions.loginMark();
    await this.#wait(machine, random.between(1, 120));
    const redeemedAt = this.time.steps;
    if (mark === undefined) {
      await this.#wait(machine, random.between(1, 120));
      mark = await sessions.loginMark();
    }
    const createdAt = machine.clock.now();
    const expiresAt = epochSeconds(createdAt + 86_400);
    const session = aSession({ ...user, handle, mark, createdAt, expiresAt, lastSeenAt: createdAt });
    const record = { session, redeemedAt, isStored: false, isDead: false };
    this.#records.push(record);
    await this.#wait(machine, random.between(1, 60));
    record.isStored = await sessions.create(session).catch(() => true);
    if (record.isStored) this.tally.logins += 1;
    else this.#records = this.#records.filter((each) => each !== record);
  }

  #wait(machine: Machine, ms: number): Promise<void> {
    return new Promise((resolve) => {
      machine.timers.after(ms, resolve);
    });
  }

  #someCheck(): void {
    const isDead = this.#random.chance(0.25);
    const records = this.#records.filter((record) => record.isDead === isDead);
    if (records.length > 0) this.#check(this.#someServing(), this.#random.pick(records));
  }

  /** A Check starts when it is sent; the process may take its time to look at it. */
  #check(process: Process, record: SessionRecord): void {
    const wasDead = record.isDead;
    process.machine.receive('requests', () => void this.#judge(process, record, wasDead));
  }

  async #judge({ stores, machine }: Process, record: SessionRecord, wasDead: boolean): Promise<void> {
    const { tally, time } = this;
    const session = await this.#decide(stores, record.session).catch((error: unknown) => {
      rethrowUnlessDependency(error);
      return 'unavailable' as const;
    });
    if (wasDead) tally.checkedDead += 1;
    if (session === 'unavailable') tally.unavailable += 1;
    else if (session === undefined) tally.denied += 1;
    else {
      tally.allowed += 1;
      if (wasDead) tally.violation ??= `${session.handle} was allowed at step ${time.steps}, ${time.nowMs} ms`;
      if (this.#random.chance(0.05)) {
        stores.sessions.touch(session.handle, machine.clock.now()).catch(rethrowUnlessDependency);
      }
    }
  }

  /** As src/answer-check.ts: what comes as a promise is asked for again. */
  async #decide({ sessions }: RedisStores, { handle }: Session): Promise<Session | undefined> {
    for (let round = 0; round < 10; round += 1) {
      const found = sessions.get(handle);
      if (!(found instanceof Promise)) return found;
      const read = await found;
      if (this.#parts.decidesBlind) return read;
    }
    return undefined;
  }

  #someRevocation(): void {
    const random = this.#random;
    const live = this.#records.filter(({ isDead }) => !isDead);
    if (live.length === 0) return;
    const record = random.pick(live);
    const { session } = record;
    const dice = random.next();
    const target: RevocationTarget =
      dice < 0.75
        ? { kind: 'session', handle: session.handle }
        : dice < 0.95
          ? { kind: 'user', issuer: session.issuer, subject: session.subject }
          : dice < 0.99
            ? { kind: 'idp', idp: session.idp }
            : { kind: 'all' };
    const { machine, stores } = this.#someProcess();
    // What nobody has at hand can be allowed by nobody.
    for (const process of this.#processes) this.#check(process, record);
    this.time.after(random.between(0, 60), () => machine.receive('requests', () => void this.#revoke(stores, target)));
  }

  async #revoke(stores: RedisStores, target: RevocationTarget): Promise<void> {
    const startedAt = this.time.steps;
    const revoker = { stores };
    if ([...this.#revokers].some((other) => other.stores !== stores)) this.tally.faults.secondRevokers += 1;
    this.#revokers.add(revoker);
    const revocation = await stores.sessions.revoke(target, 'admin');
    this.#revokers.delete(revoker);
    if (revocation.kind === 'not-confirmed') {
      this.tally.notConfirmed += 1;
      return;
    }
    this.tally.confirmed += 1;
    if (revocation.acknowledged === revocation.members) this.tally.fast += 1;
    const ended = this.#records.filter(
      ({ session, redeemedAt }) => redeemedAt < startedAt && isCovered(session, target),
    );
    for (const record of ended) record.isDead = true;
    const dead = this.#records.filter(({ isDead }) => isDead);
    const forgotten = new Set(dead.slice(0, Math.max(0, dead.length - DEAD_KEPT)));
    this.#records = this.#records.filter((record) => !forgotten.has(record));
    this.#checkAll(ended);
  }

  /** Everywhere, at once and a little later. */
  #checkAll(records: readonly SessionRecord[]): void {
    const random = this.#random;
    for (const process of this.#processes) {
      for (const record of records.slice(0, 4)) {
        for (const ms of [0, random.between(0, 12), random.between(0, 1200)]) {
          this.time.after(ms, () => this.#check(process, record));
        }
      }
    }
  }

  #someFault(): void {
    const random = this.#random;
    const process = this.#someProcess();
    const { machine, weather, connections } = process;
    const counts = this.tally.faults;
    const { faults, pauseMs, cutOffMs, slowMs, newestChance } = this.#climate;
    switch (pickWeighted(random, faults)) {
      case 'pause':
        if (machine.isPaused) return;
        counts.pauses += 1;
        machine.pause(random.between(...pauseMs));
        return;
      case 'cut-off':
        weather.isCutOff = true;
        this.time.after(random.between(...cutOffMs), () => (weather.isCutOff = false));
        return;
      case 'lost-connection':
        random.pick(connections).lose();
        return;
      case 'delays':
        weather.delayMsMax = random.pick(slowMs);
        return;
      case 'trim':
        this.#trim();
        return;
      case 'wall-clock':
        counts.wallClockSteps += 1;
        machine.stepWallClock(random.pick([-300, 300, 3]));
        return;
      case 'replace':
        this.#replace(random.chance(newestChance) ? (this.#processes.at(-1) ?? process) : process);
        return;
      case 'restart':
        counts.redisRestarts += 1;
        this.#nodes.restart();
        return;
      case 'flush':
        counts.flushes += 1;
        this.#nodes.elected.redis.flush();
        this.#facts?.forget();
        return;
    }
  }

  #trim(): void {
    const { redis } = this.#nodes.elected;
    const newest = redis.stream.at(-1)?.seq ?? 0;
    if (newest === 0) return;
    this.tally.faults.trims += 1;
    redis.trim(newest - this.#random.pick([0, 0, 1, 3]));
  }

  /** Stopped, or killed; another takes its place, and for a while requests still come to the old one. */
  #replace(process: Process): void {
    if (process.isStopped) return;
    process.isStopped = true;
    this.tally.faults.processRestarts += 1;
    if (!this.#random.chance(this.#climate.killChance))
      process.machine.receive('requests', () => void process.stores.sessions.close());
    else {
      this.#processes = this.#processes.filter((each) => each !== process);
      for (const connection of process.connections) void connection.close();
      // SIGKILL: it does nothing any more.
      process.machine.pause(Infinity);
    }
    this.time.after(2000, () => {
      this.#processes = this.#processes.filter((each) => each !== process);
    });
    this.#start();
  }

  #loseMember(): void {
    const { control } = this.#nodes.elected.redis;
    const members = [...control.keys()].filter((field) => field.startsWith('m:'));
    if (members.length > 0) control.delete(this.#random.pick(members));
  }
}

const SECRETS = ['a secret for records of thirty-two bytes'];

const isCovered = (session: Session, target: RevocationTarget): boolean => {
  if (target.kind === 'session') return session.handle === target.handle;
  if (target.kind === 'user') return session.issuer === target.issuer && session.subject === target.subject;
  return target.kind === 'all' || (target.kind === 'idp' && session.idp === target.idp);
};

function pickWeighted(random: Random, weights: Climate['faults']): FaultKind {
  const entries = Object.entries(weights) as readonly (readonly [FaultKind, number])[];
  let dice = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of entries) {
    dice -= weight;
    if (dice < 0) return kind;
  }
  return 'pause';
}

/** What cannot be known is refused; anything else is a fault of the code under test. */
function rethrowUnlessDependency(error: unknown): void {
  if (!isDependencyError(error)) throw error;
}
