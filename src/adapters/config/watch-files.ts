/**
 * Tells when the content of files has changed, whatever way it came about: written in place, replaced by a rename as editors do, or by the
 * swap of a symbolic link that Kubernetes makes (`..data`). Events of the file system only say when to look; what counts is the content,
 * and only once it has stopped changing. A slow look from time to time catches what brought no event.
 */

import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { digestOf } from './file-reader.ts';
import type { ReadFile, ReadFileRecord } from './file-reader.ts';

export type WatchOptions = {
  readonly readFile: ReadFile;
  /** After an event, look so much later: what is written in several steps is then complete. */
  readonly settleMs?: number;
  /** Without any event, look so often. */
  readonly pollMs?: number;
};

export interface FileWatch {
  close(): void;
}

const SETTLE_MS = 150;
const POLL_MS = 5_000;
/** A file that never stops changing is taken as it is after so many looks. */
const LOOKS_MAX = 20;

/**
 * Calls `onChange` once, when the content of one of `files` differs from its record for long enough to be a finished change; a file that is
 * gone, or there again, differs too. Then it is over: whoever reads the files anew watches what that reading recorded, so that nothing that
 * changes in between is lost.
 */
export function watchFiles(files: readonly ReadFileRecord[], onChange: () => void, options: WatchOptions): FileWatch {
  const watching = new ContentWatch(files, onChange, options);
  watching.start();
  return watching;
}

class ContentWatch implements FileWatch {
  readonly #files: readonly ReadFileRecord[];
  readonly #onChange: () => void;
  readonly #readFile: ReadFile;
  readonly #settleMs: number;
  readonly #pollMs: number;
  readonly #folders = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isEventPending = false;
  #isClosed = false;

  constructor(files: readonly ReadFileRecord[], onChange: () => void, options: WatchOptions) {
    this.#files = files;
    this.#onChange = onChange;
    this.#readFile = options.readFile;
    this.#settleMs = options.settleMs ?? SETTLE_MS;
    this.#pollMs = options.pollMs ?? POLL_MS;
  }

  start(): void {
    // At once: something may have changed since the files were read.
    this.#lookIn(0);
    void this.#watchFolders();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #lookIn(ms: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  /** The first event after a look sets the time of the next one; events that never end must not put it off. */
  #noticeEvent(): void {
    if (!this.#isLooking && !this.#isEventPending) this.#lookIn(this.#settleMs);
    this.#isEventPending = true;
  }

  /** Reads until two readings agree; then either it is a change or it is none. */
  async #look(): Promise<void> {
    this.#isLooking = true;
    this.#isEventPending = false;
    let digests = await this.#readAll();
    for (let looks = 0; this.#differs(digests) && looks < LOOKS_MAX; looks += 1) {
      await new Promise((resolve) => setTimeout(resolve, this.#settleMs));
      const again = await this.#readAll();
      const isStable = digests.every((digest, index) => digest === again[index]);
      digests = again;
      if (isStable) break;
    }
    this.#isLooking = false;
    if (this.#isClosed) return;
    if (this.#differs(digests)) {
      this.close();
      this.#onChange();
      return;
    }
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#lookIn(this.#isEventPending ? this.#settleMs : this.#pollMs);
  }

  #readAll(): Promise<readonly (string | undefined)[]> {
    return Promise.all(
      this.#files.map(async ({ path }) => {
        try {
          return digestOf(await this.#readFile(path));
        } catch {
          return undefined;
        }
      }),
    );
  }

  #differs(digests: readonly (string | undefined)[]): boolean {
    return this.#files.some(({ digest }, index) => digest !== digests[index]);
  }

  /** The folder of each file, and the one that it really is in: a link may be swapped in the one, a file written in the other. */
  async #watchFolders(): Promise<void> {
    for (const { path } of this.#files) {
      this.#watchFolder(dirname(path));
      const target = await realpath(path).catch(() => path);
      this.#watchFolder(dirname(target));
    }
  }

  /** Where watching is not possible (no folder, no inotify handles left), looking from time to time has to do. */
  #watchFolder(folder: string): void {
    if (this.#isClosed || this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#noticeEvent());
      watcher.on('error', () => watcher.close());
      this.#folders.set(folder, watcher);
    } catch {
      return;
    }
  }
}
