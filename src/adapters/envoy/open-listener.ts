/** Opens the socket of the Check listener: TCP, or a unix socket that only its owner may use. What a killed process left is cleared away, with care. */

import { chmodSync, lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

import type { ListenAddress } from '../../core/listen-address.ts';

/** Envoy holds a handful of connections per worker thread. */
const CONNECTIONS_MAX = 4_096;
/** What every system takes (sun_path of unix(7) less its NUL; BSD's is the shorter). Of a longer path only the beginning would be bound. */
const PATH_BYTES_MAX = 103;
const OWNER_ONLY = 0o600;
const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Resolves with the bound port; undefined for a unix socket. @throws Error with a sentence when it cannot be bound. */
export async function openListener(server: Server, address: ListenAddress): Promise<number | undefined> {
  server.maxConnections = CONNECTIONS_MAX;
  if (address.kind === 'unix') {
    if (Buffer.byteLength(address.path) > PATH_BYTES_MAX)
      throw new Error(`the path of the Check socket is longer than ${PATH_BYTES_MAX} bytes: ${address.path}`);
    checkFolder(dirname(address.path));
    await removeStaleSocket(address.path);
  }
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error): void => {
      reject(new Error(`the Check listener cannot bind ${describe(address)}: ${error.message}`, { cause: error }));
    };
    server.once('error', onError);
    const onListening = (): void => {
      server.off('error', onError);
      resolve();
    };
    if (address.kind === 'tcp') server.listen(address.port, address.host, onListening);
    else listenOwnerOnly(server, address.path, onListening);
  });
  if (address.kind === 'unix') chmodSync(address.path, OWNER_ONLY);
  const bound = server.address();
  return typeof bound === 'object' ? bound?.port : undefined;
}

/** SECURITY: the socket is made with its final mode, and binding is synchronous, so there is no moment in which another user could connect. */
function listenOwnerOnly(server: Server, path: string, onListening: () => void): void {
  const mask = process.umask(0o777 & ~OWNER_ONLY);
  try {
    server.listen(path, onListening);
  } finally {
    process.umask(mask);
  }
}

/** A folder that is missing is made. SECURITY: whoever can write to it can put a socket of their own in the place of ours, and allow what they like. */
function checkFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode } = statSync(folder);
  if ((mode & GROUP_OR_OTHERS_WRITE) !== 0 && (mode & STICKY) === 0)
    throw new Error(
      `the folder ${folder} of the Check socket can be written to by others; make it private (chmod 700)`,
    );
}

const describe = (address: ListenAddress): string =>
  address.kind === 'unix' ? address.path : `${address.host} port ${address.port}`;

/** Only a socket that refuses connections is one that nobody listens on. @throws Error for anything else that is there. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there and is no socket`);
  const answer = await new Promise<string>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve('connected');
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? 'unknown error');
    });
  });
  if (answer === 'ECONNREFUSED') unlinkSync(path);
  else if (answer === 'connected') throw new Error(`another process listens on ${path}`);
  else if (answer !== 'ENOENT') throw new Error(`${path} is a socket of which nothing can be known (${answer})`);
}
