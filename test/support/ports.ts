/** Free ports on loopback. They lie below the range from which the system takes ports for connections, and each jest worker has its own. */

import { createServer } from 'node:net';

const FIRST_PORT = 21_000;
const PORTS_PER_WORKER = 1000;
const WORKERS_MAX = 9;

const worker = Number(process.env['JEST_WORKER_ID'] ?? '0') % WORKERS_MAX;
let offset = process.pid % PORTS_PER_WORKER;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** A port that nobody listens on, and that was not handed out before by this process. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_PER_WORKER; tries++) {
    offset = (offset + 1) % PORTS_PER_WORKER;
    const port = FIRST_PORT + worker * PORTS_PER_WORKER + offset;
    if (await isFree(port)) return port;
  }
  throw new Error('no free port on loopback');
}
