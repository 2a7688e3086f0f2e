/** The process log: JSON lines by pino. What must not be in a log is kept out where fields are made; `redact` is the second line. */

import { pino } from 'pino';

import type { Logger } from '../../core/ports.ts';
import type { BatchingStream } from './batching-stream.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Fields that no caller should pass; if one does, its value does not get out. */
const redactedPaths = [
  'cookie',
  'set-cookie',
  'authorization',
  'client_secret',
  'authorization_code',
  'code_verifier',
  'id_token',
  'access_token',
  'refresh_token',
  'password',
];

/** An error without its message where that could hold text of others: name, code and stack frames are ours. */
const describeError = (error: unknown): Record<string, unknown> => {
  if (typeof error !== 'object' || error === null) return { kind: typeof error };
  const { name, code, message, cause } = error as {
    name?: unknown;
    code?: unknown;
    message?: unknown;
    cause?: unknown;
  };
  return {
    name,
    code,
    message,
    ...(cause === undefined
      ? {}
      : { cause: (cause as { code?: unknown; name?: unknown }).code ?? (cause as { name?: unknown }).name }),
  };
};

export const createLogger = (stream: BatchingStream, level: LogLevel): Logger & { setLevel(level: LogLevel): void } => {
  const logger = pino(
    {
      level,
      base: { log: 'doorward' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths: redactedPaths, censor: '[redacted]' },
    },
    stream,
  );
  return {
    debug: (fields, message) => {
      logger.debug(fields, message);
    },
    info: (fields, message) => {
      logger.info(fields, message);
    },
    warn: (fields, message) => {
      logger.warn(fields, message);
    },
    error: (fields, message) => {
      logger.error(fields, message);
    },
    setLevel: (next) => {
      logger.level = next;
    },
  };
};
