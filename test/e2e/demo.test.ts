/** The demo is what strangers run first: its tour ends well, and leaves nothing running. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { startProgram } from '../support/child-process.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { waitFor } from '../support/wait.ts';

const DEMO = join(PROJECT_ROOT, 'tools', 'demo', 'main.mjs');

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

const play = (args: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(process.execPath, [DEMO, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, stdout, stderr });
    });
  });

test('the tour sees in every step what is expected, and ends with 0', async () => {
  const { code, stdout, stderr } = await play(['--once']);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout).toContain('9 of 9 steps as expected');
  expect(stdout).not.toContain('NOT AS EXPECTED');
  expect(stdout.match(/^ +audit: /gm)?.length).toBeGreaterThanOrEqual(9);
});

test('the demo for people tells what to open, runs, and ends with all its parts at Ctrl-C', async () => {
  const demo = startProgram({ name: 'demo', command: process.execPath, args: [DEMO] });
  const origin = await waitFor(
    'the demo to be up',
    () => /(http:\/\/app\.localhost:\d+)\//.exec(demo.stdout())?.[1],
    30_000,
  );
  const { port } = new URL(origin);
  const answer = await fetch(`http://127.0.0.1:${port}/public/`, { headers: { accept: 'application/json' } });
  // Asked by another name than the route's: nobody's.
  expect(answer.status).toBe(404);
  demo.signal('SIGINT');
  expect(await demo.ended()).toBe(0);
  await expect(fetch(`http://127.0.0.1:${port}/public/`)).rejects.toThrow();
});

test('an argument that it does not know is told, and starts nothing', async () => {
  expect(await play(['--twice'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--once') });
});
