/** Certificates for tests, made by openssl. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'doorward-envoy-'));

export type Pem = { readonly certificate: Buffer; readonly key: Buffer };
export type Authority = Pem & { readonly issue: (subjectAltName: string) => Pem };

let made = 0;

const openssl = (...words: readonly string[]): void => {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
};
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certification authority whose leaves are good for a server and for a client. */
export function anAuthority(folder: string): Authority {
  const at = (suffix: string): string => join(folder, `${made++}${suffix}`);
  const [keyFile, certificateFile] = [at('.key'), at('.pem')];
  openssl('req', '-x509', ...newKey, '-keyout', keyFile, '-out', certificateFile, '-subj', '/CN=ca', '-days', '2');
  return {
    certificate: readFileSync(certificateFile),
    key: readFileSync(keyFile),
    issue: (subjectAltName) => {
      const [leafKey, request, leaf, extensions] = [at('.key'), at('.csr'), at('.pem'), at('.cnf')];
      writeFileSync(extensions, `subjectAltName=${subjectAltName}\nextendedKeyUsage=serverAuth,clientAuth\n`);
      openssl('req', '-new', ...newKey, '-keyout', leafKey, '-out', request, '-subj', '/CN=leaf');
      const from = ['-in', request, '-CA', certificateFile, '-CAkey', keyFile, '-CAcreateserial'];
      openssl('x509', '-req', ...from, '-out', leaf, '-days', '1', '-extfile', extensions);
      return { certificate: readFileSync(leaf), key: readFileSync(leafKey) };
    },
  };
}
