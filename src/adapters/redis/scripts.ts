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

export const script = (name: string, lua: string): Script => ({
  name,
  lua,
  sha: createHash('sha1').update(lua).digest('hex'),
});

/** `replid` names the data set's history as replication knows it; it changes with every restart and promotion. */
export const ON_MASTER = `
local info = redis.call('INFO', 'replication')
if not string.find(info, 'role:master', 1, true) then return redis.error_reply('NOTMASTER this node is a replica') end
local replid = string.match(info, 'master_replid:(%x+)')
if not replid then return redis.error_reply('NOTMASTER this node does not tell its history') end
local replicas = string.match(info, 'connected_slaves:(%d+)') or '0'
`;

/** Empty without control slot. What is longer than any era is not even read. */
const READ_ERA = `
if redis.call('HSTRLEN', KEYS[1], 'era') > 64 then return redis.error_reply('ERR the control slot has another form') end
local era = redis.call('HGET', KEYS[1], 'era') or ''
`;

/**
 * Opens the control slot for writing. KEYS: control, invalidations. ARGV[2]: an era to begin with, where there is none (the first start,
 * or everything was flushed). Under a new replid \`seq\` goes on far above everything that may have been given out under the last one.
 * It begins with a write that takes no memory, and so a Redis that is full takes the others too: only a script's first write is refused.
 * SECURITY: a number that is lacking is never begun anew in the same era: sessions of before would be newer than every later revocation.
 */
