/** Doorward's own part of a Check in this process: bytes to bytes, the transport left out. */

import { decodeCheckRequest } from '../dist/adapters/envoy/decode-check-request.js';
import { encodeOutcome } from '../dist/adapters/envoy/encode-outcome.js';
import { median } from './statistics.mjs';

const WARM_UP = 20_000;
const ROUNDS = 9;
const CHECKS_PER_ROUND = 10_000;
/** Few enough for the buffer of the audit, which is written when the event loop has its turn. */
const CHECKS_PER_TURN = 250;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Returns { cpuMicros: { median, min, max }, answer } where `answer` are the bytes of the last CheckResponse. */
export async function measureOwnPart({ handler, request }) {
  let answer = Buffer.alloc(0);
  const checkOnce = () => {
    const decoded = decodeCheckRequest(request);
    const outcome = handler.answer(decoded.value, 5_000);
    if (outcome instanceof Promise) throw new Error('the cached path made a promise');
    answer = encodeOutcome(outcome);
    // A refusal costs something else than what is measured here.
    if (answer[1] !== 0) throw new Error('a Check was not allowed');
  };
  const play = async (checks) => {
    for (let index = 0; index < checks; index += 1) {
      checkOnce();
      if (index % CHECKS_PER_TURN === CHECKS_PER_TURN - 1) await turn();
    }
  };
  await play(WARM_UP);
  const micros = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // The batches of the audit are written between two rounds, and their CPU counts to the round that made them.
    const before = process.cpuUsage();
    await play(CHECKS_PER_ROUND);
    const { user, system } = process.cpuUsage(before);
    micros.push((user + system) / CHECKS_PER_ROUND);
  }
  return { cpuMicros: { median: median(micros), min: Math.min(...micros), max: Math.max(...micros) }, answer };
}
