/** Reads the files that a configuration names, remembering each with the digest of what was read, for whoever watches them. */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { err, ok } from '../../core/result.ts';
import type { Result } from '../../core/result.ts';

/** The bytes of a file; rejects with an error that has a `code` as Node's have. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

export type ReadFileRecord = {
  readonly path: string;
  /** Hex SHA-256 of the content; undefined when the file could not be read. */
  readonly digest: string | undefined;
};

/** Bytes of a configuration, which a program may have written. Devices and logs are not what was meant. */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes of a file that a configuration names: certificates and keys are small. */
const NAMED_FILE_BYTES_MAX = 1024 * 1024;

/** A regular file (or a link to one) of at most FILE_BYTES_MAX bytes. Never waits at a pipe, never reads a device. */
export const readRegularFile: ReadFile = async (path) => {
  // Without O_NONBLOCK, opening a pipe waits for its writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = await handle.stat();
    if (status.isDirectory()) throw withCode('EISDIR');
    if (!status.isFile()) throw withCode('ENOTREG');
    if (status.size > FILE_BYTES_MAX) throw withCode('EFBIG');
    return await handle.readFile();
  } finally {
    await handle.close();
  }
};

const withCode = (code: string): Error => Object.assign(new Error(code), { code });

const reasons: { readonly [code: string]: string } = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  EISDIR: 'is a directory',
  ENOTREG: 'is not a regular file',
  EFBIG: `is larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB`,
  ELOOP: 'is a link that leads to itself',
  ENAMETOOLONG: 'has a name that is too long',
  ERR_INVALID_ARG_VALUE: 'has a name that is not possible',
};

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What follows "the file" in a sentence. */
export function whyUnreadable(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? (error as { readonly code?: unknown }).code : undefined;
  return (typeof code === 'string' ? reasons[code] : undefined) ?? 'cannot be read';
}

export class FileReader {
  readonly #read: ReadFile;
  readonly #folder: string;
  readonly #digests = new Map<string, string | undefined>();

  /** Relative paths are meant from the folder of `configPath`. */
  constructor(configPath: string, read: ReadFile) {
    this.#read = read;
    this.#folder = dirname(resolve(configPath));
  }

  /** Everything that was asked for, whether it could be read or not. */
  get files(): readonly ReadFileRecord[] {
    return [...this.#digests].map(([path, digest]) => ({ path, digest }));
  }

  resolve(path: string): string {
    return isAbsolute(path) ? path : join(this.#folder, path);
  }

  /** UTF-8 text without a byte order mark. The error follows "the file" and names neither its path nor its content. */
  async text(path: string, bytesMax: number = NAMED_FILE_BYTES_MAX): Promise<Result<string, string>> {
    const absolute = this.resolve(path);
    let bytes: Uint8Array;
    try {
      bytes = await this.#read(absolute);
    } catch (error) {
      this.#digests.set(absolute, undefined);
      return err(whyUnreadable(error));
    }
    this.#digests.set(absolute, digestOf(bytes));
    if (bytes.length > bytesMax) return err(`is larger than ${bytesMax / 1024 / 1024} MiB`);
    try {
      return ok(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      return err('is not UTF-8 text');
    }
  }
}
