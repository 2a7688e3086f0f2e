/** A Redis of the bench's own, on a free port of loopback, without persistence; and many sessions put into it at once. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

import { indexKeysOf, sessionKey } from '../dist/adapters/redis/keys.js';
import { createRecordSealer } from '../dist/adapters/redis/record.js';
import { createRedisStores } from '../dist/adapters/redis/stores.js';
import { systemEntropy } from '../dist/adapters/system/entropy.js';
import { systemTimers } from '../dist/adapters/system/timers.js';
import { locate } from '../tools/components.mjs';
import { sessionOf } from './scene.mjs';

const SECRETS = ['a secret of the bench, for records alone'];
/** Each database is another store: nothing of one is seen in another. */
const DATABASES = 16;
/** Above what a million sessions take; Redis refuses what is beyond it. */
const BYTES_MAX = 2 * 1024 ** 3;
const SESSIONS_PER_WRITE = 500;
const UP_WITHIN_MS = 10_000;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Returns { port, pid, stop }. */
export async function startRedis(folder) {
  const port = await freePort();
  const settings = ['--save', '', '--maxmemory-policy', 'noeviction', '--maxmemory', String(BYTES_MAX)];
  const place = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--databases', String(DATABASES)];
  const child = spawn(locate('redis'), [...place, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
  const isUp = new Promise((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
  });
  await isUp;
  return {
    port,
    pid: child.pid,
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** The stores of one process on a database, as `doorward serve` opens them, once they answer. */
export async function openStores({ port }, database, clock) {
  const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error };
  const stores = createRedisStores({
    redis: {
      where: { kind: 'server', host: '127.0.0.1', port },
      database,
      username: undefined,
      password: undefined,
      tls: undefined,
      command_timeout_ms: 500,
      connect_timeout_ms: 2000,
      allow_eviction: false,
    },
    secrets: () => SECRETS,
    clock,
    timers: systemTimers,
    entropy: systemEntropy,
    logger: silent,
  });
  const until = performance.now() + UP_WITHIN_MS;
  for (;;) {
    try {
      await stores.sessions.ping();
      return stores;
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** As Redis reads it; text byte by byte (latin1), since one long text is made faster than many buffers. */
const command = (...parts) =>
  parts.reduce((text, part) => {
    const bytes = String(part);
    return `${text}$${bytes.length}\r\n${bytes}\r\n`;
  }, `*${parts.length}\r\n`);

/**
 * Puts as many sessions into a database, with everything that a login would leave there (sealed record, indexes), in one pipeline. `first`: the
 * number of the first user. Returns the seconds that it took.
 */
export async function preload({ port }, database, { sessions, first, mark }) {
  const startedAt = performance.now();
  const sealer = createRecordSealer(SECRETS, systemEntropy);
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  let replies = 0;
  let refusal;
  socket.on('data', (bytes) => {
    // Every reply here is one line of its own.
    if (bytes.includes('\r\n-')) refusal ??= bytes.toString('latin1').slice(0, 200);
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) replies += 1;
  });
  let sent = 1;
  socket.write(command('SELECT', database));
  for (let from = first; from < first + sessions; from += SESSIONS_PER_WRITE) {
    const batch = [];
    for (let number = from; number < Math.min(from + SESSIONS_PER_WRITE, first + sessions); number += 1) {
      const { session } = sessionOf(number, mark);
      const seconds = Math.ceil(session.expiresAt - session.createdAt) + 60;
      batch.push(command('SET', sessionKey(session.handle), sealer.seal(session).toString('latin1'), 'EX', seconds));
      for (const index of indexKeysOf(session)) {
        batch.push(command('ZADD', index, session.expiresAt, session.handle), command('EXPIRE', index, seconds));
      }
    }
    sent += batch.length;
    if (!socket.write(batch.join(''), 'latin1')) await once(socket, 'drain');
    if (refusal !== undefined) throw new Error(`Redis refused a session: ${refusal}`);
  }
  while (replies < sent && refusal === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  socket.destroy();
  if (refusal !== undefined) throw new Error(`Redis refused a session: ${refusal}`);
  return (performance.now() - startedAt) / 1000;
}
