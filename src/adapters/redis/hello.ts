/** The first question to every node: is it a master that keeps what it is told to keep? Without keys, so that any node of a Cluster may be asked. */

import { textAt } from './replies.ts';
import { ON_MASTER, script } from './scripts.ts';

/** ARGV: tag. Gives the `maxmemory-policy`; empty where the server does not tell. INFO has it also where CONFIG is forbidden. */
export const helloScript = script(
  'hello',
  `${ON_MASTER}
return { ARGV[1], string.match(redis.call('INFO', 'memory'), 'maxmemory_policy:([%w-]+)') or '' }
`,
);

const POLICY = /^[a-z-]{1,32}$/;

/** Why this node may lose what it was told to keep, for the log; undefined where it does not. */
export function evictionOf(reply: readonly unknown[]): string | undefined {
  const policy = textAt(reply, 0);
  if (policy === 'noeviction') return undefined;
  const known = POLICY.test(policy) ? policy : 'not told';
  return `the maxmemory-policy of Redis is ${known}, so it may drop sessions and revocations: set it to noeviction, or take the risk with \`redis.allow_eviction: true\``;
}
