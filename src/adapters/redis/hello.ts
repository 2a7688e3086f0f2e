/**
 * The first question to every node: is it a master that keeps what it is told to keep, and lets Doorward do its work?
 * Without keys, so that any node of a Cluster may be asked.
 */

import { CONTROL_KEY } from './keys.ts';
import { textAt } from './replies.ts';
import { ON_MASTER, script } from './scripts.ts';

/** What Doorward asks of Redis, itself and in scripts, each in a form from which Redis tells the keys. docs/redis.md has the same as a rule. */
const DIRECT = ['EVAL return 0', 'EVALSHA sha 0', 'INFO replication', 'WAIT 0 0', `XREAD STREAMS ${CONTROL_KEY} 0`];
const ON_KEYS = [
  ...['DEL', 'EXISTS', 'EXPIRE', 'GET', 'GETRANGE', 'HDEL', 'HEXISTS', 'HGET', 'HGETALL', 'HINCRBY', 'HLEN', 'HMGET'],
  ...['HSET', 'HSTRLEN', 'PEXPIRE', 'PTTL', 'SET', 'SETRANGE', 'STRLEN', 'UNLINK', 'XADD', 'XRANGE', 'ZADD', 'ZRANGE'],
  ...['ZREM', 'ZREMRANGEBYSCORE', 'ZREVRANGE'],
];
const CHECKED = [...DIRECT, ...ON_KEYS.map((name) => `${name} ${CONTROL_KEY}`)];

/** One argument with a line for each: of a client that is not let in, Redis reads ten arguments at most, and calls more a broken protocol. */
export const HELLO_ARGS: readonly string[] = [CHECKED.join('\n')];

/** The names of the commands without which nothing is well; in a Cluster also CLUSTER SLOTS. */
export const NEEDED_COMMANDS: readonly string[] = CHECKED.map((command) => command.slice(0, command.indexOf(' ')));

/**
 * ARGV: tag, then the commands that the user must be allowed, one in a line. Gives the `maxmemory-policy` (empty where the server does not tell),
 * and the names of what the user is not allowed, which nothing else is asked before. INFO has the policy also where CONFIG is forbidden; a server
 * before Redis 7 cannot say what is allowed.
 */
export const helloScript = script(
  'hello',
  `
local denied = {}
for line in string.gmatch(redis.acl_check_cmd and ARGV[2] or '', '[^\\n]+') do
  local command = {}
  for word in string.gmatch(line, '%S+') do command[#command + 1] = word end
  local isKnown, isAllowed = pcall(redis.acl_check_cmd, unpack(command))
  if not isKnown or not isAllowed then denied[#denied + 1] = command[1] end
end
if #denied > 0 then return { ARGV[1], '', table.concat(denied, ', ') } end
${ON_MASTER}
return { ARGV[1], string.match(redis.call('INFO', 'memory'), 'maxmemory_policy:([%w-]+)') or '', '' }
`,
);

/** What a node says of itself, each for the log and undefined where all is well. */
export type Greeting = {
  /** Why Doorward cannot work with it. */
  readonly forbidden: string | undefined;
  /** Why it may lose what it was told to keep. */
  readonly eviction: string | undefined;
};

export function greetingOf(reply: readonly unknown[]): Greeting {
  const [policy, denied] = [textAt(reply, 0), textAt(reply, 1)];
  if (denied !== '') return { forbidden: forbiddenOf(denied), eviction: undefined };
  return { forbidden: undefined, eviction: evictionOf(policy) };
}

const NAMES = /^[A-Z]{2,20}(?:, [A-Z]{2,20}){0,40}$/;

function forbiddenOf(denied: string): string {
  const known = NAMES.test(denied) ? denied : 'all that it needs';
  return `the user of Redis may not run ${known} on the keys of Doorward: docs/redis.md has the ACL rule that it needs`;
}

const POLICY = /^[a-z-]{1,32}$/;

function evictionOf(policy: string): string | undefined {
  if (policy === 'noeviction') return undefined;
  const known = POLICY.test(policy) ? policy : 'not told';
  return `the maxmemory-policy of Redis is ${known}, so it may drop sessions and revocations: set it to noeviction, or take the risk with \`redis.allow_eviction: true\``;
}
