/** Timers, as what runs in the background needs them: by an interface, so that time can be played. */

export interface Timers {
  /** Runs once, not before `ms` have passed; gives what calls it off. A process that has nothing else to do may end meanwhile. */
  after(ms: number, run: () => void): () => void;
}

export const sleep = (timers: Timers, ms: number): Promise<void> =>
  new Promise((resolve) => {
    timers.after(ms, resolve);
  });
