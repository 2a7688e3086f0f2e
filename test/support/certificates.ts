/** A certificate authority for one test file, made by the real openssl. */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

import { locate } from '../../tools/components.mjs';
import type { TemporaryFolder } from './temporary-folder.ts';

export type Certificate = {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
};

export type CertificateAuthority = Certificate & {
  /** A leaf for `names` (`DNS:...`, `IP:...`, `URI:...`), good for servers and clients. */
  issue(name: string, names: readonly string[]): Certificate;
};

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const VALID_DAYS = '2';

const openssl = (args: readonly string[]): void => {
  execFileSync(locate('openssl'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
};

const load = (certFile: string, keyFile: string): Certificate => ({
  certFile,
  keyFile,
  cert: readFileSync(certFile, 'utf8'),
  key: readFileSync(keyFile, 'utf8'),
});

export function createCertificateAuthority(folder: TemporaryFolder, name = 'ca'): CertificateAuthority {
  const caCert = folder.file(`${name}.crt`);
  const caKey = folder.file(`${name}.key`);
  const subject = `/O=Doorward tests/CN=${name}`;
  openssl(['req', '-x509', ...EC_KEY, '-keyout', caKey, '-out', caCert, '-subj', subject, '-days', VALID_DAYS]);
  return {
    ...load(caCert, caKey),
    issue: (leaf, names) => {
      const certFile = folder.file(`${leaf}.crt`);
      const keyFile = folder.file(`${leaf}.key`);
      const request = folder.file(`${leaf}.csr`);
      const extensions = folder.file(`${leaf}.ext`);
      writeFileSync(
        extensions,
        `subjectAltName=${names.join(',')}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n`,
      );
      openssl(['req', ...EC_KEY, '-keyout', keyFile, '-out', request, '-subj', `/O=Doorward tests/CN=${leaf}`]);
      const signed = ['x509', '-req', '-in', request, '-CA', caCert, '-CAkey', caKey, '-CAcreateserial'];
      openssl([...signed, '-out', certFile, '-days', VALID_DAYS, '-extfile', extensions]);
      return load(certFile, keyFile);
    },
  };
}
