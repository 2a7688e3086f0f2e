/** Folders of one test file. Paths are short, because a unix socket's path may have about 100 bytes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type TemporaryFolder = {
  readonly path: string;
  /** A path inside. */
  file(name: string): string;
  remove(): void;
};

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync('/tmp/dw-');
  return {
    path,
    file: (name) => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
