/** What a session takes of Redis, as the bench measures it: a login at a real provider with its tokens and indexes. It shall not grow unnoticed. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { PROJECT_ROOT } from '../../support/project.ts';

/** Measured over 10,000 sessions (docs/redis.md). */
const MEASURED_BYTES = 1601;
const SESSIONS = 500;

const run = (): Promise<string> =>
  new Promise((resolve) => {
    const args = [join(PROJECT_ROOT, 'bench/redis-memory.mjs'), String(SESSIONS)];
    // The exit code says whether the target is reached, which is more than that it has not grown.
    execFile(process.execPath, args, { timeout: 50_000 }, (_, stdout) => resolve(stdout));
  });

test(`a session takes no more of Redis than ${MEASURED_BYTES} bytes and a tenth`, async () => {
  const output = await run();
  const [, bytes] = /^ *(\d+) bytes per session by MEMORY USAGE/m.exec(output) ?? [];
  expect(output).toContain(`(${SESSIONS} keys)`);
  expect(Number(bytes)).toBeGreaterThan(0);
  expect(Number(bytes)).toBeLessThan(MEASURED_BYTES * 1.1);
});
