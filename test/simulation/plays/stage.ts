/**
 * A stage for scripted plays: the same processes, connections and nodes as in the world (../world.ts), but nothing happens by chance. Every message
 * takes the same time unless a play says otherwise, replicas apply nothing until they are told to, and nobody is promoted by himself.
 */

import type { Announced } from '../../../src/core/ports.ts';
import { handleOf } from '../../../src/core/session/cookie.ts';
import { epochSeconds, type SessionHandle } from '../../../src/core/units.ts';
import { aSession } from '../../core/session/a-session.ts';
import type { Courier, Message, Weather } from '../courier.ts';
import { Machine } from '../machine.ts';
import { parts, type Parts } from '../parts.ts';
import { startProcess, type Process } from '../process.ts';
import { createRandom } from '../random.ts';
import { answerOf, refreshByItself, refreshWithShortClaim, type RefreshEnd } from '../refresh-play.ts';
import { RedisNode } from '../redis-node.ts';
import type { Network } from '../simulated-connection.ts';
import { emptyTally } from '../tally.ts';
import { VirtualTime } from '../virtual-time.ts';

/** Each way, of each message. */
const WAY_MS = 0.25;

/** Between two looks of the replicas. */
const REPLICATE_MS = 1;

type Way = Exclude<Message['way'], 'connect'>;

export class Stage {
  readonly time = new VirtualTime();
  readonly nodes: readonly RedisNode[];
  /** Whether replicas apply what their master has. */
  replicates = true;
  readonly #parts: Parts;
  readonly #network: Network;
  /** Of each process: by way and name. */
  readonly #delays = new Map<Weather, Map<string, number>>();
  readonly #counts = new Map<Weather, Map<string, number>>();

