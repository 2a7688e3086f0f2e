/**
 * `npm run bench`: what a Check costs the server, in CPU µs, beside a bare always-allow grpc-js server with the same reader and an answer of the same
 * bytes. Both run at once and are loaded in alternating slices; ratios are taken within a pair of slices, because the machine's speed changes from
 * one minute to the next. Absolute figures prove nothing; the ratio does.
 *
 * `--full` (`npm run bench:full`): a million sessions in Redis; else a tenth, which takes a tenth of the time to put there.
 */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { playLoad } from './load.mjs';
import { measureLoading, measureReloadStall } from './loading.mjs';
import { measureOwnPart } from './own-part.mjs';
import { measureRoutesAxis } from './routes-axis.mjs';
import { measureSessionsAxis } from './sessions-axis.mjs';
import { median, percentile } from './statistics.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = join(ROOT, 'bench', 'results', 'latest.json');
const SLICE_MS = 800;
const PAIRS = 9;
const WARM_UP_MS = 3_000;
/** Stored one by one, to see what each takes of Redis. */
const MEMORY_SESSIONS = '2000';
const MANY_SESSIONS = process.argv.includes('--full') ? 1_000_000 : 100_000;
/**
 * What is promised: the cost beside that of 10 routes, seconds to load 10,000 routes, ms that a reload of 1,000 routes keeps the event loop; the cost
 * of a session at hand in Redis mode beside the memory store, and of many live ones beside few.
 */
const PROMISED = { ratio: 1.1, loadSeconds: 2, stallMs: 20, redisRatio: 1.05, sessionsRatio: 1.1 };

