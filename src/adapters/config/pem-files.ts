/** Certificates and keys that are named by file: readable, sound, and belonging together. Messages name keys, never paths or content. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { TreePath } from '../../core/problem.ts';
import type { SecretContext } from './secrets.ts';

/** A file, and where in the configuration it was named. */
export type NamedFile = { readonly path: TreePath; readonly file: string };

/** PEM as it is, or out of base64. */
export const pemTextOf = (value: string): string =>
  value.includes('-----BEGIN') ? value : Buffer.from(value, 'base64').toString('latin1');

/** Undefined (and a problem) when one is damaged; empty (and a problem) when there is none. */
export async function checkCertificates(
  named: NamedFile,
  context: SecretContext,
): Promise<readonly X509Certificate[] | undefined> {
  const text = await readNamed(named, context);
  if (text === undefined) return undefined;
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) tell(named, context, 'has no certificate in PEM');
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    tell(named, context, 'has a damaged certificate');
    return undefined;
  }
}

export async function checkKeyPair(
  pair: { readonly certificate: NamedFile; readonly key: NamedFile },
  context: SecretContext,
): Promise<void> {
  const certificates = await checkCertificates(pair.certificate, context);
  const key = await checkPrivateKey(pair.key, context);
  const leaf = certificates?.[0];
  if (leaf !== undefined && key !== undefined && !leaf.checkPrivateKey(key))
    tell(pair.key, context, 'has a key that does not belong to the certificate');
}

async function checkPrivateKey(named: NamedFile, context: SecretContext): Promise<KeyObject | undefined> {
  const text = await readNamed(named, context);
  if (text === undefined) return undefined;
  const isEncrypted = text.includes('ENCRYPTED');
  try {
    return createPrivateKey(text);
  } catch {
    tell(
      named,
      context,
      isEncrypted
        ? 'has an encrypted key, whose passphrase nobody can give'
        : 'has no private key in PEM that can be read',
    );
    return undefined;
  }
}

async function readNamed(named: NamedFile, context: SecretContext): Promise<string | undefined> {
  if (context.problems.isFaulty(named.path)) return undefined;
  const content = await context.files.text(named.file);
  if (content.ok) return content.value;
  tell(named, context, content.error);
  return undefined;
}

function tell(named: NamedFile, context: SecretContext, what: string): void {
  context.problems.error(named.path, `\`${named.path.join('.')}\`: the file ${what}`);
}
