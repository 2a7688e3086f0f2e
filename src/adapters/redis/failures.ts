/**
 * What a failure of the client or an error reply of Redis means to whoever asked. Neither their texts nor the client's error objects go on:
 * they can hold arguments (a password, a session) or whatever a hostile server put there.
 */

import { DependencyError } from '../../core/ports.ts';
import type { CorruptionFault } from './corruption.ts';

type Failure = { readonly name?: unknown; readonly code?: unknown; readonly message?: unknown };

const asFailure = (error: unknown): Failure => (typeof error === 'object' && error !== null ? error : {});

/** The first word of an error reply, e.g. `WRONGTYPE`; undefined for what is no error reply. */
export function replyCode(error: unknown): string | undefined {
  const { name, message } = asFailure(error);
  if (name !== 'ReplyError' || typeof message !== 'string') return undefined;
  return /^[A-Z]{2,24}(?= |$)/.exec(message)?.[0] ?? 'ERR';
}

/** The server has no such script yet: it was restarted, or its scripts flushed. */
export const isNoScript = (error: unknown): boolean => replyCode(error) === 'NOSCRIPT';

/** No reply within the command's time. */
export const isTimeout = (error: unknown): boolean => asFailure(error).message === 'Command timed out';

/** After these another connection may reach another node; on this one nothing will get better. */
const WRONG_NODE: ReadonlySet<string> = new Set(['NOTMASTER', 'READONLY', 'UNBLOCKED', 'MASTERDOWN']);
export const isWrongNode = (error: unknown): boolean => WRONG_NODE.has(replyCode(error) ?? '');

/** The node is well, and what was asked for is on another one (or will be): a Cluster has changed. */
const ELSEWHERE: ReadonlySet<string> = new Set(['MOVED', 'ASK', 'TRYAGAIN', 'CLUSTERDOWN', 'CROSSSLOT']);
export const isElsewhere = (error: unknown): boolean => ELSEWHERE.has(replyCode(error) ?? '');

/** How Redis 7.0 says NOPERM of what a script calls. */
const FORBIDDEN_IN_SCRIPT = /^ERR The user executing the script can't /;

/** The user of Redis may not do it. */
export function isForbidden(error: unknown): boolean {
  const reply = replyCode(error);
  return reply === 'NOPERM' || (reply === 'ERR' && FORBIDDEN_IN_SCRIPT.test(String(asFailure(error).message)));
}

/** What is in Redis is not what Doorward keeps there, or what came back is no Redis at all. */
const CORRUPT: ReadonlySet<string> = new Set(['WRONGTYPE', 'ERR']);

/** Which fault it is, where what is in Redis, or what came from it, is none of Doorward's. */
export function corruptionOf(error: unknown): CorruptionFault | undefined {
  const reply = replyCode(error);
  if (isForbidden(error)) return undefined;
  if (reply !== undefined) return reply === 'WRONGTYPE' ? 'wrong-type' : CORRUPT.has(reply) ? 'error' : undefined;
  return isNoRedis(error) ? 'reply' : undefined;
}

function isNoRedis(error: unknown): boolean {
  const { message } = asFailure(error);
  return typeof message === 'string' && message.startsWith('Unknown RESP type');
}

/** `what` was asked, in words for logs. */
export function dependencyError(error: unknown, what: string): DependencyError {
  const reply = replyCode(error);
  if (isForbidden(error)) {
    return new DependencyError(
      'store-unavailable',
      `Redis lets its user not run ${what} (NOPERM): docs/redis.md has the ACL rule that it needs`,
    );
  }
  if (reply !== undefined) {
    return new DependencyError(
      CORRUPT.has(reply) ? 'store-corrupt' : 'store-unavailable',
      `Redis answers ${reply} to ${what}`,
    );
  }
  if (isTimeout(error)) return new DependencyError('store-unavailable', `Redis does not answer ${what} in time`);
  const { code } = asFailure(error);
  if (isNoRedis(error)) {
    return new DependencyError('store-corrupt', `what answers ${what} is no Redis`);
  }
  const shown = typeof code === 'string' && /^[A-Z0-9_]{2,40}$/.test(code) ? ` (${code})` : '';
  return new DependencyError('store-unavailable', `the connection to Redis failed at ${what}${shown}`);
}