let passed = 0;
let failed = 0;
const expect = (what, holds) => {
  if (holds) passed += 1;
  else failed += 1;
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}`);
};

/** user + system time of a process, µs (proc(5), /proc/pid/stat fields 14 and 15). */
const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK']).stdout.toString().trim()) || 100;
const cpuMicros = (pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
};
const rssMib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;

/** Pins a server to the first CPU where there are two, so that the load generator has the other. */
const pinned = (command) =>
  cpus().length > 1 && existsSync('/usr/bin/taskset')
    ? ['taskset', ['-c', '0', ...command]]
    : [command[0], command.slice(1)];

async function startServer(script, argument) {
  const [file, args] = pinned([process.execPath, join(ROOT, 'bench', script), argument]);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await new Promise((resolve, reject) => {
    createInterface(child.stdout).once('line', (text) => resolve([text]));
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
  });
  return { child, ...JSON.parse(line) };
}

async function slice(server, message, expects) {
  const before = cpuMicros(server.child.pid);
  const played = await playLoad({
    address: { host: '127.0.0.1', port: server.port },
    mix: [{ message, expects }],
    durationMs: SLICE_MS,
  });
  return { ...played, cpu: (cpuMicros(server.child.pid) - before) / played.answered };
}

const round = (value, digits = 1) => Number(value.toFixed(digits));
const spread = (values) => ({
  median: round(median(values), 2),
  min: round(Math.min(...values), 2),
  max: round(Math.max(...values), 2),
});

function summary(name, slices, server) {
  const latency = Float64Array.from(slices.flatMap(({ latencyMicros }) => [...latencyMicros])).sort();
  return {
    name,
    cpuMicros: spread(slices.map(({ cpu }) => cpu)),
    checksPerSecond: round(median(slices.map(({ answered, seconds }) => answered / seconds)), 0),
    p50Micros: round(percentile(latency, 0.5), 0),
    p99Micros: round(percentile(latency, 0.99), 0),
    rssMib: round(rssMib(server.child.pid), 0),
    wrong: slices.reduce((sum, { wrong, lost }) => sum + wrong + lost, 0),
  };
}

/** Five rules for each route; in this process. */
async function measureManyRoutes(folder) {
  console.log('loading 10,000 routes, reloading 1,000 ...');
  const loads = await measureLoading(folder, { routes: 10_000, times: 3 });
  const { stalls, idle } = await measureReloadStall(folder, { routes: 1_000, times: 9 });
  console.log('own part with 10, 1,000 and 10,000 routes and many hosts, in alternating slices ...');
  const axis = await measureRoutesAxis(folder);
  return {
    routesAxis: axis.map(({ routes, hosts, micros, ratio, ratios }) => ({
      routes,
      hosts,
      cpuMicros: spread(micros),
      ratioToTen: { ...spread(ratios), median: round(ratio, 3) },
    })),
    loadSeconds: spread(loads.map(({ seconds }) => seconds)),
    loadCpuSeconds: spread(loads.map(({ cpuSeconds }) => cpuSeconds)),
    reloadStallMs: spread(stalls),
    idleStallMs: spread(idle),
  };
}

/** Prints for itself, and exits with 1 above the target. */
function expectSessionBytes() {
  const { status } = spawnSync(process.execPath, [join(ROOT, 'bench', 'redis-memory.mjs'), MEMORY_SESSIONS], {
    stdio: 'inherit',
  });
  expect('a session takes less than 1 KiB of Redis', status === 0);
}

/** In this process, and a Redis of its own. */
async function measureSessions(folder) {
  console.log(`own part with sessions in memory and in Redis, ${MANY_SESSIONS} at most, in alternating slices ...`);
  const { rows, misses } = await measureSessionsAxis(folder, { manySessions: MANY_SESSIONS });
  return {
    sessionsAxis: rows.map(({ micros, ratios, ...row }) => ({
      ...row,
      cpuMicros: spread(micros),
      ratio: { ...spread(ratios), median: round(median(ratios), 3) },
    })),
    sessionMisses: misses.map(({ name, micros, waitMs }) => ({
      name,
      cpuMicros: spread(micros),
      waitMs: spread(waitMs),
    })),
  };
}

const range = ({ median: middle, min, max }) => `${middle} [${min}..${max}]`;

function expectManyRoutes({ routesAxis, loadSeconds, loadCpuSeconds, reloadStallMs, idleStallMs }) {
  console.table(
    Object.fromEntries(
      routesAxis.map(({ routes, hosts, cpuMicros, ratioToTen }) => [
        `${routes} routes x 5 rules, ${hosts} hosts asked for`,
        { 'own part, CPU µs per Check': range(cpuMicros), 'ratio to 10 routes': range(ratioToTen) },
      ]),
    ),
  );
  // Another number of hosts is another number of cookies and assertions: told, and not part of what is promised of routes.
  for (const { routes, ratioToTen } of routesAxis.filter(({ hosts }) => hosts === routesAxis[0].hosts))
    expect(`${routes} routes cost what 10 do: ratio ${range(ratioToTen)}`, ratioToTen.median <= PROMISED.ratio);
  expect(
    `10,000 routes x 5 rules load in ${range(loadSeconds)} s (CPU ${range(loadCpuSeconds)} s), promised ${PROMISED.loadSeconds} s`,
    loadSeconds.median <= PROMISED.loadSeconds,
  );
  expect(
    `a reload of 1,000 routes keeps the event loop for ${range(reloadStallMs)} ms at most (without one: ${range(idleStallMs)} ms), promised ${PROMISED.stallMs} ms`,
    reloadStallMs.median <= PROMISED.stallMs,
  );
}

function expectSessions({ sessionsAxis, sessionMisses }) {
  console.table(
    Object.fromEntries(
      sessionsAxis.map(({ name, cpuMicros, ratio, beside }) => [
        `${name}, beside ${beside}`,
        { 'own part, CPU µs per Check': range(cpuMicros), ratio: range(ratio) },
      ]),
    ),
  );
  console.table(
    Object.fromEntries(
      sessionMisses.map(({ name, cpuMicros, waitMs }) => [
        `${name}, none at hand`,
        { 'own part, CPU µs per Check': range(cpuMicros), 'answered after, ms': range(waitMs) },
      ]),
    ),
  );
  for (const { name, beside, ratio, promised } of sessionsAxis.filter((row) => row.promised !== undefined))
    expect(`${name}: ${range(ratio)} of ${beside}, promised ${PROMISED[promised]}`, ratio.median <= PROMISED[promised]);
}

async function main() {
  if (spawnSync('npm', ['run', '-s', 'build'], { cwd: ROOT, stdio: 'inherit' }).status !== 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'doorward-bench-'));
  const servers = [];
  try {
    const { buildScene } = await import('./scene.mjs');
    console.log('own part, in this process ...');
    const own = await measureOwnPart(await buildScene(folder));
    const many = await measureManyRoutes(folder);
    const sessions = await measureSessions(folder);
    const doorward = await startServer('doorward-server.mjs', folder);
    servers.push(doorward);
    const bare = await startServer('bare-server.mjs', own.answer.toString('base64'));
    servers.push(bare);
    const request = Buffer.from(doorward.request, 'base64');
    // The signature, and so each byte of the assertion, differs; an allow of the same size does not come about otherwise.
    const allowed = (answer) =>
      Math.abs(answer.length - own.answer.length) <= 16 && answer[0] === own.answer[0] && answer[1] === 0;

    console.log(`through gRPC, ${PAIRS} pairs of slices of ${SLICE_MS} ms ...`);
    for (const server of servers) {
      await playLoad({
        address: { host: '127.0.0.1', port: server.port },
        mix: [{ message: request, expects: allowed }],
        durationMs: WARM_UP_MS,
      });
    }
    const slices = { doorward: [], bare: [] };
    for (let pair = 0; pair < PAIRS; pair += 1) {
      slices.bare.push(await slice(bare, request, allowed));
      slices.doorward.push(await slice(doorward, request, allowed));
    }
    const ratios = slices.doorward.map(({ cpu }, index) => cpu / slices.bare[index].cpu);
    const result = {
      date: new Date().toISOString(),
      node: process.version,
      cpu: cpus()[0]?.model,
      ownPartCpuMicros: {
        ...spread([own.cpuMicros.median]),
        min: round(own.cpuMicros.min, 2),
        max: round(own.cpuMicros.max, 2),
      },
      answerBytes: own.answer.length,
      rows: [summary('bare grpc-js, always allows', slices.bare, bare), summary('doorward', slices.doorward, doorward)],
      ratioToBare: spread(ratios),
      ...many,
      ...sessions,
    };
    mkdirSync(join(ROOT, 'bench', 'results'), { recursive: true });
    writeFileSync(RESULTS, `${JSON.stringify(result, undefined, 2)}\n`);
    print(result);
    expect(
      'every Check was answered as expected',
      result.rows.every(({ wrong }) => wrong === 0),
    );
    expectManyRoutes(many);
    expectSessions(sessions);
    expectSessionBytes();
    expect(
      'both servers answered',
      result.rows.every(({ checksPerSecond }) => checksPerSecond > 0),
    );
  } finally {
    for (const { child } of servers) child.kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(result) {
  console.log(`\n${result.date}, Node ${result.node}, ${result.cpu}`);
  const { median: own, min, max } = result.ownPartCpuMicros;
  console.log(
    `own part (decode to encode): ${own} CPU µs per Check [${min}..${max}], answer of ${result.answerBytes} bytes`,
  );
  console.table(
    Object.fromEntries(
      result.rows.map(({ name, cpuMicros: { median: cpu, min: low, max: high }, ...rest }) => [
        name,
        { 'CPU µs per Check': `${cpu} [${low}..${high}]`, ...rest },
      ]),
    ),
  );
  const { median: ratio, min: low, max: high } = result.ratioToBare;
  console.log(`ratio of doorward to bare, within a pair of slices: ${ratio} [${low}..${high}]\n`);
}

await main().catch((error) => {
  console.error(error);
  failed += 1;
});
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
