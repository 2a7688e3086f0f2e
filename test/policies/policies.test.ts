import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { testCommand } from '../../src/cli/test.ts';
import { loadTests, testFiles } from '../../src/compose/policy-cases.ts';
import { PROJECT_ROOT } from '../support/project.ts';

const POLICIES = join(PROJECT_ROOT, 'policies');

type Counts = { readonly files: number; readonly cases: number; readonly passed: number; readonly failed: number };

describe('the example policies', () => {
  test('each has tests of its own', async () => {
    const folders = readdirSync(POLICIES);
    expect(folders.length).toBeGreaterThanOrEqual(5);
    for (const folder of folders) expect(await testFiles([join(POLICIES, folder)])).not.toEqual([]);
  });

  test('decide as their tests expect', async () => {
    let text = '';
    const code = await testCommand({
      files: () => testFiles([POLICIES]),
      load: (file) => loadTests(file, {}),
      write: (more) => (text += more),
      writeError: (more) => (text += more),
      output: 'text',
      color: false,
    });
    expect({ code, text }).toEqual({ code: 0, text: expect.stringMatching(/^\d+ passed, 0 failed$/m) });
  });

  test('decide so in the built program too', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['dist/main.js', 'test', 'policies', '-o', 'json'], {
      cwd: PROJECT_ROOT,
    });
    const { ok, counts } = JSON.parse(stdout) as { readonly ok: boolean; readonly counts: Counts };
    expect(ok).toBe(true);
    expect(counts.passed).toBe(counts.cases);
    expect(counts.cases).toBeGreaterThanOrEqual(50);
    process.stderr.write(`policies: ${counts.passed} of ${counts.cases} cases in ${counts.files} files pass\n`);
  });
});
