/**
 * Doorward's own part of a Check with its session in memory, and with it in Redis and at hand: with 1 live session, with as many as the working
 * set, and with many more; in alternating slices of one process. What a session that is not at hand costs is a row of its own.
 */

import { join } from 'node:path';

import { decodeCheckRequest } from '../dist/adapters/envoy/decode-check-request.js';
import { encodeOutcome } from '../dist/adapters/envoy/encode-outcome.js';
import { systemClock } from '../dist/adapters/system/clock.js';
import { openStores, preload, startRedis } from './redis.mjs';
import { buildScene, memoryStores } from './scene.mjs';

const WORKING_SET = 10_000;
const ROUNDS = 60;
const ROUNDS_MIN = 9;
const CHECKS_PER_SLICE = 2_000;
/** Few enough for leases to be renewed in time on a machine that has much else to do. */
const CHECKS_PER_TURN = 25;
const WARM_UP = 20_000;
const MISSES_PER_ROUND = 500;
const MISS_ROUNDS = 9;
const MEASURED_WITHIN_MS = 40_000;
/**
 * The wall clock stands still: that an assertion is signed anew twice a minute, and a last use written back once, falls into some slices and not into
 * others, and is not what is compared. Leases are of real time.
 */
const STARTED_AT = systemClock.now();
const clock = { now: () => STARTED_AT, monotonicMs: () => systemClock.monotonicMs() };
const CHECK_MS = 5_000;
const READS_AT_ONCE = 100;
const TRIES_MAX = 20;
const RETRY_MS = 200;

const turn = () => new Promise((resolve) => setImmediate(resolve));

const cpuMicros = (before) => {
  const { user, system } = process.cpuUsage(before);
  return user + system;
};

const answerOf = (scene, index) =>
  scene.handler.answer(decodeCheckRequest(scene.requests[index % scene.requests.length]).value, CHECK_MS);

function expectAllowed(outcome) {
  if (encodeOutcome(outcome)[1] !== 0) throw new Error('a Check was not allowed');
}

/**
 * CPU µs per Check; undefined where a session was not at hand after all, as when this process did not run for so long that its lease ended. Goes
 * on where the last slice of this scene ended, so that all of the working set has its turn.
 */
async function play(scene, checks) {
  const before = process.cpuUsage();
  for (let count = 0; count < checks; count += 1) {
    const outcome = answerOf(scene, scene.place);
    scene.place += 1;
    if (outcome instanceof Promise) {
      await outcome;
      return undefined;
    }
    expectAllowed(outcome);
    if (count % CHECKS_PER_TURN === CHECKS_PER_TURN - 1) await turn();
  }
  return cpuMicros(before) / checks;
}

/** A slice that counts. */
async function playAtHand(scene, checks) {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const micros = await play(scene, checks);
    if (micros !== undefined) return micros;
    await bringToHand(scene);
  }
  throw new Error(`${scene.name}: the sessions do not stay at hand`);
}

