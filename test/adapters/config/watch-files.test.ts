import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { digestOf, FILE_BYTES_MAX, readRegularFile } from '../../../src/adapters/config/file-reader.ts';
import type { ReadFile } from '../../../src/adapters/config/file-reader.ts';
import { watchFiles } from '../../../src/adapters/config/watch-files.ts';
import type { FileWatch } from '../../../src/adapters/config/watch-files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import type { TemporaryFolder } from '../../support/temporary-folder.ts';
import { sleep, waitFor } from '../../support/wait.ts';

/** Short, so that the tests are; far from each other, so that events and looking can be told apart. */
const SETTLE_MS = 40;
const NEVER_MS = 3_600_000;

let folder: TemporaryFolder;
let watching: FileWatch | undefined;
let changes: number;

beforeEach(() => {
  folder = temporaryFolder();
  changes = 0;
});

afterEach(() => {
  watching?.close();
  folder.remove();
});

const recordOf = async (path: string): Promise<{ path: string; digest: string | undefined }> => ({
  path,
  digest: await readRegularFile(path).then(digestOf, () => undefined),
});

/** Watches from the present content on, and returns once events are seen. */
async function watchNow(
  paths: readonly string[],
  options: { pollMs?: number; readFile?: ReadFile } = {},
): Promise<void> {
  const records = await Promise.all(paths.map(recordOf));
  watching = watchFiles(records, () => (changes += 1), {
    readFile: options.readFile ?? readRegularFile,
    settleMs: SETTLE_MS,
    pollMs: options.pollMs ?? NEVER_MS,
  });
  await sleep(2 * SETTLE_MS);
}

const seen = (): Promise<true> => waitFor('a change', () => (changes === 1 ? true : undefined), 5000);

describe('a change is told', () => {
  test('when a file is written in place', async () => {
    const file = folder.file('a.yaml');
    writeFileSync(file, 'one');
    await watchNow([file]);
    writeFileSync(file, 'two');
    await seen();
  });

  test('when an editor puts another file in its place', async () => {
    const file = folder.file('a.yaml');
    writeFileSync(file, 'one');
    await watchNow([file]);
    writeFileSync(folder.file('.a.yaml.swp'), 'two');
    renameSync(folder.file('.a.yaml.swp'), file);
    await seen();
  });

  test('when Kubernetes swaps its ..data link', async () => {
    for (const version of ['..1', '..2']) {
      mkdirSync(folder.file(version));
      writeFileSync(`${folder.file(version)}/doorward.yaml`, version);
    }
    symlinkSync('..1', folder.file('..data'));
    symlinkSync('..data/doorward.yaml', folder.file('doorward.yaml'));
    await watchNow([folder.file('doorward.yaml')]);
    symlinkSync('..2', folder.file('..data_tmp'));
    renameSync(folder.file('..data_tmp'), folder.file('..data'));
    rmSync(folder.file('..1'), { recursive: true });
    await seen();
    expect(readlinkSync(folder.file('..data'))).toBe('..2');
  });

  test('when the file behind a link in another folder is written', async () => {
    mkdirSync(folder.file('real'));
    mkdirSync(folder.file('links'));
    writeFileSync(folder.file('real/key.pem'), 'one');
    symlinkSync('../real/key.pem', folder.file('links/key.pem'));
    await watchNow([folder.file('links/key.pem')]);
    writeFileSync(folder.file('real/key.pem'), 'two');
    await seen();
  });

  test('when a file goes, and when it comes', async () => {
    const file = folder.file('a.yaml');
    writeFileSync(file, 'one');
    await watchNow([file]);
    rmSync(file);
    await seen();
    changes = 0;
    await watchNow([file]);
    writeFileSync(file, 'one');
    await seen();
  });

  test('when it came about before the watch began', async () => {
    const file = folder.file('a.yaml');
    writeFileSync(file, 'two');
    watching = watchFiles([{ path: file, digest: 'of what was read' }], () => (changes += 1), {
      readFile: readRegularFile,
      settleMs: SETTLE_MS,
      pollMs: NEVER_MS,
    });
    await seen();
  });

  test('without any event, at the next look', async () => {
    const content = { text: 'one' };
    const path = '/no/such/folder/a.yaml';
    watching = watchFiles([{ path, digest: digestOf(Buffer.from('one')) }], () => (changes += 1), {
      readFile: () => Promise.resolve(Buffer.from(content.text)),
      settleMs: SETTLE_MS,
      pollMs: 30,
    });
    await sleep(100);
    expect(changes).toBe(0);
    content.text = 'two';
    await seen();
  });

  test('by any of several files', async () => {
    for (const name of ['a', 'b']) writeFileSync(folder.file(name), 'one');
    await watchNow([folder.file('a'), folder.file('b')]);
    writeFileSync(folder.file('b'), 'two');
    await seen();
  });

  test('though the folder is never quiet', async () => {
    const file = folder.file('a.yaml');
    writeFileSync(file, 'one');
    await watchNow([file]);
    const noise = setInterval(() => appendFileSync(folder.file('noise.log'), 'x'), 5);
    try {
      writeFileSync(file, 'two');
      await seen();
    } finally {
      clearInterval(noise);
    }
  });

  test('though the file never stops changing', async () => {
    let count = 0;
    watching = watchFiles([{ path: '/no/such/folder/a', digest: undefined }], () => (changes += 1), {
      readFile: () => Promise.resolve(Buffer.from(String((count += 1)))),
      settleMs: 1,
      pollMs: NEVER_MS,
    });
    await seen();
  });
});

