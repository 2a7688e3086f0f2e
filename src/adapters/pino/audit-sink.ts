/** The audit: one JSON line per Check received, by pino, apart from the process log (`"log":"audit"`). */

import { pino } from 'pino';

import type { AuditRecord } from '../../core/audit/audit-record.ts';
import type { AuditSink } from '../../core/ports.ts';
import type { BatchingStream } from './batching-stream.ts';

export const createAuditSink = (stream: BatchingStream): AuditSink => {
  // An audit record has no level; the field that pino keeps for it says what kind of line this is.
  const logger = pino({ base: null, timestamp: false, formatters: { level: () => ({ log: 'audit' }) } }, stream);
  return {
    isFull: () => stream.isFull(),
    write: (record: AuditRecord) => {
      logger.info(record);
    },
  };
};
