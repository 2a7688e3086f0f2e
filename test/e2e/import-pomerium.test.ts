/** `doorward import pomerium` as people run it: what it says, what it writes, and how it ends. */

import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, expect, test } from '@jest/globals';

import { newSecret, runDoorward } from '../support/doorward.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const env = { COOKIE_SECRET: newSecret(), SHARED_SECRET: newSecret() };
const fixture = (name: string): string => {
  for (const file of [name, 'client-ca.pem'])
    copyFileSync(join(PROJECT_ROOT, 'test/fixtures/pomerium', file), folder.file(file));
  return folder.file(name);
};

test('what it writes is a file that `doorward check` accepts', async () => {
  const target = folder.file('doorward.yaml');
  const imported = await runDoorward(['import', 'pomerium', fixture('mtls.yaml'), '--write', target], env);
  expect(imported).toMatchObject({ code: 0, stderr: '' });
  expect(imported.stdout).toMatch(/^.*mtls\.yaml:8:1: downstream_mtls: applies$/m);
  expect(imported.stdout).toContain(`written: ${target}\n`);
  expect(readFileSync(target, 'utf8')).toContain('cookie_secret: ${COOKIE_SECRET}');
  const checked = await runDoorward(['check', '-c', target], env);
  expect(checked.code).toBe(0);
  expect(checked.stdout).toMatch(/ok: 1 route\n$/);
});

test('it ends with 1 when something is refused, and with 2 when it was called wrongly', async () => {
  const refused = await runDoorward(['import', 'pomerium', fixture('typo.yaml'), '--output', 'json'], env);
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false, counts: { refused: 2 } });
  expect((await runDoorward(['import', 'pomerium'], env)).code).toBe(2);
  expect((await runDoorward(['import', 'pomerium', 'x', '--output', 'xml'], env)).code).toBe(2);
});
