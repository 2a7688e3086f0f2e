/**
 * The Redis of the simulation against the real one: the same commands, of the scripts of src/adapters/redis, give the same replies and leave the
 * same data, also where the stream was trimmed, everything was flushed, the node is a replica for a while, or its history has another name.
 */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { CONTROL_KEY, INVALIDATIONS_KEY } from '../../src/adapters/redis/keys.ts';
import { READABLE_FORMATS, recordHead, SEEN_LAST, SEEN_OFFSET } from '../../src/adapters/redis/record.ts';
import * as scripts from '../../src/adapters/redis/scripts.ts';
import { rawClient } from '../adapters/redis/a-redis.ts';
import { freePort } from '../support/ports.ts';
import { startRedis, type RunningRedis } from '../support/redis.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createRandom, type Random } from './random.ts';
import { RedisReplyError, ScriptedRedis } from './scripted-redis.ts';

const SEED = Number(process.env['SIM_SEED'] ?? '1');
const COMMANDS = 3_000;
const CLAIM_MS = 3_600_000;

const folder = temporaryFolder();
let redis: RunningRedis;
let raw: Redis;
beforeAll(async () => {
  redis = await startRedis({ folder });
  raw = rawClient(redis.port);
});
afterAll(async () => {
  raw.disconnect();
  await redis.stop();
  folder.remove();
});

type Argument = string | number | Buffer;
type Command = {
  readonly script: scripts.Script;
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
};

const CONTROL = [CONTROL_KEY, INVALIDATIONS_KEY] as const;
const record = (version: number, filling: number): Buffer =>
  Buffer.concat([
    recordHead(version),
    Buffer.alloc(SEEN_LAST - SEEN_OFFSET + 1, filling),
    Buffer.alloc(40, filling + 1),
  ]);

