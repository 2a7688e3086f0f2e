/** The unix socket of the admin listener: in a folder that others cannot write to, and open to its owner alone (0600). */

import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

/** What every system takes (sun_path of unix(7) has 108 bytes on Linux, 104 on BSD). Node cuts a longer path off without a word. */
const PATH_BYTES_MAX = 103;
const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Listens on `path`. A folder that is missing is made (0700); a socket that nobody listens on is what a killed process left, and is
 * replaced. @throws Error with a sentence when that cannot be done safely
 */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new Error(`the path of the admin socket is longer than ${PATH_BYTES_MAX} bytes: ${path}`);
  checkFolder(dirname(path));
  await removeStaleSocket(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new Error(`the admin listener cannot bind ${path} (${error.code ?? error.name})`));
    });
    // The socket is made within this call: there is no moment in which others could open it, nor does the mask meet other files.
    const mask = process.umask(0o177);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(mask);
    }
  });
  chmodSync(path, 0o600);
}

/** Whoever can write to the folder can put another socket in the place of ours. */
function checkFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = lstatSync(folder);
  const isOpen = (mode & GROUP_OR_OTHERS_WRITE) !== 0 && (mode & STICKY) === 0;
  if (isOpen)
    throw new Error(
      `the folder ${folder} of the admin socket can be written to by others; make it private (chmod 700)`,
    );
  if (uid !== 0 && uid !== process.getuid?.())
    throw new Error(`the folder ${folder} of the admin socket belongs to somebody else`);
}

/** @throws Error with a sentence when the path is taken by anything but a socket that nobody listens on. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there and is no socket`);
  const refusal = await whyNotConnected(path);
  if (refusal === undefined) throw new Error(`another process listens on ${path}`);
  if (refusal !== 'ECONNREFUSED')
    throw new Error(`it cannot be known whether another process listens on ${path} (${refusal})`);
  unlinkSync(path);
}

/** undefined = somebody took the connection. */
const whyNotConnected = (path: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', ({ code, name }: NodeJS.ErrnoException) => {
      resolve(code ?? name);
    });
  });
