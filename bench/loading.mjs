/** How long many routes take to be loaded, and for how long a reload keeps the event loop from anything else. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { systemClock } from '../dist/adapters/system/clock.js';
import { systemEntropy } from '../dist/adapters/system/entropy.js';
import { createMemoryOnceRegistry } from '../dist/adapters/memory/once-registry.js';
import { createMemoryUserFacts } from '../dist/adapters/memory/user-facts.js';
import { createMemorySessionStore } from '../dist/adapters/memory/session-store.js';
import { compile, createGenerations } from '../dist/compose/generations.js';
import { loadInWorker } from '../dist/compose/load-in-worker.js';
import { load } from '../dist/compose/load.js';
import { manyRoutes } from './many-routes.mjs';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error };

const lasting = () => ({
  sessions: createMemorySessionStore({ clock: systemClock }),
  once: createMemoryOnceRegistry({ clock: systemClock }),
  facts: createMemoryUserFacts({ clock: systemClock }),
  clock: systemClock,
  entropy: systemEntropy,
  logger: silent,
});

function sourceOf(folder, count) {
  const configFile = join(folder, `many-${count}.yaml`);
  writeFileSync(configFile, manyRoutes(count));
  return { configFile, env: {} };
}

async function loadOnce(source, parts) {
  const loaded = await load(source);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error.problems));
  const compiled = await compile(loaded.value, parts, undefined);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}

/** From the file to what decides, as at the start of a process: seconds of each time, wall clock and CPU. */
export async function measureLoading(folder, { routes, times }) {
  const source = sourceOf(folder, routes);
  const all = [];
  for (let time = 0; time < times; time += 1) {
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    await loadOnce(source, lasting());
    const { user, system } = process.cpuUsage(cpuBefore);
    all.push({ seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 });
  }
  return all;
}

/** Runs `work` and returns how long the event loop was kept at most, ms: the longest time between two of its turns. */
async function longestStall(work) {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const probe = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setTimeout(probe, 1);
  };
  setTimeout(probe, 1);
  await work();
  isOver = true;
  return longest;
}

/** The longest stall of each reload, and of as long a time without one, which is what the machine does by itself; ms. */
export async function measureReloadStall(folder, { routes, times }) {
  const source = sourceOf(folder, routes);
  const parts = lasting();
  const first = await loadOnce(source, parts);
  const generations = createGenerations(first, parts, (watched, signal) => loadInWorker(source, watched, { signal }));
  const stalls = [];
  const idle = [];
  for (let time = 0; time < times; time += 1) {
    const startedAt = performance.now();
    stalls.push(
      await longestStall(async () => {
        const { kind } = await generations.reload();
        if (kind !== 'swapped') throw new Error('the reload was refused');
      }),
    );
    const lasted = performance.now() - startedAt;
    idle.push(await longestStall(() => new Promise((resolve) => setTimeout(resolve, lasted))));
  }
  for (const idp of generations.current().idps) idp.close();
  return { stalls, idle };
}
