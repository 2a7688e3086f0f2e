/**
 * Doorward's own part with 10, 1,000 and 10,000 routes of five rules each, and with requests of many hosts, each with its own cookie and
 * assertion; in alternating slices of one process.
 */

import { join } from 'node:path';

import { decodeCheckRequest } from '../dist/adapters/envoy/decode-check-request.js';
import { encodeOutcome } from '../dist/adapters/envoy/encode-outcome.js';
import { manyRoutes, spreadTargets } from './many-routes.mjs';
import { buildScene } from './scene.mjs';
import { median } from './statistics.mjs';

/** The first is what the others are compared with. As many `targets` as it has routes, each on another host; and five times as many. */
const SCENES = [
  { routes: 10, targets: 10 },
  { routes: 1_000, targets: 10 },
  { routes: 10_000, targets: 10 },
  { routes: 50, targets: 50 },
  { routes: 10_000, targets: 50 },
];
const WARM_UP = 10_000;
const ROUNDS = 60;
const CHECKS_PER_SLICE = 1_000;

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function play({ handler, requests }, checks) {
  const before = process.cpuUsage();
  for (let index = 0; index < checks; index += 1) {
    const outcome = handler.answer(decodeCheckRequest(requests[index % requests.length]).value, 5_000);
    if (outcome instanceof Promise) throw new Error('the cached path made a promise');
    if (encodeOutcome(outcome)[1] !== 0) throw new Error('a Check was not allowed');
    if (index % 250 === 249) await turn();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / checks;
}

/** Returns one row for each scene: { routes, hosts, micros, ratio, ratios } with the ratios to the first, each within one round. */
export async function measureRoutesAxis(folder) {
  const scenes = [];
  for (const { routes, targets } of SCENES) {
    const options = { text: manyRoutes(routes), targets: spreadTargets(routes, targets) };
    scenes.push(await buildScene(join(folder, `routes-${routes}-${targets}`), options));
  }
  for (const scene of scenes) await play(scene, WARM_UP);
  const micros = SCENES.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    // Each time another one begins, so that none is always measured after the same one.
    for (let turned = 0; turned < scenes.length; turned += 1) {
      const index = (round + turned) % scenes.length;
      micros[index].push(await play(scenes[index], CHECKS_PER_SLICE));
    }
  }
  return SCENES.map(({ routes, targets }, index) => {
    const ratios = micros[index].map((value, round) => value / micros[0][round]);
    return { routes, hosts: targets, micros: micros[index], ratio: median(ratios), ratios };
  });
}