/** Something that a process may ask, or something near it. */
function anyCommand(random: Random, { control, replid, keys: stored }: ScriptedRedis): Command {
  const era = `era-${random.below(1000)}`;
  const history = random.chance(0.85) ? `${replid}|${control.get('era') ?? ''}` : `${replid}|another`;
  const seq = Number(control.get('seq') ?? '0');
  const near = Math.max(0, seq - random.pick([0, 0, 0, 1, 2, 5, -1]));
  const member = `member-${random.below(4)}`;
  const renewals = /\|(\d+)$/.exec(control.get(`m:${member}`) ?? '')?.[1] ?? '1';
  const kind = random.pick(['s', 'u', 'i', 'p', 'all']);
  const key = `${random.below(4)}`;
  const tombstone = `tombstone ${kind} ${key}`;
  const tombstones = ['s', 'u', 'i', 'p', 'all'].map((each) => `tombstone ${each} ${key}`);
  const [session, claim, facts] = [`session ${key}`, `claim ${key}`, `facts ${key}`];
  const owner = `owner-${random.below(2)}`;
  const version = stored.get(session)?.readUInt32BE(1) ?? 1;
  const before = random.chance(0.8) ? version : version + 1;
  const [seen, filling] = [Buffer.alloc(SEEN_LAST - SEEN_OFFSET + 1, random.below(256)), random.below(200)];
  // What is over is not played: no fact is of the time 0, before which the commands below call facts over.
  const fact = `${1 + random.below(50)}|risk`;
  const commands: readonly (() => Command)[] = [
    () => ({ script: scripts.markScript, keys: CONTROL, args: [era] }),
    () => ({ script: scripts.standingScript, keys: [CONTROL_KEY, ...tombstones], args: [] }),
    () => ({ script: scripts.admitScript, keys: [CONTROL_KEY, ...tombstones], args: [random.below(5_000)] }),
    () => ({ script: scripts.renewScript, keys: CONTROL, args: [era, member, history, near] }),
    () => ({ script: scripts.renewScript, keys: CONTROL, args: [era, member, '', 0] }),
    () => ({ script: scripts.revokeScript, keys: [...CONTROL, tombstone], args: [era, kind, key, 1_000] }),
    () => ({ script: scripts.restoreScript, keys: [...CONTROL, tombstone], args: [era, kind, key, 1_000, near] }),
    () => ({ script: scripts.announceScript, keys: CONTROL, args: [era, 'fact', key] }),
    () => ({
      script: scripts.putFactScript,
      keys: [...CONTROL, facts],
      args: [era, 'fact', key, `field-${random.below(3)}`, fact, 0, CLAIM_MS, 10, '', ''],
    }),
    () => ({
      script: scripts.putFactScript,
      keys: [...CONTROL, facts],
      args: [
        ...[era, 'fact', key, `field-${random.below(3)}`, fact, 0, CLAIM_MS, 2],
        ...random.pick<readonly string[]>([
          ['', ''],
          ['field-0', String(stored.get(`${facts} field-0`))],
        ]),
      ],
    }),
    () => ({ script: scripts.readFactsScript, keys: [CONTROL_KEY, facts, 'facts 1'], args: [] }),
    () => ({ script: scripts.pollScript, keys: [CONTROL_KEY], args: [member, 'member-0', 'member-9'] }),
    () => ({ script: scripts.dropMembersScript, keys: [CONTROL_KEY], args: [history, member, renewals, 'gone', 1] }),
    () => ({ script: scripts.dropMembersScript, keys: [CONTROL_KEY], args: [history, member, 0] }),
    () => ({ script: scripts.leaveScript, keys: [CONTROL_KEY], args: [member] }),
    () => ({ script: scripts.probeScript, keys: CONTROL, args: [era, member] }),
    () => ({ script: scripts.readScript, keys: [session], args: [] }),
    () => ({ script: scripts.createScript, keys: [session], args: [record(1, filling), CLAIM_MS] }),
    () => ({ script: scripts.touchScript, keys: [session], args: [seen, SEEN_OFFSET, READABLE_FORMATS, 60] }),
    () => ({ script: scripts.touchScript, keys: [session], args: [seen, SEEN_OFFSET, Buffer.of(3), 60] }),
    () => ({ script: scripts.claimScript, keys: [session, claim], args: [owner, CLAIM_MS] }),
    () => ({
      script: scripts.replaceScript,
      keys: [session, claim],
      args: [
        ...[owner, recordHead(before).subarray(1), recordHead(before + 1), Buffer.alloc(40, filling)],
        ...[SEEN_OFFSET, SEEN_LAST, random.chance(0.9) ? READABLE_FORMATS : Buffer.of(3)],
      ],
    }),
    () => ({ script: scripts.releaseScript, keys: [claim], args: [owner] }),
  ];
  if (random.chance(0.02)) return { script: scripts.unlinkScript, keys: [session], args: [] };
  return random.pick(commands)();
}

/** What happens to a Redis, to both. */
const events: Readonly<Record<string, (scripted: ScriptedRedis, random: Random) => Promise<void>>> = {
  async trimmed(scripted, random) {
    if (scripted.role !== 'master' || scripted.stream.length === 0) return;
    const through = (scripted.stream.at(-1)?.seq ?? 0) - random.below(4);
    scripted.trim(through);
    await raw.xtrim(INVALIDATIONS_KEY, 'MINID', `${through + 1}-0`);
  },
  async flushed(scripted) {
    if (scripted.role !== 'master') return;
    scripted.flush();
    await raw.flushall();
  },
  async demoted(scripted) {
    if (scripted.role !== 'master') return;
    scripted.role = 'replica';
    await raw.call('REPLICAOF', '127.0.0.1', await freePort());
  },
  async promoted(scripted) {
    if (scripted.role === 'master') return;
    await raw.call('REPLICAOF', 'NO', 'ONE');
    scripted.role = 'master';
    scripted.replid = await replidOf();
  },
  async claimsEnded(scripted) {
    if (scripted.role !== 'master') return;
    elapsedMs += CLAIM_MS;
    await raw.del(...[0, 1, 2, 3].map((number) => `claim ${number}`));
  },
};

let elapsedMs = 0;