/** Again where Redis does not answer in time: on a machine that has much else to do, a lease may end and come back. */
async function bringToHand({ name, stores, handles }) {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    try {
      for (let place = 0; place < handles.length; place += READS_AT_ONCE) {
        const some = handles.slice(place, place + READS_AT_ONCE);
        await Promise.all(some.map((handle) => stores.sessions.get(handle)));
      }
      return;
    } catch (error) {
      if (error.code !== 'store-unavailable') throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  throw new Error(`${name}: Redis does not answer in time`);
}

/** One after the other, each read from Redis. */
async function missing(scene) {
  const { handles, stores } = scene;
  const before = process.cpuUsage();
  const startedAt = performance.now();
  for (let count = 0; count < MISSES_PER_ROUND; count += 1) {
    const place = scene.place % handles.length;
    scene.place += 1;
    stores.sessions.forget(handles[place]);
    const outcome = answerOf(scene, place);
    if (!(outcome instanceof Promise)) throw new Error('a session that was not at hand was decided by at once');
    expectAllowed(await outcome);
  }
  return {
    micros: cpuMicros(before) / MISSES_PER_ROUND,
    waitMs: (performance.now() - startedAt) / MISSES_PER_ROUND,
  };
}

/** As many bytes of requests as in the others, so that what is read is as far away. */
const asMany = (scene) => ({
  ...scene,
  requests: Array.from({ length: WORKING_SET }, () => Buffer.from(scene.request)),
});

async function openScenes(folder, redis, manySessions) {
  const open = async (name, { users, stores, isInRedis }) => {
    const scene = await buildScene(join(folder, name.replaceAll(/\W+/g, '-')), { clock, stores, users });
    return { name, stores, isInRedis, place: 0, micros: [], ...(users === 1 ? asMany(scene) : scene) };
  };
  const inMemory = (users) => open(`memory, ${users} live`, { users, stores: memoryStores(clock), isInRedis: false });
  const inRedis = async (database, live) => {
    const stores = await openStores(redis, database, clock);
    const users = Math.min(live, WORKING_SET);
    if (live > users) {
      const others = { sessions: live - users, first: users, mark: await stores.sessions.loginMark() };
      const seconds = await preload(redis, database, others);
      console.log(`  ${others.sessions} sessions put into Redis in ${seconds.toFixed(1)} s`);
    }
    return open(`Redis, ${live} live`, { users, stores, isInRedis: true });
  };
  const many = await inRedis(2, manySessions);
  return [await inMemory(1), await inMemory(WORKING_SET), await inRedis(0, 1), await inRedis(1, WORKING_SET), many];
}

/**
 * What each is compared with, within one round, and which promise is about that. Ten thousand sessions that are all at work are further away from
 * the processor than one, in memory as in Redis: that is told, and is no matter of how many there are beside them.
 */
const comparisonsOf = ([memoryOne, memoryMany, redisOne, redisSome, redisMany]) => [
  { of: memoryOne, beside: memoryOne, promised: undefined },
  { of: memoryMany, beside: memoryOne, promised: undefined },
  { of: redisOne, beside: memoryOne, promised: 'redisRatio' },
  { of: redisSome, beside: memoryMany, promised: 'redisRatio' },
  { of: redisMany, beside: memoryMany, promised: 'redisRatio' },
  { of: redisMany, beside: redisSome, promised: 'sessionsRatio' },
  { of: redisMany, beside: redisOne, promised: undefined },
];

/**
 * Returns { rows: [{ name, beside, promised, micros, ratios }], misses: [{ name, micros, waitMs }] }, each with the values of all rounds; `ratios` are
 * to `beside`.
 */
export async function measureSessionsAxis(folder, { manySessions }) {
  const redis = await startRedis(folder);
  let scenes = [];
  try {
    scenes = await openScenes(folder, redis, manySessions);
    await playRounds(scenes);
    const misses = [];
    for (const scene of scenes.filter(({ isInRedis }) => isInRedis)) {
      const found = [];
      for (let round = 0; round < MISS_ROUNDS; round += 1) found.push(await missing(scene));
      misses.push({
        name: scene.name,
        micros: found.map(({ micros }) => micros),
        waitMs: found.map(({ waitMs }) => waitMs),
      });
    }
    const rows = comparisonsOf(scenes).map(({ of, beside, promised }) => ({
      name: of.name,
      beside: beside.name,
      promised,
      micros: of.micros,
      ratios: of.micros.map((micros, round) => micros / beside.micros[round]),
    }));
    return { rows, misses };
  } finally {
    for (const { stores, isInRedis } of scenes) if (isInRedis) await stores.sessions.close();
    await redis.stop();
  }
}

/** Each scene gets its `micros`, one of each round. */
async function playRounds(scenes) {
  for (const scene of scenes) await bringToHand(scene);
  for (const scene of scenes) await playAtHand(scene, WARM_UP);
  const startedAt = performance.now();
  for (
    let round = 0;
    round < ROUNDS_MIN || (round < ROUNDS && performance.now() - startedAt < MEASURED_WITHIN_MS);
    round += 1
  ) {
    // Each time another one begins, so that none is always measured after the same one.
    for (let turned = 0; turned < scenes.length; turned += 1) {
      const scene = scenes[(round + turned) % scenes.length];
      scene.micros.push(await playAtHand(scene, CHECKS_PER_SLICE));
    }
  }
}
