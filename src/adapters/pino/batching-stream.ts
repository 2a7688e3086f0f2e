/**
 * A destination for pino that collects lines and writes them in batches: one write in flight, everything since then is the next one. No
 * line is ever dropped: when more than the bound waits, `isFull` says so and whoever must not lose a line stops making them.
 */

import { write, writeSync } from 'node:fs';

/** A batch is written when so much has come together, or when the event loop has been idle for FLUSH_AFTER_MS. */
const BATCH_CHARS = 64 * 1024;
const FLUSH_AFTER_MS = 5;
/** A pipe whose reader is slow answers EAGAIN; try again after so long. */
const RETRY_AFTER_MS = 10;

export interface BatchingStream {
  write(line: string): void;
  /** More than `bufferCharsMax` waits, or the descriptor failed for good. */
  isFull(): boolean;
  /** Resolves when everything given so far is written, or cannot be any more. */
  flush(): Promise<void>;
  /** Writes what waits, synchronously; for the end of the process only. */
  flushSync(): void;
}

class FdBatchingStream implements BatchingStream {
  readonly #fd: number;
  readonly #bufferCharsMax: number;
  readonly #onFailure: (error: Error) => void;
  #lines: string[] = [];
  #waitingChars = 0;
  #inFlight: Buffer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failed = false;
  #drained: (() => void)[] = [];

  constructor(fd: number, bufferCharsMax: number, onFailure: (error: Error) => void) {
    this.#fd = fd;
    this.#bufferCharsMax = bufferCharsMax;
    this.#onFailure = onFailure;
  }

  write(line: string): void {
    if (this.#failed) return;
    this.#lines.push(line);
    this.#waitingChars += line.length;
    if (this.#waitingChars >= BATCH_CHARS) this.#start();
    else if (this.#timer === undefined && this.#inFlight === undefined) {
      this.#timer = setTimeout(() => {
        this.#start();
      }, FLUSH_AFTER_MS);
    }
  }

  isFull(): boolean {
    return this.#failed || this.#waitingChars > this.#bufferCharsMax;
  }

  flush(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#start();
    });
  }

  flushSync(): void {
    if (this.#failed) return;
    const rest = [this.#inFlight ?? Buffer.alloc(0), Buffer.from(this.#lines.join(''))];
    this.#lines = [];
    this.#waitingChars = 0;
    this.#inFlight = undefined;
    let bytes = Buffer.concat(rest);
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(this.#fd, bytes));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      }
    }
  }

  #isIdle(): boolean {
    return this.#failed || (this.#inFlight === undefined && this.#lines.length === 0);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#inFlight !== undefined || this.#failed) return;
    if (this.#lines.length === 0) {
      for (const resolve of this.#drained.splice(0)) resolve();
      return;
    }
    const batch = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#waitingChars = 0;
    this.#send(batch);
  }

  #send(bytes: Buffer): void {
    this.#inFlight = bytes;
    write(this.#fd, bytes, (error, written) => {
      if (this.#inFlight === undefined) return; // flushSync took over
      if (error !== null && (error as NodeJS.ErrnoException | undefined)?.code === 'EAGAIN') {
        setTimeout(() => {
          if (this.#inFlight !== undefined) this.#send(bytes);
        }, RETRY_AFTER_MS);
      } else if (error !== null) {
        this.#fail(error);
      } else if (written < bytes.length) {
        this.#send(bytes.subarray(written));
      } else {
        this.#inFlight = undefined;
        this.#start();
      }
    });
  }

  #fail(error: Error): void {
    this.#failed = true;
    this.#inFlight = undefined;
    this.#lines = [];
    for (const resolve of this.#drained.splice(0)) resolve();
    this.#onFailure(error);
  }
}

/** `fd`: 1 for stdout, 2 for stderr, or an opened file. `onFailure` is called once, when the descriptor has failed for good. */
export const createBatchingStream = (options: {
  readonly fd: number;
  readonly bufferCharsMax?: number;
  readonly onFailure?: (error: Error) => void;
}): BatchingStream =>
  new FdBatchingStream(options.fd, options.bufferCharsMax ?? 16 * 1024 * 1024, options.onFailure ?? (() => undefined));
