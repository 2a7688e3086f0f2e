/**
 * The scripts of src/adapters/redis/scripts.ts once more, in TypeScript, on a state that can be replicated: what the simulation runs instead of
 * Redis. scripted-redis.test.ts holds it equal to the real scripts on the real Redis. Of the times to live only that of a claim is played.
 */

export type StreamEntry = {
  readonly seq: number;
  readonly history: string;
  readonly kind: string;
  readonly key: string;
};

/** A write as replication carries it: the same on every node. */
export type Write =
  | { readonly op: 'hset'; readonly field: string; readonly value: string }
  | { readonly op: 'hdel'; readonly field: string }
  /** `untilMs`: when it goes by itself; undefined = never. */
  | { readonly op: 'set'; readonly key: string; readonly value: Buffer; readonly untilMs?: number }
  | { readonly op: 'del'; readonly key: string }
  | { readonly op: 'xadd'; readonly entry: StreamEntry }
  | { readonly op: 'xtrim'; readonly through: number }
  | { readonly op: 'flush' };

/** A reply as the connection hands it on: without the tag. Texts are Buffers, as from the client. */
export type Reply = readonly unknown[];

export class RedisReplyError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** What `replace` is asked: `head` and `body` of the new record, around the last use that is stored. */
export type Replacement = {
  readonly owner: Buffer;
  /** Without its format. */
  readonly headBefore: Buffer;
  readonly formats: Buffer;
  readonly head: Buffer;
  readonly body: Buffer;
  readonly seenFirst: number;
  readonly seenLast: number;
};

const text = (value: string): Buffer => Buffer.from(value);
const texts = (values: readonly string[]): readonly Buffer[] => values.map(text);

/** Of a fact. */
const timeOf = (fact: Buffer): number => Number.parseInt(fact.toString('utf8'), 10);