const OPEN_CONTROL = `${ON_MASTER}
redis.call('HDEL', KEYS[1], '')
${READ_ERA}if era == '' and redis.call('HEXISTS', KEYS[1], 'era') == 0 then
  era = ARGV[2]
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'era', era, 'seq', '0', 'replid', replid, 'end', '0')
else
  local slot = redis.call('HMGET', KEYS[1], 'seq', 'end', 'replid')
  local isWhole = function(text) return text and #text <= 16 and string.find(text, '^%d+$') end
  if not (string.find(era, '^[%w_-]+$') and isWhole(slot[1]) and isWhole(slot[2])) then
    return redis.error_reply('ERR the control slot has another form')
  end
  if slot[3] ~= replid then
    redis.call('HINCRBY', KEYS[1], 'seq', '4294967296')
    redis.call('HSET', KEYS[1], 'replid', replid)
  end
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
const GIVE_STANDING = `${READ_ERA}
local reply = { ARGV[1], replid .. '|' .. era }
for i = 2, #KEYS do
  local tombstone = redis.call('GET', KEYS[i])
  if tombstone and (#tombstone == 0 or #tombstone > 16) then return redis.error_reply('ERR a tombstone has another form') end
  reply[i + 1] = tombstone or ''
end
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

/** A process that is further behind than this begins anew. */
const ENTRIES_AT_ONCE = 1000;

/** Above what the kind and the key of any invalidation take, those of tomorrow too. */
const NAME_BYTES_MAX = 256;

/**
 * A renewal: notes how far the process says it is (never more), and gives everything after that, or nothing and 1: begin anew. What it was given
 * is acknowledged by its next renewal. KEYS: control, invalidations. ARGV: tag, era, incarnation, history (empty = none), applied.
 * Gives history, seq, whether to begin anew, and [seq, kind, key, seq, kind, key, ...].
 */
export const renewScript = script(
  'renew',
  `${OPEN_CONTROL}
local seq = tonumber(redis.call('HGET', KEYS[1], 'seq'))
local applied = tonumber(ARGV[5])
local member = 'm:' .. ARGV[3]
local renewals = tonumber(string.match(redis.call('HGET', KEYS[1], member) or '', '|(%d+)$') or '0') + 1
local anew = ARGV[4] ~= history or applied > seq or seq - applied > ${ENTRIES_AT_ONCE}
local given = {}
if not anew and applied < seq then
  local from = string.format('%.0f', applied + 1) .. '-0'
  local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', '${ENTRIES_AT_ONCE}')
  anew = #entries ~= seq - applied
  for i, entry in ipairs(entries) do
    local number = string.match(entry[1], '^(%d+)%-0$')
    if not number or tonumber(number) ~= applied + i then anew = true end
    local fields = entry[2]
    local isForm = #fields == 6 and fields[1] == 'hist' and fields[3] == 'kind' and fields[5] == 'key'
    if not isForm or #fields[4] > ${NAME_BYTES_MAX} or #fields[6] > ${NAME_BYTES_MAX} then
      return redis.error_reply('ERR an invalidation has another form')
    end
    given[#given + 1] = number or ''
    given[#given + 1] = fields[4]
    given[#given + 1] = fields[6]
  end
end
if anew then given = {} end
local told = anew and '0' or string.format('%.0f', applied)
redis.call('HSET', KEYS[1], member, history .. '|' .. told .. '|' .. string.format('%.0f', renewals))
return { ARGV[1], history, string.format('%.0f', seq), anew and 1 or 0, given }
`,
);

/** Above what the name and the state of any member take: what is longer is no member's, whatever it begins with. */
const MEMBER_BYTES_MAX = 256;

/** Who takes part: [incarnation, state, incarnation, state, ...], each state as \`renew\` wrote it. */
const MEMBERS = `
local all = redis.call('HGETALL', KEYS[1])
local members = {}
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 'm:' then
    members[#members + 1] = string.sub(all[i], 3, ${MEMBER_BYTES_MAX})
    members[#members + 1] = string.sub(all[i + 1], 1, ${MEMBER_BYTES_MAX})
  end
end
`;

/** Counts one more invalidation and appends it. ARGV: ..., 3: kind, 4: key. */
const ANNOUNCE = `
local seq = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'seq', '1'))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', '${INVALIDATIONS_KEPT}', seq .. '-0', 'hist', history, 'kind', ARGV[3], 'key', ARGV[4])
${MEMBERS}
return { ARGV[1], history, seq, tonumber(replicas), members }
`;

/** How long a tombstone lasts. ARGV[5]: now in whole seconds. */
const TOMBSTONE_SECONDS = `
local left = math.max(0, tonumber(redis.call('HGET', KEYS[1], 'end')) - tonumber(ARGV[5]))
local tombstoneSeconds = string.format('%.0f', left + ${TOMBSTONE_MARGIN_SECONDS})
`;

/**
 * A revocation: tombstone, \`seq + 1\`, append, in one. KEYS: control, invalidations, tombstone. ARGV: tag, era, kind, key, now in whole
 * seconds. Gives history, the new seq, how many replicas are connected, and the members.
 */
export const revokeScript = script(
  'revoke',
  `${OPEN_CONTROL}${TOMBSTONE_SECONDS}
redis.call('SET', KEYS[3], string.format('%.0f', tonumber(redis.call('HGET', KEYS[1], 'seq')) + 1), 'EX', tombstoneSeconds)
${ANNOUNCE}`,
);

/**
 * Carries out once more what this history lacks, with the number it had: who logged in after it stays. KEYS and ARGV as \`revoke\`, and the
 * number last. Gives 1 where it was lacking.
 */
export const restoreScript = script(
  'restore',
  `${OPEN_CONTROL}
local tombstone = redis.call('GET', KEYS[3])
if tombstone and (ARGV[3] == 's' or tonumber(tombstone) >= tonumber(ARGV[6])) then return { ARGV[1], history, 0 } end
${TOMBSTONE_SECONDS}
redis.call('SET', KEYS[3], ARGV[6], 'EX', tombstoneSeconds)
local seq = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'seq', '1'))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', '${INVALIDATIONS_KEPT}', seq .. '-0', 'hist', history, 'kind', ARGV[3], 'key', ARGV[4])
return { ARGV[1], history, 1 }
`,
);

/**
 * A fact of a user and its announcement. What is over goes first; what is newer stays; what cannot be read might be either. KEYS: control, invalidations, facts. ARGV: tag, era, kind,
 * X
 */
export const putFactScript = script(
  'put-fact',
  `${OPEN_CONTROL}
local facts = redis.call('HGETALL', KEYS[3])
local timeOf = function(fact) return tonumber(string.match(fact, '^(%d+)|')) end
for i = 1, #facts, 2 do
  if not timeOf(facts[i + 1]) then return redis.error_reply('ERR a fact has another form') end
end
for i = 1, #facts, 2 do
  if timeOf(facts[i + 1]) <= tonumber(ARGV[7]) then redis.call('HDEL', KEYS[3], facts[i]) end
end
local before = redis.call('HGET', KEYS[3], ARGV[5])
if not before and redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[9]) then
  if redis.call('HGET', KEYS[3], ARGV[10]) ~= ARGV[11] then return redis.error_reply('FULL too many facts of one user') end
  redis.call('HDEL', KEYS[3], ARGV[10])
end
if not before or timeOf(before) <= timeOf(ARGV[6]) then redis.call('HSET', KEYS[3], ARGV[5], ARGV[6]) end
redis.call('PEXPIRE', KEYS[3], ARGV[8])
${ANNOUNCE}`,
);

/** Above what any fact takes. */
export const FACT_BYTES_MAX = 1024;

/** KEYS: control, then facts of owners. ARGV: tag. Gives history, and of each owner [field, fact, field, fact, ...]. */
export const readFactsScript = script(
  'read-facts',
  `${ON_MASTER}${READ_ERA}
local reply = { ARGV[1], replid .. '|' .. era }
for i = 2, #KEYS do
  local facts = redis.call('HGETALL', KEYS[i])
  for _, text in ipairs(facts) do
    if #text > ${FACT_BYTES_MAX} then return redis.error_reply('ERR a fact is too long') end
  end
  reply[i + 1] = facts
end
return reply
`,
);

/** KEYS: control. ARGV: tag, incarnations. Gives history, and the members that are still there. */
export const pollScript = script(
  'poll',
  `${ON_MASTER}${READ_ERA}
local members = {}
for i = 2, #ARGV do
  local state = redis.call('HGET', KEYS[1], 'm:' .. ARGV[i])
  if state then
    members[#members + 1] = ARGV[i]
    members[#members + 1] = string.sub(state, 1, ${MEMBER_BYTES_MAX})
  end
end
return { ARGV[1], replid .. '|' .. era, members }
`,
);

/**
 * Drops members that have said nothing since they were counted. KEYS: control. ARGV: tag, history, then incarnation and renewals of each.
 * Gives how many.
 */
export const dropMembersScript = script(
  'drop-members',
  `${ON_MASTER}
if ARGV[2] ~= replid .. '|' .. (redis.call('HGET', KEYS[1], 'era') or '') then return { ARGV[1], 0 } end
local dropped = 0
for i = 3, #ARGV, 2 do
  local renewals = string.match(redis.call('HGET', KEYS[1], 'm:' .. ARGV[i]) or '', '|(%d+)$')
  if renewals == ARGV[i + 1] then dropped = dropped + redis.call('HDEL', KEYS[1], 'm:' .. ARGV[i]) end
end
return { ARGV[1], dropped }
`,
);

/** KEYS: control. ARGV: tag, incarnation. The process decides nothing any more. */
export const leaveScript = script(
  'leave',
  `
redis.call('HDEL', KEYS[1], 'm:' .. ARGV[2])
return { ARGV[1] }
`,
);

/** A write and nothing else, to learn that it is on all nodes. KEYS: control, invalidations. ARGV: tag, era, incarnation. Gives history and how many replicas are connected. */
export const probeScript = script(
  'probe',
  `${OPEN_CONTROL}
redis.call('HSET', KEYS[1], 'probe', ARGV[3])
return { ARGV[1], history, tonumber(replicas) }
`,
);

/** Claims and tokens of one login; far above what identity providers send. */
export const RECORD_BYTES_MAX = 1024 * 1024;

/** What was never written here is not sent either. */
const WITHIN_BOUND = `
if redis.call('STRLEN', KEYS[1]) > ${RECORD_BYTES_MAX} then return redis.error_reply('ERR a session is too long') end
`;

/** KEYS: session. ARGV: tag. Gives the record, or nothing. */
export const readScript = script(
  'read',
  `${ON_MASTER}${WITHIN_BOUND}
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
 * Changes nothing (the key does not go before its time), takes no memory, and counts as a write: a Redis that is full refuses only a script's
 * first one. For what takes no more room than it has: so sessions do not grow idle, and no tokens are lost that a provider has changed.
 */
const ALSO_WHEN_FULL = `redis.call('PEXPIRE', KEYS[1], '1', 'GT')`;

/**
 * Writes a part of a record over, if there is a record of one of these formats. KEYS: session. ARGV: tag, bytes, offset, format versions (one
 * byte each), shortest length of a record. Gives 1 when written.
 */
export const touchScript = script(
  'touch',
  `
if redis.call('STRLEN', KEYS[1]) < tonumber(ARGV[5]) then return { ARGV[1], 0 } end
if not string.find(ARGV[4], redis.call('GETRANGE', KEYS[1], 0, 0), 1, true) then return { ARGV[1], 0 } end
${ALSO_WHEN_FULL}
redis.call('SETRANGE', KEYS[1], ARGV[3], ARGV[2])
return { ARGV[1], 1 }
`,
);

/**
 * Takes or keeps the right to change a session. KEYS: session, claim. ARGV: tag, owner, time to live in ms. Gives 0 without a session, 1 where
 * another owner has it, else 2 and the record.
 */
export const claimScript = script(
  'claim',
  `${WITHIN_BOUND}
local record = redis.call('GET', KEYS[1])
if not record then return { ARGV[1], 0 } end
local owner = redis.call('GET', KEYS[2])
if owner and redis.call('PTTL', KEYS[2]) < 0 then return redis.error_reply('ERR a claim has no end') end
if owner and owner ~= ARGV[2] then return { ARGV[1], 1 } end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return { ARGV[1], 2, record }
`,
);

/**
 * Writes a record over but for its last use, where it is there in the version before, for the owner of its claim. KEYS: session, claim.
 * ARGV: tag, owner, head before without its format, head and body of the new record, first and last place of the last use, format versions. Gives 1 when written.
 */
export const replaceScript = script(
  'replace',
  `
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return { ARGV[1], 0 } end
local format = redis.call('GETRANGE', KEYS[1], 0, 0)
if format == '' or not string.find(ARGV[8], format, 1, true) then return { ARGV[1], 0 } end
if redis.call('GETRANGE', KEYS[1], 1, #ARGV[3]) ~= ARGV[3] then return { ARGV[1], 0 } end
local seen = redis.call('GETRANGE', KEYS[1], ARGV[6], ARGV[7])
${ALSO_WHEN_FULL}
redis.call('SET', KEYS[1], ARGV[4] .. seen .. ARGV[5], 'XX', 'KEEPTTL')
return { ARGV[1], 1 }
`,
);

/** KEYS: claim. ARGV: tag, owner. Gives 1 when it was this owner's. */
export const releaseScript = script(
  'release',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return { ARGV[1], 0 } end
return { ARGV[1], redis.call('DEL', KEYS[1]) }
`,
);

/** That what was read before is no longer so. KEYS: control, invalidations. ARGV: tag, era, kind, key. Gives as `revoke`. */
export const announceScript = script('announce', `${OPEN_CONTROL}${ANNOUNCE}`);

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

/** A SHA-256 in base64url. */
const HANDLE_CHARS = 43;

/**
 * KEYS: index. ARGV: tag, now, first and last place. Gives handles that are not past their end, latest end first; an empty text where there is
 * something else.
 */
export const handlesScript = script(
  'handles',
  `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
local handles = redis.call('ZREVRANGE', KEYS[1], ARGV[3], ARGV[4])
for i, handle in ipairs(handles) do
  if #handle ~= ${HANDLE_CHARS} then handles[i] = '' end
end
return { ARGV[1], handles }
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
