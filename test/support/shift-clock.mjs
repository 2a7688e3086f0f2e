/**
 * Preloaded into a process (`--import`): shifts its wall clock by the milliseconds in the file that SHIFTED_CLOCK_FILE names, as a step of the
 * machine's clock would. The monotonic clock, and so every timer, is left alone.
 */

import { readFileSync } from 'node:fs';

const RealDate = Date;
const LOOK_EACH_MS = 20;

let shiftMs = 0;
const look = () => {
  try {
    shiftMs = Number(readFileSync(process.env.SHIFTED_CLOCK_FILE, 'utf8')) || 0;
  } catch {
    shiftMs = 0;
  }
};
look();
setInterval(look, LOOK_EACH_MS).unref();

globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + shiftMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + shiftMs;
  }
};
