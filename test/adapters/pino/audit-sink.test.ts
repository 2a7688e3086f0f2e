/** The audit sink and its stream on real descriptors: one line a record, nothing lost, and a bound that is told. */

import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { createAuditSink } from '../../../src/adapters/pino/audit-sink.ts';
import { createBatchingStream } from '../../../src/adapters/pino/batching-stream.ts';
import { createLogger } from '../../../src/adapters/pino/logger.ts';
import type { AuditRecord } from '../../../src/core/audit/audit-record.ts';
import { epochSeconds } from '../../../src/core/units.ts';

const aRecord = (over: Partial<AuditRecord> = {}): AuditRecord => ({
  v: 2,
  time: epochSeconds(1_767_225_600.25),
  request_id: 'r-1',
  decision: 'allow',
  status: 0,
  code: 'allow',
  route: 'grafana',
  route_pinned: undefined,
  rule: 'allow[0].and',
  allow_reasons: ['email-ok'],
  deny_reasons: [],
  subject: 'u-1',
  email: 'alice@example.com',
  idp: 'default',
  session: 'h',
  identity: { state: 'none' },
  credential: 'session-cookie',
  client_address: '192.0.2.1',
  client_address_from: 'peer',
  client_address_via: undefined,
  client_address_is_proxy: undefined,
  method: 'GET',
  host: 'grafana.example.com',
  path: '/a\n\u2028\u001b"',
  policy_generation: 1,
  policy_hash: 'c0ffee',
  facts: undefined,
  shadow: undefined,
  endpoint: undefined,
  detail: undefined,
  latency_us: 12,
  ...over,
});

const aFile = (): { path: string; fd: number } => {
  const path = join(mkdtempSync(join(tmpdir(), 'doorward-audit-')), 'audit.log');
  return { path, fd: openSync(path, 'a') };
};

describe('the audit sink', () => {
  test('writes each record as one JSON line, in order, with hostile text escaped', async () => {
    const { path, fd } = aFile();
    const stream = createBatchingStream({ fd });
    const sink = createAuditSink(stream);
    for (let i = 0; i < 5000; i += 1) sink.write(aRecord({ request_id: `r-${i}` }));
    await stream.flush();
    closeSync(fd);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(5000);
    const parsed = lines.map((line) => JSON.parse(line) as AuditRecord & { log: string });
    expect(parsed.map((record) => record.request_id)).toEqual(Array.from({ length: 5000 }, (_, i) => `r-${i}`));
    expect(parsed[0]).toMatchObject({ log: 'audit', v: 2, path: '/a\n\u2028\u001b"', latency_us: 12 });
    expect(parsed[0]).not.toHaveProperty('level');
  });

  test('says that it is full when more than its bound waits, and no longer once that is written', async () => {
    const { fd } = aFile();
    const stream = createBatchingStream({ fd, bufferCharsMax: 1000 });
    const sink = createAuditSink(stream);
    expect(sink.isFull()).toBe(false);
    for (let i = 0; i < 10; i += 1) sink.write(aRecord());
    expect(sink.isFull()).toBe(true);
    await stream.flush();
    expect(sink.isFull()).toBe(false);
    closeSync(fd);
  });

  test('is full for good, and tells once, when its descriptor fails', async () => {
    const { fd } = aFile();
    closeSync(fd);
    const failures: Error[] = [];
    const stream = createBatchingStream({ fd, onFailure: (error) => failures.push(error) });
    const sink = createAuditSink(stream);
    sink.write(aRecord());
    await stream.flush();
    expect(sink.isFull()).toBe(true);
    sink.write(aRecord());
    await stream.flush();
    expect(failures).toHaveLength(1);
  });

  test('writes what waits when the process ends', () => {
    const { path, fd } = aFile();
    const stream = createBatchingStream({ fd });
    createAuditSink(stream).write(aRecord({ request_id: 'last' }));
    stream.flushSync();
    closeSync(fd);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ request_id: 'last' });
  });
});

describe('the process log', () => {
  test('keeps secrets out even when a caller passes them', async () => {
    const { path, fd } = aFile();
    const stream = createBatchingStream({ fd });
    const logger = createLogger(stream, 'info');
    logger.info({ cookie: 'SECRET-1', access_token: 'SECRET-2', idp: 'corp' }, 'login finished');
    logger.debug({}, 'not at this level');
    logger.error(
      { error: Object.assign(new Error('store is down'), { code: 'store-unavailable', cause: new Error('SECRET-3') }) },
      'refused',
    );
    await stream.flush();
    closeSync(fd);
    const text = readFileSync(path, 'utf8');
    expect(text).not.toContain('SECRET');
    const [first, second] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(first).toMatchObject({ log: 'doorward', level: 'info', idp: 'corp', msg: 'login finished' });
    expect(second).toMatchObject({ level: 'error', error: { code: 'store-unavailable', message: 'store is down' } });
  });
});