async function replidOf(): Promise<string> {
  return /master_replid:([0-9a-f]+)/.exec(await raw.info('replication'))?.[1] ?? '';
}

/** Members and facts come as pairs in any order; what is nothing at the end does not come at all. */
const PAIRS: ReadonlySet<string> = new Set(['revoke', 'put-fact', 'announce', 'read-facts']);

function readable(reply: readonly unknown[], hasPairs: boolean): readonly unknown[] {
  const values = reply.map((value) => {
    if (Buffer.isBuffer(value)) return value.toString('latin1');
    if (!Array.isArray(value)) return value;
    const inner = readable(value, false);
    return hasPairs
      ? inner.map((one, place) => (place % 2 === 0 ? `${String(one)}=${String(inner[place + 1])}` : '')).sort()
      : inner;
  });
  while (values.length > 0 && (values.at(-1) ?? undefined) === undefined) values.pop();
  return values;
}

async function askReal({ script, keys, args }: Command): Promise<readonly unknown[] | string> {
  try {
    const reply = await raw.callBuffer('EVAL', script.lua, keys.length, ...keys, 'tag', ...args);
    return readable((reply as readonly unknown[]).slice(1), PAIRS.has(script.name));
  } catch (error) {
    return /\b(NOTMASTER|READONLY|FULL)\b/.exec(String(error))?.[0] ?? String(error);
  }
}

function askScripted(scripted: ScriptedRedis, { script, keys, args }: Command): readonly unknown[] | string {
  try {
    return readable(scripted.run(script.name, keys, args), PAIRS.has(script.name));
  } catch (error) {
    if (!(error instanceof RedisReplyError)) throw error;
    return error.code;
  }
}

async function realData(): Promise<unknown> {
  const entries = await raw.xrange(INVALIDATIONS_KEY, '-', '+');
  const sessions = await Promise.all([0, 1, 2, 3].map((number) => raw.getBuffer(`session ${number}`)));
  return {
    control: await raw.hgetall(CONTROL_KEY),
    stream: entries.map(([id, fields]) => [id, fields[1], fields[3], fields[5]]),
    sessions: sessions.map((stored) => stored?.toString('latin1')),
  };
}

const scriptedData = ({ control, stream, keys }: ScriptedRedis): unknown => ({
  control: Object.fromEntries(control),
  stream: stream.map(({ seq, history, kind, key }) => [`${seq}-0`, history, kind, key]),
  sessions: [0, 1, 2, 3].map((number) => keys.get(`session ${number}`)?.toString('latin1')),
});

test(`${COMMANDS} commands are answered as by the real Redis, and leave the same data (seed ${SEED})`, async () => {
  const random = createRandom(SEED);
  await raw.flushall();
  const scripted = new ScriptedRedis(await replidOf(), () => elapsedMs);
  const outcomes = new Map<string, number>();
  for (let count = 0; count < COMMANDS; count += 1) {
    if (random.chance(0.04)) {
      const name = random.pick([
        'trimmed',
        'trimmed',
        'claimsEnded',
        'claimsEnded',
        'promoted',
        'promoted',
        'demoted',
        ...(random.chance(0.3) ? ['flushed'] : []),
      ]);
      await events[name]?.(scripted, random);
    }
    const command = anyCommand(random, scripted);
    const [real, played] = [await askReal(command), askScripted(scripted, command)];
    expect({ count, script: command.script.name, reply: played }).toEqual({
      count,
      script: command.script.name,
      reply: real,
    });
    const first = typeof real === 'string' ? real : real[0];
    const outcome = `${command.script.name} ${typeof first === 'number' || typeof real === 'string' ? String(first) : ''}`;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (count % 50 === 0) expect(scriptedData(scripted)).toEqual(await realData());
  }
  // A run in which something never comes to an end says nothing of it.
  for (const end of [
    'claim 0',
    'claim 1',
    'claim 2',
    'replace 0',
    'replace 1',
    'release 1',
    'create 1',
    'touch 1',
    'put-fact FULL',
  ])
    expect([end, outcomes.get(end) ?? 0]).not.toEqual([end, 0]);
});