  constructor(nodes: number, changed: Partial<Parts> = {}) {
    this.#parts = { ...parts, ...changed };
    const random = createRandom(1);
    const { time } = this;
    const names = Array.from({ length: nodes }, (_, name) => name);
    this.nodes = names.map((name) => new RedisNode(name, this.#parts.redis('history-0', { time, random })));
    for (const replica of this.nodes.slice(1)) replica.follow(this.node(0));
    const { onSend, isWaited, keepsReplicas } = this.#parts;
    const { faults } = emptyTally();
    const isMaster = ({ redis }: RedisNode): boolean => redis.role === 'master';
    const reach = (found: RedisNode): RedisNode => (isMaster(found) ? found : (this.nodes.find(isMaster) ?? found));
    const courier: Courier = (message) => this.#carry(message);
    this.#network = { time, random, nodes: { reach }, courier, onSend, isWaited, keepsReplicas, faults };
    if (nodes > 1) this.#replicate();
  }

  node(name: number): RedisNode {
    const node = this.nodes[name];
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }

  /** `rate` of its monotonic clock; `node`: the one that it goes to while that is a master. It is connected then. */
  async start({ rate = 1, node = 0 }: { readonly rate?: number; readonly node?: number } = {}): Promise<Process> {
    const found = this.node(node);
    const process = startProcess({
      network: this.#network,
      parts: this.#parts,
      machine: new Machine(this.time, this.#network.random, rate),
      weather: { isCutOff: false, delayMsMax: 0, found, traffic: { sent: 0, newest: 0 } },
      hasNews: false,
      replicas: this.nodes.length - 1,
      cacheEntries: 10,
    });
    await this.pass(2 * WAY_MS);
    return process;
  }

  /** How long these messages of this process take from now on. */
  delay({ weather }: Process, way: Way, name: string, ms: number): void {
    const its = this.#delays.get(weather) ?? new Map<string, number>();
    this.#delays.set(weather, its.set(`${way} ${name}`, ms));
  }

  /** How many of these requests it has sent; of replies: how many of them a node has carried out. */
  count({ weather }: Process, way: Way, name: string): number {
    return this.#counts.get(weather)?.get(`${way} ${name}`) ?? 0;
  }

  /** Until a node carries out the next one. The reply is on its way then. */
  async next(process: Process, name: string): Promise<void> {
    const before = this.count(process, 'reply', name);
    await this.when(() => this.count(process, 'reply', name) > before);
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.time.nowMs + ms;
    this.time.at(untilMs, () => undefined);
    while (this.time.nowMs < untilMs) await this.time.step();
  }

  /** Runs until it has come true. */
  async when(isTrue: () => boolean, withinMs = 5_000): Promise<void> {
    const untilMs = this.time.nowMs + withinMs;
    while (!isTrue()) {
      if (this.time.nowMs > untilMs || !(await this.time.step())) throw new Error('what the play waits for never came');
    }
  }

  /** What is under way while the play goes on; the function that it gives runs until that is over. */
  begin<T>(promise: Promise<T>): () => Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    promise.then(over, over);
    return async () => {
      await this.when(() => isOver);
      return promise;
    };
  }

  outcome<T>(promise: Promise<T>): Promise<T> {
    return this.begin(promise)();
  }

  async login(process: Process, name: string): Promise<SessionHandle> {
    const { stores, machine } = process;
    const handle = handleOf(name);
    const mark = await this.outcome(Promise.resolve(stores.sessions.loginMark()));
    const createdAt = machine.clock.now();
    const expiresAt = epochSeconds(createdAt + 86_400);
    const session = aSession({ handle, mark, createdAt, expiresAt, lastSeenAt: createdAt });
    if (!(await this.outcome(stores.sessions.create(session)))) throw new Error('the login was refused');
    return handle;
  }

  /** Until it is decided by what is at hand, and so at hand from then on. */
  async keepAtHand({ stores }: Process, handle: SessionHandle): Promise<void> {
    for (let found = stores.sessions.get(handle); ; found = stores.sessions.get(handle)) {
      if (!(found instanceof Promise)) return;
      await this.outcome(found);
    }
  }

  /** A Check that starts now; only what is at hand may decide it at once. */
  isAllowed({ stores }: Process, handle: SessionHandle): boolean {
    const found = stores.sessions.get(handle);
    if (!(found instanceof Promise)) return found !== undefined;
    found.catch(() => undefined);
    return false;
  }

  /** Of the provider, that a Check is judged by which starts now. */
  answerAtHand({ stores }: Process, handle: SessionHandle): number {
    const found = stores.sessions.get(handle);
    if (found instanceof Promise || found === undefined) throw new Error('there is no session at hand');
    return answerOf(found);
  }

  /** As `begin`. */
  revoke({ stores }: Process, handle: SessionHandle): () => Promise<Announced> {
    return this.begin(stores.sessions.revoke({ kind: 'session', handle }, 'admin'));
  }

  /** All sessions of the user that `login` signs in. As `begin`. */
  revokeUser({ stores }: Process): () => Promise<Announced> {
    const { issuer, subject } = aSession();
    return this.begin(stores.sessions.revoke({ kind: 'user', issuer, subject }, 'admin'));
  }

  /** As `begin`. */
  refresh(process: Process, handle: SessionHandle, providerMs: number): () => Promise<unknown> {
    const { random } = this.#network;
    const through = this.#parts.refreshesThrough;
    return this.begin(refreshByItself({ process, handle, through, random, providerMs, nextAnswer: () => 1 }, 0));
  }

  /** With a claim that lapses after 400 ms. As `begin`. */
  refreshWithShortClaim(
    process: Process,
    handle: SessionHandle,
    providerMs: number,
    answer: number,
  ): () => Promise<RefreshEnd> {
    const { random } = this.#network;
    const through = this.#parts.refreshesThrough;
    const nextAnswer = (): number => answer;
    return this.begin(refreshWithShortClaim({ process, handle, through, random, providerMs, nextAnswer }, false));
  }

  #carry({ way, name, weather }: Message): number | undefined {
    const counts = this.#counts.get(weather) ?? new Map<string, number>();
    this.#counts.set(weather, counts.set(`${way} ${name}`, (counts.get(`${way} ${name}`) ?? 0) + 1));
    return weather.isCutOff ? undefined : (this.#delays.get(weather)?.get(`${way} ${name}`) ?? WAY_MS);
  }

  #replicate(): void {
    this.time.after(REPLICATE_MS, () => {
      if (this.replicates) for (const node of this.nodes) node.catchUp();
      this.#replicate();
    });
  }
}
