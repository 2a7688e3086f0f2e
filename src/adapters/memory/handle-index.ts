/** Which handles belong to a key. Keys without handles take no memory. */

const none: ReadonlySet<string> = new Set();

export class HandleIndex {
  readonly #handles = new Map<string, Set<string>>();

  /** In the order they were added. */
  get(key: string): ReadonlySet<string> {
    return this.#handles.get(key) ?? none;
  }

  add(key: string, handle: string): void {
    const handles = this.#handles.get(key);
    if (handles === undefined) this.#handles.set(key, new Set([handle]));
    else handles.add(handle);
  }

  remove(key: string, handle: string): void {
    const handles = this.#handles.get(key);
    handles?.delete(handle);
    if (handles?.size === 0) this.#handles.delete(key);
  }
}
