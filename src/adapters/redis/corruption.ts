/** What was found in Redis, or came from it, that Doorward did not put there. Each is a refusal; here it is named, so that it can be counted. */

/** `asked`: the name of a script or command (a fixed set). */
export type Corruption = { readonly asked: string; readonly fault: CorruptionFault };

/**
 * `wrong-type`: a key holds another kind of value. `error`: what is there cannot be worked with. `reply`: an answer that the question cannot
 * have. `record`: a stored session that was not sealed here for this key, is cut short, or is of another format.
 */
export type CorruptionFault = 'wrong-type' | 'error' | 'reply' | 'record';

type Watcher = () => void;

/** Who is told when a reply turns out to be none. Replies are plain lists, and read far from where they came in. */
const watchers = new WeakMap<readonly unknown[], Watcher>();

export function watchReply(reply: readonly unknown[], watcher: Watcher): void {
  watchers.set(reply, watcher);
}

export function tellOfReply(reply: readonly unknown[]): void {
  watchers.get(reply)?.();
}
