/** A certificate authority for one test file, made by the real openssl. */

import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

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

export type RevocableAuthority = Certificate & {
  /** A leaf for clients with these `names` (`email:...`, `DNS:...`). */
  issue(name: string, names: readonly string[], options?: { readonly isExpired?: boolean }): Certificate;
  /** Replaces the list at `file` by one that names exactly these. */
  writeRevocationList(file: string, revoked: readonly Certificate[]): void;
};

/** An authority of clients that can revoke: `openssl ca` with its database. */
export function createRevocableAuthority(folder: TemporaryFolder, name: string): RevocableAuthority {
  const certificate = createCertificateAuthority(folder, name);
  const config = folder.file(`${name}.cnf`);
  const database = folder.file(`${name}.db`);
  writeFileSync(
    config,
    `[ca]\ndefault_ca = it\n[it]\ndatabase = ${database}\nserial = ${folder.file(`${name}.serial`)}\n` +
      `certificate = ${certificate.certFile}\nprivate_key = ${certificate.keyFile}\ndefault_md = sha256\n` +
      `default_crl_days = 1\npolicy = any\n[any]\ncommonName = supplied\n`,
  );
  writeFileSync(folder.file(`${name}.serial`), '1000\n');
  writeFileSync(database, '');
  const ca = ['ca', '-config', config, '-batch', '-notext'];
  return {
    ...load(certificate.certFile, certificate.keyFile),
    issue: (leaf, names, { isExpired = false } = {}) => {
      const file = (ending: string): string => folder.file(`${leaf}.${ending}`);
      writeFileSync(
        file('ext'),
        `subjectAltName=${names.join(',')}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n`,
      );
      openssl(['req', ...EC_KEY, '-keyout', file('key'), '-out', file('csr'), '-subj', `/CN=${leaf}`]);
      const dates = isExpired
        ? ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z']
        : ['-days', VALID_DAYS];
      openssl([
        ...ca,
        '-outdir',
        folder.path,
        ...dates,
        '-extfile',
        file('ext'),
        '-in',
        file('csr'),
        '-out',
        file('crt'),
      ]);
      return load(file('crt'), file('key'));
    },
    writeRevocationList: (file, revoked) => {
      writeFileSync(database, '');
      for (const { certFile } of revoked) openssl(['ca', '-config', config, '-revoke', certFile]);
      openssl(['ca', '-config', config, '-gencrl', '-out', `${file}.new`]);
      renameSync(`${file}.new`, file);
    },
  };
}
