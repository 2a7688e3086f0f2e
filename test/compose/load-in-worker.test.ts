/** The thread that reads a configuration, as built: what comes back from it, and what happens when it does not. */

import { getEventListeners } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { compile, createGenerations } from '../../src/compose/generations.ts';
import type { Compiled, Generations, Lasting } from '../../src/compose/generations.ts';
import { loadInWorker } from '../../src/compose/load-in-worker.ts';
import type { WorkerOptions } from '../../src/compose/load-in-worker.ts';
import { load } from '../../src/compose/load.ts';
import { createMemoryOnceRegistry } from '../../src/adapters/memory/once-registry.ts';
import { createMemorySessionStore } from '../../src/adapters/memory/session-store.ts';
import { createMemoryUserFacts } from '../../src/adapters/memory/user-facts.ts';
import { epochSeconds } from '../../src/core/units.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import type { TemporaryFolder } from '../support/temporary-folder.ts';

const workerUrl = pathToFileURL(join(PROJECT_ROOT, 'dist', 'compose', 'load-worker.js'));
const SECRET = 'MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=';

let folder: TemporaryFolder;
let configFile: string;
beforeEach(() => {
  folder = temporaryFolder();
  configFile = join(folder.path, 'doorward.yaml');
});
afterEach(() => {
  folder.remove();
});

const configOf = (routes: number, group = 'sre'): string => `
cookie_secret: ${SECRET}
shared_secret: \${SHARED}
idps: [{ name: corp, url: https://idp.example.com/, client_id: doorward, client_secret: s3cret-of-the-client }]
routes:
${Array.from(
  { length: routes },
  (_, index) => `  - from: https://app${index}.example.com
    policy: [${Array.from({ length: 5 }, (_, rule) => `{ allow: { or: [{ groups: { has: ${group}${rule} } }] } }`).join(', ')}]`,
).join('\n')}
`;

const source = (): { configFile: string; env: NodeJS.ProcessEnv } => ({ configFile, env: { SHARED: SECRET } });

/** A program in place of the thread. */
function threadOf(program: string): URL {
  const file = join(folder.path, 'thread.mjs');
  writeFileSync(file, `import { parentPort } from 'node:worker_threads';\n${program}`);
  return pathToFileURL(file);
}

const clock = { now: () => epochSeconds(1_800_000_000), monotonicMs: () => performance.now() };
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const lasting: Lasting = {
  sessions: createMemorySessionStore({ clock }),
  once: createMemoryOnceRegistry({ clock }),
  facts: createMemoryUserFacts({ clock }),
  messages: { verify: () => Promise.resolve({ ok: false, error: 'no keys' }) },
  clock,
  entropy: { bytes: (count: number) => new Uint8Array(count) },
  logger: silent,
};

async function firstGeneration(options: WorkerOptions = {}): Promise<{ generations: Generations; first: Compiled }> {
  const loaded = await loadInWorker(source(), undefined, { workerUrl });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const first = await compile(loaded.value, lasting, undefined);
  loaded.value.release();
  if (!first.ok) throw new Error(JSON.stringify(first.error));
  const next = { workerUrl, ...options };
  const generations = createGenerations(first.value, lasting, (watched, signal) =>
    loadInWorker(source(), watched, { ...next, signal }),
  );
  return { generations, first: first.value };
}

