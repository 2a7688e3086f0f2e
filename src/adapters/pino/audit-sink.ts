/** The audit: one JSON line per Check received, two per change by an administrator, one per stream that was cut, apart from the process log (`"log":"audit"`). */

import type { AuditRecord } from '../../core/audit/audit-record.ts';
import type { ChangeRecord } from '../../core/audit/change-record.ts';
import type { StreamRecord } from '../../core/audit/stream-record.ts';
import type { ChangeAudit } from '../../core/ports.ts';
import type { BatchingStream } from './batching-stream.ts';

/** The whole record in one call: pino serializes each nested value by itself, which costs a tenth of a Check. */
export const createAuditSink = (stream: BatchingStream): ChangeAudit<AuditRecord | ChangeRecord | StreamRecord> => ({
  isFull: () => stream.isFull(),
  write: (record) => {
    stream.write(`{"log":"audit",${JSON.stringify(record).slice(1)}\n`);
  },
  flush: () => stream.flush(),
});
