/** Doorward's own part of a Check in this process: bytes to bytes, the transport left out. */

import { decodeCheckRequest } from '../dist/adapters/envoy/decode-check-request.js';
import { encodeOutcome } from '../dist/adapters/envoy/encode-outcome.js';
import { median } from './statistics.mjs';

const WARM_UP = 20_000;
const ROUNDS = 9;
const CHECKS_PER_ROUND = 10_000;

/** Returns { cpuMicros: { median, min, max }, answer } where `answer` are the bytes of the last CheckResponse. */
export async function measureOwnPart({ handler, request }) {
  let answer = Buffer.alloc(0);
  const checkOnce = () => {
    const decoded = decodeCheckRequest(request);
    const outcome = handler.answer(decoded.value, 5_000);
    if (outcome instanceof Promise) throw new Error('the cached path made a promise');
    answer = encodeOutcome(outcome);
  };
  for (let index = 0; index < WARM_UP; index += 1) checkOnce();
  const micros = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // The batches of the audit are written between two rounds, and their CPU counts to the round that made them.
    const before = process.cpuUsage();
    for (let index = 0; index < CHECKS_PER_ROUND; index += 1) {
      checkOnce();
      if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const { user, system } = process.cpuUsage(before);
    micros.push((user + system) / CHECKS_PER_ROUND);
  }
  return { cpuMicros: { median: median(micros), min: Math.min(...micros), max: Math.max(...micros) }, answer };
}
