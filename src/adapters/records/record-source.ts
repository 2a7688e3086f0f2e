/**
 * A source of records: asks a file or a URL from time to time, and holds what it said last as one table, swapped whole. What cannot be read or is
 * ambiguous is not taken over; the last good table stays, and grows old.
 */

import { createHash } from 'node:crypto';
import { parse as parseCsv } from 'csv-parse/sync';
import type { RecordSourceConfig } from '../../core/config.ts';
import type { RecordSnapshot, RecordTable } from '../../core/policy/record-snapshot.ts';
import { parseJsonRecords, recordsOfCells } from '../../core/policy/records.ts';
import type { Clock, Entropy, FactSource, FactSourceStatus, Logger, PollResult } from '../../core/ports.ts';
import { err, type Result } from '../../core/result.ts';
import { fetchText, SourceError, type Validators } from './fetch-text.ts';

export type RecordSourcePorts = {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  /** The bytes of a regular file. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
};

export interface ManagedRecordSource extends FactSource {
  /** Asks at once and then from time to time. Resolves after the first answer, good or not. */
  start(): Promise<void>;
  close(): void;
}

/** A file that changed is read again after so long; only what stays the same is a finished change. */
const SETTLE_MS = 100;
/** Part of the interval by which each wait is longer or shorter: replicas do not ask all at once. */
const JITTER = 0.1;

export const createRecordSource = (config: RecordSourceConfig, ports: RecordSourcePorts): ManagedRecordSource =>
  new RecordSource(config, ports);

class RecordSource implements ManagedRecordSource {
  readonly name: string;
  readonly #config: RecordSourceConfig;
  readonly #ports: RecordSourcePorts;
  readonly #over = new AbortController();
  #snapshot: RecordSnapshot | undefined;
  #digest: string | undefined;
  #validators: Validators | undefined;
  #failure: string | undefined;
  readonly #polls: Record<PollResult, number> = { changed: 0, unchanged: 0, failed: 0 };
  #timer: NodeJS.Timeout | undefined;
  #started: Promise<void> | undefined;

  constructor(config: RecordSourceConfig, ports: RecordSourcePorts) {
    this.name = config.name;
    this.#config = config;
    this.#ports = ports;
  }

  snapshot(): RecordSnapshot | undefined {
    return this.#snapshot;
  }

  status(): FactSourceStatus {
    return { snapshot: this.#snapshot, polls: { ...this.#polls }, failure: this.#failure };
  }

  start(): Promise<void> {
    this.#started ??= this.#askAndWait();
    return this.#started;
  }

  close(): void {
    this.#over.abort();
    clearTimeout(this.#timer);
  }

  /** The next look is set when this one is over, so that two never overlap. */
  async #askAndWait(): Promise<void> {
    try {
      await this.#ask();
      if (this.#failure !== undefined)
        this.#ports.logger.info({ source: this.name }, 'a source of records is read again');
      this.#failure = undefined;
    } catch (error) {
      if (!this.#over.signal.aborted) this.#fail(error);
    }
    if (this.#over.signal.aborted) return;
    const [byte = 0] = this.#ports.entropy.bytes(1);
    const ms = this.#config.interval * 1000 * (1 + JITTER * ((2 * byte) / 255 - 1));
    this.#timer = setTimeout(() => void this.#askAndWait(), Math.min(ms, 0x7fffffff));
    this.#timer.unref();
  }

  /** Each kind of failure is told once, until the source is read again. */
  #fail(error: unknown): void {
    const why = error instanceof SourceError ? error.message : 'cannot be read';
    this.#polls.failed += 1;
    if (why !== this.#failure)
      this.#ports.logger.warn(
        { source: this.name, why },
        'a source of records could not be read; what it said last stays',
      );
    this.#failure = why;
  }

  async #ask(): Promise<void> {
    // Before the question, so that the data is never older than it says.
    const asOf = this.#ports.clock.now();
    const { from } = this.#config;
    const answer = from.kind === 'file' ? await this.#readFile(from.path) : await this.#fetch(from);
    if (this.#over.signal.aborted) return;
    const table = answer.bytes === undefined ? this.#snapshot?.table : this.#tableOf(answer.bytes);
    if (table === undefined) throw new SourceError('says that nothing changed, and nothing is there');
    // What was refused is asked for again, so the validators go with what was taken over.
    this.#validators = answer.validators;
    this.#snapshot = { table, asOf };
    this.#polls[answer.bytes === undefined ? 'unchanged' : 'changed'] += 1;
  }

  async #fetch(from: Extract<RecordSourceConfig['from'], { kind: 'http' }>): Promise<Answer> {
    const fetched = await fetchText({
      url: from.url,
      headers: from.headers,
      ca: from.ca,
      validators: this.#validators,
      timeoutMs: this.#config.timeout * 1000,
      bytesMax: this.#config.max_bytes,
      signal: this.#over.signal,
    });
    return fetched.kind === 'new' ? fetched : { bytes: undefined, validators: this.#validators };
  }

  async #readFile(path: string): Promise<Answer> {
    const { readFile } = this.#ports;
    const bytes = await readFile(path);
    if (digestOf(bytes) === this.#digest) return { bytes: undefined, validators: undefined };
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    if (digestOf(await readFile(path)) !== digestOf(bytes)) throw new SourceError('is being written');
    return { bytes, validators: undefined };
  }

  #tableOf(bytes: Uint8Array): RecordTable {
    const { max_bytes: bytesMax, max_rows: rowsMax, key, foreign_key: foreignKey, format } = this.#config;
    if (bytes.byteLength > bytesMax) throw new SourceError(`is larger than ${bytesMax} bytes`);
    const form = { key, foreignKey, rowsMax };
    const text = utf8(bytes);
    const table = format === 'json' ? parseJsonRecords(text, form) : parseCsvRecords(text, form);
    if (!table.ok) throw new SourceError(table.error);
    this.#digest = digestOf(bytes);
    return table.value;
  }
}

/** `bytes` undefined: as before. */
type Answer = { readonly bytes: Uint8Array | undefined; readonly validators: Validators | undefined };

function parseCsvRecords(text: string, form: Parameters<typeof recordsOfCells>[1]): Result<RecordTable, string> {
  try {
    const cells: readonly (readonly string[])[] = parseCsv(text, { skip_empty_lines: true, relax_column_count: true });
    return recordsOfCells(cells, form);
  } catch {
    return err('is not CSV');
  }
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new SourceError('is not UTF-8 text');
  }
}
