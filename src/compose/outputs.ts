/** Where audit and log go. */

import { closeSync, openSync } from 'node:fs';

import { createAuditSink } from '../adapters/pino/audit-sink.ts';
import { createBatchingStream, type BatchingStream } from '../adapters/pino/batching-stream.ts';
import { createLogger, type LogLevel } from '../adapters/pino/logger.ts';
import type { AuditRecord } from '../core/audit/audit-record.ts';
import type { ChangeRecord } from '../core/audit/change-record.ts';
import type { StreamRecord } from '../core/audit/stream-record.ts';
import type { ChangeAudit, Logger } from '../core/ports.ts';

const STDOUT = 1;
const STDERR = 2;
/** Whoever may read the audit is for its owner to say. */
const AUDIT_FILE_MODE = 0o600;

export type Outputs = {
  readonly logger: Logger & { setLevel(level: LogLevel): void };
  readonly audit: ChangeAudit<AuditRecord | ChangeRecord | StreamRecord>;
  /** The audit file anew, after a rotation has moved it away. */
  reopenAudit(): void;
  /** Writes what waits. */
  close(): Promise<void>;
};

/** The log goes to stderr, so that stdout holds nothing but the audit. @throws Error (with `code`) when the file cannot be opened. */
export function openOutputs(destination: string, level: LogLevel): Outputs {
  const logStream = createBatchingStream({ fd: STDERR });
  const logger = createLogger(logStream, level);
  const isFile = destination !== 'stdout' && destination !== 'stderr';
  const open = (): { readonly fd: number; readonly stream: BatchingStream } => {
    const fd = isFile ? openSync(destination, 'a', AUDIT_FILE_MODE) : destination === 'stdout' ? STDOUT : STDERR;
    const stream = createBatchingStream({
      fd,
      onFailure: (error) => {
        logger.error({ error }, 'the audit cannot be written any more: every Check is refused');
      },
    });
    return { fd, stream };
  };
  let current = open();
  let sink = createAuditSink(current.stream);
  const closeStream = async ({ fd, stream }: typeof current): Promise<void> => {
    await stream.flush();
    if (isFile) closeSync(fd);
  };
  return {
    logger,
    audit: {
      isFull: () => sink.isFull(),
      write: (record) => {
        sink.write(record);
      },
      flush: () => sink.flush(),
    },
    reopenAudit: () => {
      if (!isFile) return;
      const before = current;
      current = open();
      sink = createAuditSink(current.stream);
      void closeStream(before);
    },
    close: async () => {
      await closeStream(current);
      await logStream.flush();
    },
  };
}
