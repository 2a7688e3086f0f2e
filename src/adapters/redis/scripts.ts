/**
 * What Redis is asked to do, as Lua. Every script gets a tag as its first argument and gives it back first, so that the reply to something
 * else is seen as such. Scripts of the control slot read from the node itself whose history it has, and refuse on anything but a master.
 */

import { createHash } from 'node:crypto';

export type Script = {
  /** For logs. */
  readonly name: string;
  readonly lua: string;
  /** Hex SHA-1 of `lua`: how EVALSHA names it. */
  readonly sha: string;
};

const script = (name: string, lua: string): Script => ({
  name,
  lua,
  sha: createHash('sha1').update(lua).digest('hex'),
});

/** `replid` names the data set's history as replication knows it; it changes with every restart and promotion. */
const ON_MASTER = `
local info = redis.call('INFO', 'replication')
if not string.find(info, 'role:master', 1, true) then return redis.error_reply('NOTMASTER this node is a replica') end
local replid = string.match(info, 'master_replid:(%x+)')
if not replid then return redis.error_reply('NOTMASTER this node does not tell its history') end
`;

/**
 * Opens the control slot for writing. KEYS: control, invalidations. ARGV[2]: an era to begin with, where there is none (the first start,
 * or everything was flushed). Under a new replid \`seq\` goes on far above everything that may have been given out under the last one.
 */
const OPEN_CONTROL = `${ON_MASTER}
local era = redis.call('HGET', KEYS[1], 'era')
if not era then
  era = ARGV[2]
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'era', era, 'seq', '0', 'replid', replid, 'end', '0')
elseif redis.call('HGET', KEYS[1], 'replid') ~= replid then
  redis.call('HINCRBY', KEYS[1], 'seq', '4294967296')
  redis.call('HSET', KEYS[1], 'replid', replid)
end
local history = replid .. '|' .. era
`;

/** KEYS: control, invalidations. ARGV: tag, era. Gives history, seq. */
export const markScript = script(
  'mark',
  `${OPEN_CONTROL}
return { ARGV[1], history, redis.call('HGET', KEYS[1], 'seq') }
`,
);

/** Gives history and the tombstones' numbers, each empty where there is none. Without control slot the history has no era. */
const GIVE_STANDING = `
local reply = { ARGV[1], replid .. '|' .. (redis.call('HGET', KEYS[1], 'era') or '') }
for i = 2, #KEYS do reply[i + 1] = redis.call('GET', KEYS[i]) or '' end
return reply
`;

/** KEYS: control, then tombstones. ARGV: tag. */
export const standingScript = script('standing', `${ON_MASTER}${GIVE_STANDING}`);

/**
 * Asked after a session was stored: notes its absolute end (tombstones outlive the last session that they may cover), then as \`standing\`.
 * KEYS: control, then tombstones. ARGV: tag, absolute end in whole seconds.
 */
export const admitScript = script(
  'admit',
  `${ON_MASTER}
local last = redis.call('HGET', KEYS[1], 'end')
if last and tonumber(last) < tonumber(ARGV[2]) then redis.call('HSET', KEYS[1], 'end', ARGV[2]) end
${GIVE_STANDING}`,
);

/** How long a tombstone is kept beyond the end of all sessions: a login in flight ends long before. */
const TOMBSTONE_MARGIN_SECONDS = 3600;
/** Invalidations that are kept for processes to catch up; who is further behind starts anew. */
const INVALIDATIONS_KEPT = 10_000;

/**
 * A revocation: tombstone, \`seq + 1\`, append, in one. KEYS: control, invalidations, tombstone. ARGV: tag, era, kind, key, now in whole
 * seconds. Gives history and the new seq.
 */
export const revokeScript = script(
  'revoke',
  `${OPEN_CONTROL}
local seq = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'seq', '1'))
local left = math.max(0, tonumber(redis.call('HGET', KEYS[1], 'end')) - tonumber(ARGV[5]))
redis.call('SET', KEYS[3], seq, 'EX', string.format('%.0f', left + ${TOMBSTONE_MARGIN_SECONDS}))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', '${INVALIDATIONS_KEPT}', seq .. '-0', 'hist', history, 'kind', ARGV[3], 'key', ARGV[4])
return { ARGV[1], history, seq }
`,
);

/** KEYS: session. ARGV: tag. Gives the record, or nothing. */
export const readScript = script(
  'read',
  `
return { ARGV[1], redis.call('GET', KEYS[1]) or nil }
`,
);

/** KEYS: session. ARGV: tag, record, time to live in ms. Never overwrites. Gives 1 when stored. */
export const createScript = script(
  'create',
  `
if redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PX', ARGV[3]) then return { ARGV[1], 1 } end
return { ARGV[1], 0 }
`,
);

/**
 * Writes a part of a record over, if there is a record of this format. KEYS: session. ARGV: tag, bytes, offset, format version (one
 * byte), shortest length of a record. Gives 1 when written.
 */
export const touchScript = script(
  'touch',
  `
if redis.call('STRLEN', KEYS[1]) < tonumber(ARGV[5]) then return { ARGV[1], 0 } end
if redis.call('GETRANGE', KEYS[1], 0, 0) ~= ARGV[4] then return { ARGV[1], 0 } end
redis.call('SETRANGE', KEYS[1], ARGV[3], ARGV[2])
return { ARGV[1], 1 }
`,
);

/** KEYS: a key that is not needed any more. ARGV: tag. Gives 1 when it was there. */
export const unlinkScript = script(
  'unlink',
  `
return { ARGV[1], redis.call('UNLINK', KEYS[1]) }
`,
);

/** KEYS: index. ARGV: tag, now, absolute end, handle. What is past its end goes, and the index itself with its last session. */
export const indexScript = script(
  'index',
  `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[4])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('EXPIRE', KEYS[1], string.format('%.0f', math.max(1, math.ceil(tonumber(last[2]) - tonumber(ARGV[2])))))
return { ARGV[1] }
`,
);

/** KEYS: index. ARGV: tag, handle. */
export const unindexScript = script(
  'unindex',
  `
return { ARGV[1], redis.call('ZREM', KEYS[1], ARGV[2]) }
`,
);

/** KEYS: index. ARGV: tag, now, first and last place. Gives handles that are not past their end, latest end first. */
export const handlesScript = script(
  'handles',
  `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
return { ARGV[1], redis.call('ZREVRANGE', KEYS[1], ARGV[3], ARGV[4]) }
`,
);

/** KEYS: used id. ARGV: tag, time to live in ms. Gives 1 the first time. */
export const useOnceScript = script(
  'use-once',
  `
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[2]) then return { ARGV[1], 1 } end
return { ARGV[1], 0 }
`,
);

/** KEYS: used id. ARGV: tag. Gives 1 when it was used. */
export const wasUsedScript = script(
  'was-used',
  `
return { ARGV[1], redis.call('EXISTS', KEYS[1]) }
`,
);