describe('a change is not told', () => {
  test('while a file is still being written', async () => {
    const file = folder.file('a.yaml');
    writeFileSync(file, 'one');
    await watchNow([file]);
    let told: string | undefined;
    let written = '';
    for (let part = 0; part < 12; part += 1) {
      written += 'part ';
      writeFileSync(file, written);
      await sleep(SETTLE_MS / 4);
      if (changes > 0) told ??= written;
    }
    await seen();
    expect([undefined, written]).toContain(told);
  });

  test('when the content is what it was', async () => {
    const file = folder.file('a.yaml');
    writeFileSync(file, 'one');
    await watchNow([file]);
    writeFileSync(file, 'one');
    writeFileSync(folder.file('other'), 'x');
    await sleep(6 * SETTLE_MS);
    expect(changes).toBe(0);
  });

  test('twice, nor after the watch was closed', async () => {
    const file = folder.file('a.yaml');
    writeFileSync(file, 'one');
    await watchNow([file]);
    writeFileSync(file, 'two');
    await seen();
    writeFileSync(file, 'three');
    await sleep(6 * SETTLE_MS);
    expect(changes).toBe(1);

    changes = 0;
    await watchNow([file]);
    writeFileSync(file, 'four');
    watching?.close();
    await sleep(6 * SETTLE_MS);
    expect(changes).toBe(0);
  });
});

describe('reading', () => {
  const codeOf = (path: string): Promise<unknown> =>
    readRegularFile(path).then(
      () => 'read',
      (error: unknown) => (error as { code?: unknown }).code,
    );

  test('regular files of a bounded size, and nothing else', async () => {
    writeFileSync(folder.file('good'), 'text');
    writeFileSync(folder.file('large'), Buffer.alloc(FILE_BYTES_MAX + 1));
    expect(Buffer.from(await readRegularFile(folder.file('good'))).toString()).toBe('text');
    expect(await codeOf(folder.file('large'))).toBe('EFBIG');
    expect(await codeOf(folder.path)).toBe('EISDIR');
    execFileSync('mkfifo', [folder.file('pipe')]);
    expect(await codeOf(folder.file('pipe'))).toBe('ENOTREG');
    expect(await codeOf('/dev/zero')).toBe('ENOTREG');
    expect(await codeOf(folder.file('none'))).toBe('ENOENT');
    expect(await codeOf('a\0b')).toBe('ERR_INVALID_ARG_VALUE');
  });
});
