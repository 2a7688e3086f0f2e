import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readVectorFile } from './run-file.ts';

let folder = '';
let lines: readonly string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doorward-vectors-'));
  const here = join(process.cwd(), 'test', 'vectors');
  writeFileSync(join(folder, 'fixtures.json'), await readVectorFile(join(here, 'fixtures.json.gz')));
  lines = (await readVectorFile(join(here, 'ppl-vectors.jsonl.gz'))).split('\n').slice(0, 3);
});

afterAll(() => rmSync(folder, { recursive: true }));

function run(content: readonly string[]) {
  const file = join(folder, 'some.jsonl');
  writeFileSync(file, content.join('\n'));
  const { status, stdout } = spawnSync(process.execPath, ['tools/vectors.mjs', file], { encoding: 'utf8' });
  return { status, stdout };
}

describe('npm run vectors', () => {
  test('counts the lines that agree', () => {
    expect(run(lines)).toEqual({ status: 0, stdout: '3 of 3 agree\n' });
  });

  test('shows what differs, and fails', () => {
    const changed = lines.map((line, index) => (index === 1 ? line.replace('"final":', '"final":"x","was":') : line));
    expect(changed).not.toEqual(lines);
    const { status, stdout } = run(changed);
    expect(status).toBe(1);
    expect(stdout).toContain('final: expected "x", got ');
    expect(stdout).toMatch(/\n2 of 3 agree\n$/);
  });

  test('a line of a kind that nobody runs differs, and no line at all is a failure', () => {
    expect(run([...lines, '{"id":"x","kind":"moon"}'])).toMatchObject({ status: 1 });
    expect(run([])).toEqual({ status: 1, stdout: '0 of 0 agree\n' });
  });

  test('a line that is no JSON differs, and says where it is', () => {
    expect(run([...lines, '{"id"', 'null'])).toEqual({
      status: 1,
      stdout: 'line 4\n  is not an object of JSON\nline 5\n  is not an object of JSON\n3 of 5 agree\n',
    });
  });

  test('a file that is not there, or has no fixtures beside it, is a sentence', () => {
    const alone = join(folder, 'alone');
    mkdirSync(alone);
    writeFileSync(join(alone, 'some.jsonl'), lines.join('\n'));
    for (const file of [join(folder, 'none.jsonl'), join(alone, 'some.jsonl')]) {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['tools/vectors.mjs', file], { encoding: 'utf8' });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '0 of 0 agree\n' });
      expect(stderr).toMatch(/cannot be run, with `fixtures.json` beside it: [^\n]*\n$/);
    }
  });
});