export class ScriptedRedis {
  role: 'master' | 'replica' = 'master';
  replid: string;
  /** As INFO counts them. */
  connectedReplicas = 0;
  /** All writes since the last full copy; what replicas apply. */
  log: Write[] = [];
  control = new Map<string, string>();
  stream: StreamEntry[] = [];
  keys = new Map<string, Buffer>();
  #ends = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(replid: string, nowMs: () => number) {
    this.replid = replid;
    this.#nowMs = nowMs;
  }

  /** A hash is kept as one key for each field. */
  protected fieldsOf(key: string): readonly Buffer[] {
    return [...this.keys]
      .filter(([place]) => place.startsWith(`${key} `))
      .flatMap(([place, value]) => [text(place.slice(key.length + 1)), value]);
  }

  /** @throws RedisReplyError */
  run(script: string, keys: readonly string[], args: readonly (string | number | Buffer)[]): Reply {
    const argument = (index: number): string => String(args[index] ?? '');
    const bytes = (index: number): Buffer => {
      const value = args[index];
      return Buffer.isBuffer(value) ? value : text(String(value ?? ''));
    };
    const key = keys[0] ?? '';
    switch (script) {
      case 'mark':
        return [text(this.open(argument(0))), text(this.field('seq'))];
      case 'standing':
        return this.standing(keys);
      case 'admit': {
        this.mustBeMaster();
        const last = this.control.get('end');
        if (last !== undefined && Number(last) < Number(args[0])) this.hset('end', argument(0));
        return this.standing(keys);
      }
      case 'renew':
        return this.renew(argument(0), argument(1), argument(2), Number(args[3]));
      case 'revoke': {
        const history = this.open(argument(0));
        return this.revoke(history, keys[2] ?? '', argument(1), argument(2));
      }
      case 'restore': {
        const history = this.open(argument(0));
        return this.restore(history, keys[2] ?? '', argument(1), argument(2), argument(4));
      }
      case 'put-fact': {
        const history = this.open(argument(0));
        const place = `${keys[2] ?? ''} ${argument(3)}`;
        const before = this.keys.get(place);
        if (before === undefined && this.fieldsOf(keys[2] ?? '').length / 2 >= Number(args[7])) {
          const givesWay = `${keys[2] ?? ''} ${argument(8)}`;
          if (this.keys.get(givesWay)?.equals(bytes(9)) !== true) throw new RedisReplyError('FULL');
          this.write({ op: 'del', key: givesWay });
        }
        if (before === undefined || timeOf(before) <= timeOf(bytes(4)))
          this.write({ op: 'set', key: place, value: bytes(4) });
        return this.announce(history, argument(1), argument(2));
      }
      case 'read-facts':
        this.mustBeMaster();
        return [text(this.historyNow()), ...keys.slice(1).map((facts) => this.fieldsOf(facts))];
      case 'poll':
        this.mustBeMaster();
        return [text(this.historyNow()), texts(this.membersOf(args.map(String)))];
      case 'drop-members':
        return this.dropMembers(argument(0), args.slice(1).map(String));
      case 'leave':
        this.hdel(`m:${argument(0)}`);
        return [];
      case 'probe': {
        const history = this.open(argument(0));
        this.hset('probe', argument(1));
        return [text(history), this.connectedReplicas];
      }
      case 'read':
        this.mustBeMaster();
        return [this.keys.get(key) ?? null];
      case 'create':
        this.mustWrite();
        if (this.keys.has(key)) return [0];
        this.write({ op: 'set', key, value: bytes(0) });
        return [1];
      case 'touch':
        return this.touch(key, bytes(0), Number(args[1]), bytes(2), Number(args[3]));
      case 'claim':
        return this.claim(key, keys[1] ?? '', bytes(0), Number(args[1]));
      case 'replace':
        return this.replace(key, keys[1] ?? '', {
          ...{ owner: bytes(0), headBefore: bytes(1), head: bytes(2), body: bytes(3) },
          ...{ seenFirst: Number(args[4]), seenLast: Number(args[5]), formats: bytes(6) },
        });
      case 'release':
        if (this.live(key)?.equals(bytes(0)) !== true) return [0];
        this.write({ op: 'del', key });
        return [1];
      case 'announce':
        return this.announce(this.open(argument(0)), argument(1), argument(2));
      case 'unlink': {
        this.mustWrite();
        const was = this.keys.has(key);
        this.write({ op: 'del', key });
        return [Number(was)];
      }
      // Clean-up, and how what is to be cleaned up is found, decide nothing.
      case 'index':
      case 'unindex':
        return [];
      case 'handles':
        return [[]];
      default:
        throw new Error(`the simulation does not play ${script}`);
    }
  }

  /** XREAD. */
  hasEntryAfter(seq: number): boolean {
    return (this.stream.at(-1)?.seq ?? 0) > seq;
  }

  trim(through: number): void {
    this.write({ op: 'xtrim', through });
  }

  flush(): void {
    this.write({ op: 'flush' });
  }

  /** A full copy, as of a replica that attaches itself. */
  copyFrom(source: ScriptedRedis): void {
    this.control = new Map(source.control);
    this.stream = [...source.stream];
    this.keys = new Map(source.keys);
    this.#ends = new Map(source.#ends);
    this.replid = source.replid;
  }

  apply(write: Write): void {
    switch (write.op) {
      case 'hset':
        this.control.set(write.field, write.value);
        return;
      case 'hdel':
        this.control.delete(write.field);
        return;
      case 'set':
        this.keys.set(write.key, write.value);
        if (write.untilMs === undefined) this.#ends.delete(write.key);
        else this.#ends.set(write.key, write.untilMs);
        return;
      case 'del':
        this.keys.delete(write.key);
        return;
      case 'xadd':
        this.stream.push(write.entry);
        return;
      case 'xtrim':
        this.stream = this.stream.filter(({ seq }) => seq > write.through);
        return;
      case 'flush':
        this.control.clear();
        this.stream = [];
        this.keys.clear();
        return;
    }
  }

  protected claim(key: string, place: string, owner: Buffer, ttlMs: number): Reply {
    const record = this.keys.get(key);
    if (record === undefined) return [0];
    if (this.live(place)?.equals(owner) === false) return [1];
    this.write({ op: 'set', key: place, value: owner, untilMs: this.#nowMs() + ttlMs });
    return [2, record];
  }

  protected replace(key: string, place: string, asked: Replacement): Reply {
    const { owner, headBefore, formats, head, body, seenFirst, seenLast } = asked;
    const record = this.keys.get(key);
    if (this.live(place)?.equals(owner) !== true) return [0];
    if (record === undefined || !formats.includes(record.subarray(0, 1))) return [0];
    if (!record.subarray(1, 1 + headBefore.length).equals(headBefore)) return [0];
    const seen = record.subarray(seenFirst, seenLast + 1);
    this.write({ op: 'set', key, value: Buffer.concat([head, seen, body]) });
    return [1];
  }

  private live(key: string): Buffer | undefined {
    return (this.#ends.get(key) ?? Infinity) > this.#nowMs() ? this.keys.get(key) : undefined;
  }

  protected renew(newEra: string, incarnation: string, history: string, applied: number): Reply {
    const current = this.open(newEra);
    const seq = Number(this.field('seq'));
    const member = `m:${incarnation}`;
    const renewals = Number(/\|(\d+)$/.exec(this.control.get(member) ?? '')?.[1] ?? '0') + 1;
    const given = this.entriesAfter(applied, seq);
    const anew = history !== current || applied > seq || seq - applied > 1000 || given === undefined;
    this.hset(member, `${current}|${anew ? this.toldAnew(seq) : applied}|${renewals}`);
    return [text(current), text(String(seq)), Number(anew), anew ? [] : texts(given)];
  }

  /** What a process that begins anew counts as having acknowledged: nothing. */
  protected toldAnew: (seq: number) => number = () => 0;

  /** undefined where one is missing. */
  protected entriesAfter(applied: number, seq: number): readonly string[] | undefined {
    const entries = this.stream.filter((entry) => entry.seq > applied);
    if (entries.length !== seq - applied) return undefined;
    return entries.flatMap((entry) => [String(entry.seq), entry.kind, entry.key]);
  }

  protected revoke(history: string, tombstone: string, kind: string, key: string): Reply {
    this.write({ op: 'set', key: tombstone, value: text(String(Number(this.field('seq')) + 1)) });
    return this.announce(history, kind, key);
  }

  protected announce(history: string, kind: string, key: string): Reply {
    const seq = this.append(history, kind, key);
    return [text(history), text(String(seq)), this.connectedReplicas, texts(this.members())];
  }

  protected restore(history: string, tombstone: string, kind: string, key: string, was: string): Reply {
    const there = this.keys.get(tombstone)?.toString();
    if (there !== undefined && (kind === 's' || Number(there) >= Number(was))) return [text(history), 0];
    this.write({ op: 'set', key: tombstone, value: text(was) });
    this.append(history, kind, key);
    return [text(history), 1];
  }

  protected dropMembers(history: string, pairs: readonly string[]): Reply {
    this.mustBeMaster();
    if (history !== this.historyNow()) return [0];
    let dropped = 0;
    for (let place = 0; place < pairs.length; place += 2) {
      const member = `m:${pairs[place] ?? ''}`;
      if (!this.isUnchanged(member, pairs[place + 1] ?? '')) continue;
      this.hdel(member);
      dropped += 1;
    }
    return [dropped];
  }

  protected isUnchanged(member: string, renewals: string): boolean {
    return /\|(\d+)$/.exec(this.control.get(member) ?? '')?.[1] === renewals;
  }

  protected standing(keys: readonly string[]): Reply {
    this.mustBeMaster();
    return [text(this.historyNow()), ...keys.slice(1).map((key) => this.keys.get(key) ?? text(''))];
  }

  protected members(): string[] {
    return [...this.control]
      .filter(([field]) => field.startsWith('m:'))
      .flatMap(([field, value]) => [field.slice(2), value]);
  }

  protected mustBeMaster(): void {
    if (this.role !== 'master') throw new RedisReplyError('NOTMASTER');
  }

  protected newReplidBase(): number {
    return 2 ** 32;
  }

  protected historyNow(): string {
    return `${this.replid}|${this.control.get('era') ?? ''}`;
  }

  protected write(write: Write): void {
    this.mustWrite();
    this.log.push(write);
    this.apply(write);
  }

  private open(newEra: string): string {
    this.mustBeMaster();
    if (!this.control.has('era')) {
      if (this.stream.length > 0) this.write({ op: 'xtrim', through: Infinity });
      const fields = { era: newEra, seq: '0', replid: this.replid, end: '0' };
      for (const [field, value] of Object.entries(fields)) this.hset(field, value);
    } else if (this.control.get('replid') !== this.replid) {
      this.hset('seq', String(Number(this.field('seq')) + this.newReplidBase()));
      this.hset('replid', this.replid);
    }
    return this.historyNow();
  }

  private append(history: string, kind: string, key: string): number {
    const seq = Number(this.field('seq')) + 1;
    this.hset('seq', String(seq));
    this.write({ op: 'xadd', entry: { seq, history, kind, key } });
    return seq;
  }

  private membersOf(incarnations: readonly string[]): string[] {
    return incarnations.flatMap((incarnation) => {
      const state = this.control.get(`m:${incarnation}`);
      return state === undefined ? [] : [incarnation, state];
    });
  }

  private touch(key: string, seen: Buffer, offset: number, formats: Buffer, lengthMin: number): Reply {
    const record = this.keys.get(key);
    if (record === undefined || record.length < lengthMin || !formats.includes(record.subarray(0, 1))) return [0];
    const changed = Buffer.from(record);
    seen.copy(changed, offset);
    this.write({ op: 'set', key, value: changed });
    return [1];
  }

  private mustWrite(): void {
    if (this.role !== 'master') throw new RedisReplyError('READONLY');
  }

  private field(name: string): string {
    return this.control.get(name) ?? '';
  }

  private hset(field: string, value: string): void {
    this.write({ op: 'hset', field, value });
  }

  private hdel(field: string): void {
    this.write({ op: 'hdel', field });
  }
}
