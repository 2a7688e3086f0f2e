/** The PEM files of a listener: read, proved to fit together, and watched. A set that does not fit never replaces one that does. */

import { constants, createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

import type { Logger } from '../../core/ports.ts';

/** How soon a certificate that was replaced is in use. Three small files a second cost nothing, and polling sees every way to replace a file. */
const POLL_MS = 1_000;

/** `setting`: the key that names them, for messages. Without `client_ca_file` no client is asked for a certificate. */
export type TlsFiles = {
  readonly setting: 'grpc_tls' | 'admin_tls';
  readonly certificate_file: string;
  readonly key_file: string;
  readonly client_ca_file: string | undefined;
};

export type TlsMaterial = {
  /** For tls.createServer and setSecureContext. */
  readonly context: SecureContextOptions;
  /** Who is trusted changes exactly when this text does. */
  readonly clientCa: string | undefined;
  /** SHA-256 of the three files. */
  readonly digest: string;
};

type TlsTexts = { readonly certificate: string; readonly key: string; readonly clientCa: string | undefined };

/** @throws Error with a sentence (and no key material) when the files cannot be read or do not fit together. */
export async function loadTlsMaterial(files: TlsFiles): Promise<TlsMaterial> {
  return materialOf(await readTexts(files), files.setting);
}

/**
 * Calls `onChange` with each set of files that differs from the one in use and fits together; says once that one does not. Files are replaced
 * one after the other, so a fault counts only when the next look finds the same. Returns how to stop.
 */
export function watchTlsFiles(parts: {
  readonly files: TlsFiles;
  readonly inUse: TlsMaterial;
  readonly logger: Logger;
  readonly onChange: (material: TlsMaterial) => void;
  readonly pollMs?: number;
}): () => void {
  const { files, logger, onChange, pollMs = POLL_MS } = parts;
  let inUse = parts.inUse.digest;
  let fault: { readonly digest: string; readonly times: number } | undefined;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    let digest = 'unreadable';
    try {
      const texts = await readTexts(files);
      digest = digestOf(texts);
      if (digest !== inUse) {
        const material = materialOf(texts, files.setting);
        inUse = digest;
        if (!isStopped) onChange(material);
      }
      fault = undefined;
    } catch (error) {
      fault = { digest, times: fault?.digest === digest ? fault.times + 1 : 1 };
      if (fault.times === 2)
        logger.error({ error }, `the new files of ${files.setting} cannot be used; those before stay in use`);
    }
    lookAgain();
  };
  const lookAgain = (): void => {
    if (!isStopped) timer = setTimeout(() => void look(), pollMs).unref();
  };

  lookAgain();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

async function readTexts(files: TlsFiles): Promise<TlsTexts> {
  const [certificate, key, clientCa] = await Promise.all([
    readFile(files.certificate_file, 'utf8'),
    readFile(files.key_file, 'utf8'),
    files.client_ca_file === undefined ? undefined : readFile(files.client_ca_file, 'utf8'),
  ]);
  return { certificate, key, clientCa };
}

/** JSON keeps the borders between the three apart. */
const digestOf = (texts: TlsTexts): string => createHash('sha256').update(JSON.stringify(texts)).digest('hex');

function materialOf(texts: TlsTexts, setting: TlsFiles['setting']): TlsMaterial {
  const { certificate, key, clientCa } = texts;
  // An empty or broken file of authorities would otherwise mean "the authorities of the system", or nobody, without a word.
  if (clientCa !== undefined && !isCertificate(clientCa))
    throw new Error(`${setting}: the client CA file holds no certificate`);
  if (!isCertificate(certificate)) throw new Error(`${setting}: the certificate file holds no certificate`);
  const context: SecureContextOptions = {
    cert: certificate,
    key,
    ...(clientCa === undefined ? {} : { ca: clientCa }),
    minVersion: 'TLSv1.2',
    // A resumed session would carry a trust that was withdrawn since.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  try {
    createSecureContext(context);
  } catch (error) {
    // OpenSSL's codes (ERR_OSSL_X509_KEY_VALUES_MISMATCH) say what is wrong and nothing of the key.
    const code = (error as { code?: unknown }).code;
    throw new Error(`${setting}: certificate and key do not fit (${typeof code === 'string' ? code : 'unreadable'})`, {
      cause: error,
    });
  }
  return { context, clientCa, digest: digestOf(texts) };
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