describe('the thread that reads a configuration', () => {
  test('gives what reading it in this thread gives', async () => {
    writeFileSync(configFile, configOf(70));
    const here = await load(source());
    const there = await loadInWorker(source(), undefined, { workerUrl });
    if (!here.ok || !there.ok) throw new Error('not loaded');
    const { locate, routePath, ...plain } = here.value;
    const { locate: locateThere, routePath: routePathThere, release, ...plainThere } = there.value;
    expect(JSON.stringify(plainThere.access.routes)).toBe(JSON.stringify(plain.access.routes));
    expect(plainThere).toEqual(plain);
    expect(routePathThere(69)).toEqual(routePath(69));
    const problem = { severity: 'error', path: ['routes', 3, 'policy'], message: 'no' } as const;
    expect(await locateThere([problem])).toEqual(locate([problem]));
    expect(await locateThere([])).toEqual([]);
    release();
    expect(await locateThere([problem])).toMatchObject([{ line: 1, column: 1, message: 'no' }]);
  });

  test('leaves nothing behind at the signal that would end it', async () => {
    const { signal } = new AbortController();
    writeFileSync(configFile, configOf(1));
    const loaded = await loadInWorker(source(), undefined, { workerUrl, signal });
    if (!loaded.ok) throw new Error('not loaded');
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    loaded.value.release();
    writeFileSync(configFile, 'routes: 1');
    expect((await loadInWorker(source(), undefined, { workerUrl, signal })).ok).toBe(false);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('says what is wrong, with line and column, also what only compiling finds', async () => {
    writeFileSync(
      configFile,
      `${configOf(2)}  - { from: https://x.example.com, policy: [{ allow: { and: [{ nobody: 1 }] } }], pat: / }\n`,
    );
    const refused = await loadInWorker(source(), undefined, { workerUrl });
    expect(refused.ok ? [] : refused.error.problems).toMatchObject([
      { severity: 'error', line: 10, message: expect.stringMatching(/nobody/) },
      { severity: 'error', line: 10, message: expect.stringMatching(/pat/) },
    ]);
    expect(refused.ok ? [] : refused.error.files.map(({ path }) => path)).toEqual([configFile]);
  });

  test.each([
    ['hangs', 'setInterval(() => undefined, 1000);', 'was not done after'],
    ['ends', 'process.exit(3);', 'ended before it was done'],
    ['throws', `throw new Error('${SECRET}');`, 'failed'],
    ['does not parse', 'this is no program', 'failed'],
    [
      'answers something else',
      "parentPort.on('message', () => parentPort.postMessage({ kind: 'located' }));",
      'not asked for',
    ],
    [
      'loses routes',
      `parentPort.on('message', ({ kind }) => parentPort.postMessage(kind === 'load'
        ? { kind: 'loaded', head: { globals: {}, routeCount: 2 } } : { kind: 'routes', routes: [], paths: [] }));`,
      'lost routes',
    ],
    [
      'runs away with memory',
      "const all = []; parentPort.on('message', () => { for (;;) all.push(new Array(1e5).fill(all.length)); });",
      'needed more than 64 MiB',
    ],
  ])('when it %s, the reload is refused in words and the generation before stays', async (_name, program, words) => {
    writeFileSync(configFile, configOf(2));
    const { generations, first } = await firstGeneration({
      workerUrl: threadOf(program),
      timeLimitMs: words.startsWith('was not') ? 200 : 20_000,
      memoryMibMax: 64,
    });
    writeFileSync(configFile, configOf(2, 'other'));
    const reloaded = await generations.reload();
    expect(reloaded).toMatchObject({ kind: 'kept', problems: [{ severity: 'error', line: 1, column: 1 }] });
    const message = reloaded.kind === 'kept' ? reloaded.problems[0]?.message : '';
    expect(message).toContain(words);
    expect(message).not.toContain(SECRET);
    expect(generations.current()).toBe(first);
    // What is there now is not read again until it changes.
    const again = await load(source());
    expect(reloaded.files).toEqual(again.ok ? again.value.files : []);
  });

  test('while 1,000 routes are read anew the event loop turns, and they are parsed elsewhere', async () => {
    writeFileSync(configFile, configOf(1000));
    const seen = folder.file('seen.json');
    // The built thread, and a word on where it ran.
    const thread = threadOf(`
      import { isMainThread } from 'node:worker_threads';
      import { writeFileSync } from 'node:fs';
      await import(${JSON.stringify(workerUrl.href)});
      parentPort.on('message', ({ kind }) => writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ isMainThread, kind }), { flag: 'a' }));
    `);
    const { generations } = await firstGeneration({ workerUrl: thread });
    let turns = 0;
    const state = { isOver: false };
    const turn = (): void => {
      turns += 1;
      if (!state.isOver) setImmediate(turn);
    };
    setImmediate(turn);
    const reloaded = await generations.reload();
    state.isOver = true;
    expect(reloaded).toMatchObject({ kind: 'swapped', generation: 2 });
    const asked = readFileSync(seen, 'utf8');
    expect(asked.startsWith('{"isMainThread":false,"kind":"load"}')).toBe(true);
    expect(asked.split('"kind":"routes"')).toHaveLength(1 + Math.ceil(1000 / 32));
    // At least one turn for each message.
    expect(turns).toBeGreaterThan(32);
    expect(generations.current().live.generation.routes.routes).toHaveLength(1000);
  });
});

describe('reloads', () => {
  test('that come at once follow one another, and those that wait are one', async () => {
    writeFileSync(configFile, configOf(2));
    const { generations } = await firstGeneration();
    const first = generations.reload();
    await Promise.resolve();
    const [second, third, fourth] = [generations.reload(), generations.reload(), generations.reload()];
    expect(await first).toMatchObject({ kind: 'swapped', generation: 2 });
    expect(await Promise.all([second, third, fourth])).toMatchObject([
      { generation: 3 },
      { generation: 3 },
      { generation: 3 },
    ]);
    expect(await generations.reload()).toMatchObject({ generation: 4 });
  });

  test('that are under way at the end change nothing', async () => {
    writeFileSync(configFile, configOf(2));
    const { generations, first } = await firstGeneration();
    const reloading = generations.reload();
    await Promise.resolve();
    generations.close();
    expect(await reloading).toMatchObject({ kind: 'kept' });
    expect(generations.current()).toBe(first);
  });

  test('a fault in the program itself keeps what is in force', async () => {
    writeFileSync(configFile, configOf(2));
    const { first } = await firstGeneration();
    const generations = createGenerations(first, lasting, () => Promise.reject(new TypeError('a fault')));
    expect(await generations.reload()).toEqual({ kind: 'kept', problems: [], files: first.loaded.files });
    expect(generations.current()).toBe(first);
  });
});
