/** `shadow_file`: another whole configuration, read beside the one in force; what is wrong with it is told at its own lines. */

import { describe, expect, test } from '@jest/globals';

import { buildGeneration } from '../../../src/core/build-generation.ts';
import { FOLDER, load, ROUTES, SECRETS } from './support.ts';

const active = `${SECRETS}${ROUTES}shadow_file: next.yaml\n`;
const next = `mode: shadow\n${SECRETS}${ROUTES}`;

const problemsOf = async (yaml: string, files: { readonly [path: string]: string }) => {
  const loaded = await load(yaml, { files });
  return loaded.ok ? [] : loaded.error.problems.map(({ file, line, message }) => `${file}:${line} ${message}`);
};

describe('a shadow file', () => {
  test('is read with the one that names it, watched, and part of its hash', async () => {
    const loaded = await load(active, { files: { 'next.yaml': next } });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error.problems));
    const { access, files, contentHash } = loaded.value;
    expect(access.shadow_file?.access.mode).toBe('shadow');
    expect(access.shadow_file?.access.routes).toHaveLength(1);
    expect(access.shadow_file?.routePaths).toEqual([['routes', 0]]);
    expect(files.map(({ path }) => path)).toEqual([`${FOLDER}/doorward.yaml`, `${FOLDER}/next.yaml`]);
    const other = await load(active, { files: { 'next.yaml': `${next}    prefix: /x/\n` } });
    expect(other.ok && other.value.contentHash).not.toBe(contentHash);
  });

  test('leaves its secrets behind', async () => {
    const idp = 'idps: [{ name: a, url: https://idp.example.com, client_id: c, client_secret: very-secret }]\n';
    const loaded = await load(active, { files: { 'next.yaml': `${next}${idp}` } });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error.problems));
    expect(JSON.stringify(loaded.value.access.shadow_file)).not.toMatch(/very-secret|q0Nq3iKpC1|mZ7y2TQxJ4/);
  });

  test('tells what is wrong with it at its own lines, beside what is wrong here', async () => {
    const found = await problemsOf(`${active}nonsense: 1\n`, { 'next.yaml': `${next}gibberish: 2\n` });
    expect(found).toEqual([
      expect.stringMatching(/^\/etc\/doorward\/doorward\.yaml:\d+ .*nonsense/),
      expect.stringMatching(/^\/etc\/doorward\/next\.yaml:\d+ .*gibberish/),
    ]);
    expect((await problemsOf(active, {}))[0]).toMatch(/next\.yaml:1 the file does not exist/);
  });

  test('has what compiling finds at its own lines as well', async () => {
    const bad = `mode: shadow\n${SECRETS}routes:\n  - from: https://app.example.com\n    policy: [{ allow: { or: [{ nobody: 1 }] } }]\n`;
    const loaded = await load(active, { files: { 'next.yaml': bad } });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.error.problems));
    const { access, routePath, contentHash, locate } = loaded.value;
    const built = buildGeneration({ config: access, routePath, number: 1, contentHash });
    const located = built.ok
      ? []
      : locate([...built.error, { severity: 'error', path: ['shadow_file'], message: 'here' }]);
    expect(located.map(({ file, line }) => [file, line])).toEqual([
      [`${FOLDER}/doorward.yaml`, 6],
      [`${FOLDER}/next.yaml`, 6],
    ]);
  });

  test('must say that it is one, and has none of its own', async () => {
    expect(await problemsOf(active, { 'next.yaml': `${SECRETS}${ROUTES}` })).toEqual([
      expect.stringContaining('the file must say `mode: shadow` at its top'),
    ]);
    expect(await problemsOf(active, { 'next.yaml': `${next}shadow_file: doorward.yaml\n` })).toEqual([
      expect.stringContaining('a file that is a shadow has no `shadow_file` of its own'),
    ]);
  });

  test('warns of itself in its own name', async () => {
    const loaded = await load(active, { files: { 'next.yaml': `mode: shadow\n${SECRETS}routes: []\n` } });
    expect(loaded.ok && loaded.value.notices.some(({ file }) => file.endsWith('next.yaml'))).toBe(true);
  });
});
