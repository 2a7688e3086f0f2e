/** What was found in Redis, or came from it, that Doorward did not put there. Each is a refusal; here it is named, so that it can be counted. */

import type { Clock, Logger } from '../../core/ports.ts';

/** `asked`: the name of a script or command (a fixed set). */
export type Corruption = { readonly asked: string; readonly fault: CorruptionFault };

/**
 * `wrong-type`: a key holds another kind of value. `error`: what is there cannot be worked with. `reply`: an answer that the question cannot
 * have. `record`: a stored session that was not sealed here for this key, is cut short, or is of another format;
 * or a name in an index that is no session's.
 */
export type CorruptionFault = 'wrong-type' | 'error' | 'reply' | 'record';

/** Each fault is a line in the log, but not more often than this: whatever is asked again finds it again. */
const TOLD_EACH_MS = 60_000;

/** Counts every fault, and tells of each kind of fault now and then. The number of kinds is bounded: both words are of fixed sets. */
export function corruptionTeller(parts: {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly logger: Pick<Logger, 'warn'>;
  readonly onCorrupt: (fault: Corruption) => void;
}): (fault: Corruption) => void {
  const toldAtMs = new Map<string, number>();
  return (corruption) => {
    parts.onCorrupt(corruption);
    const kind = `${corruption.asked} ${corruption.fault}`;
    const nowMs = parts.clock.monotonicMs();
    if (nowMs - (toldAtMs.get(kind) ?? -Infinity) < TOLD_EACH_MS) return;
    toldAtMs.set(kind, nowMs);
    parts.logger.warn(corruption, 'what Redis holds or answers is not what Doorward keeps there');
  };
}

type Watcher = () => void;

/** Who is told when a reply turns out to be none. Replies are plain lists, and read far from where they came in. */
const watchers = new WeakMap<readonly unknown[], Watcher>();

export function watchReply(reply: readonly unknown[], watcher: Watcher): void {
  watchers.set(reply, watcher);
}

export function tellOfReply(reply: readonly unknown[]): void {
  watchers.get(reply)?.();
}
