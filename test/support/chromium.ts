/** The real Chromium without a window. Every `*.doorward.test` name is on loopback. */

import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

import { locate } from '../../tools/components.mjs';

/** Without these, Chromium looks for hosts of its maker at each start. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const startChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: locate('chromium'),
    headless: true,
    // Chromium's own sandbox does not start as root; the pages it opens here are ours.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [...QUIET, '--host-resolver-rules=MAP *.doorward.test 127.0.0.1'],
  });
