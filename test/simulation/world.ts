/**
 * The world that the revocation protocol has to hold in: some processes with the real store of src/adapters/redis, each on a machine of its own,
 * over a Redis and a network that are played, where everything fails now and then. What is done in it, and what must never be: session-play.ts,
 * fact-play.ts.
 */

import { climates, type Climate, type ClimateName, type FaultKind, type Range } from './climate.ts';
import { randomCourier, type Weather } from './courier.ts';
import { FactPlay } from './fact-play.ts';
import { Machine } from './machine.ts';
import { parts, type Parts } from './parts.ts';
import { startProcess, type Process } from './process.ts';
import { createRandom, type Random } from './random.ts';
import { RedisNodes } from './redis-nodes.ts';
import { SessionPlay } from './session-play.ts';
import type { Network } from './simulated-connection.ts';
import { emptyTally, type Tally } from './tally.ts';
import { VirtualTime } from './virtual-time.ts';

export type Scene = {
  readonly seed: number;
  /** Data nodes: with more than one there are failovers. */
  readonly nodes: number;
  readonly climate: ClimateName;
  /** Whether transmitters tell of users as well. */
  readonly hasFacts?: boolean;
  /** Whether sessions are refreshed. */
  readonly hasRefreshes?: boolean;
};

const PROCESSES = 3;
/** Between two refreshes. */
const REFRESH_MS: Range = [5, 60];

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
  readonly #facts: FactPlay | undefined;

  constructor(scene: Scene, changed: Partial<Parts> = {}) {
    this.#parts = { ...parts, ...changed };
    this.#scene = scene;
    this.#climate = climates[scene.climate];
    this.#random = createRandom(scene.seed);
    const { time, tally } = this;
    const { faults } = tally;
    const random = this.#random;
    this.#nodes = new RedisNodes({
      time,
      random,
      count: scene.nodes,
      create: (replid) => this.#parts.redis(replid, { time, random }),
      keepsReplid: this.#parts.keepsReplid,
      climate: this.#climate,
      faults,
    });
    const { onSend, isWaited, keepsReplicas } = this.#parts;
    const { slowChance, checkMs, revokeMs, faultMs } = this.#climate;
    const courier = randomCourier({ random, slowChance, faults });
    this.#network = { time, random, nodes: this.#nodes, courier, onSend, isWaited, keepsReplicas, faults };
    for (let count = 0; count < PROCESSES; count += 1) this.#start();
    const processes = { all: () => this.#processes, some: () => this.#someProcess() };
    const sessions = new SessionPlay({
      time,
      random,
      parts: this.#parts,
      tally,
      processes,
      isLossless: scene.nodes === 1,
    });
    this.#facts = scene.hasFacts === true ? new FactPlay(this.tally, this.#random) : undefined;
    if (this.#facts !== undefined) {
      this.#repeat(checkMs, () => this.#facts?.check(this.#someServing()));
      this.#repeat(revokeMs, () => void this.#facts?.tell(this.#someProcess(), this.#processes));
    }
    this.#repeat([8, 40], () => sessions.someLogin());
    this.#repeat(checkMs, () => sessions.someCheck(() => this.#someServing()));
    this.#repeat(revokeMs, () => sessions.someRevocation());
    if (scene.hasRefreshes === true) this.#repeat(REFRESH_MS, () => sessions.someRefresh());
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
    const { slowMs, hasNews, cacheEntries } = this.#climate;
    const rate = random.pick([0.99, 1.01]);
    this.tally.faults[rate < 1 ? 'slowClocks' : 'fastClocks'] += 1;
    const machine = new Machine(this.time, random, rate);
    const found = this.#nodes.find();
    const traffic = { sent: 0, newest: 0 };
    const weather: Weather = { isCutOff: false, delayMsMax: random.pick(slowMs), found, traffic };
    const replicas = this.#scene.nodes - 1;
    const [network, its] = [this.#network, this.#parts];
    this.#processes.push(startProcess({ network, parts: its, machine, weather, hasNews, replicas, cacheEntries }));
  }

  #someProcess(): Process {
    return this.#random.pick(this.#processes.filter(({ isStopped }) => !isStopped));
  }

  /** Mostly one that goes on. */
  #someServing(): Process {
    return this.#random.chance(0.1) ? this.#random.pick(this.#processes) : this.#someProcess();
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

function pickWeighted(random: Random, weights: Climate['faults']): FaultKind {
  const entries = Object.entries(weights) as readonly (readonly [FaultKind, number])[];
  let dice = random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of entries) {
    dice -= weight;
    if (dice < 0) return kind;
  }
  return 'pause';
}
