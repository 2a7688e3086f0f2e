/** Private keys of the assertion: PEM, several in one text, or base64 of that. Checked here, so that a bad one never gets to a request. */

import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { pemTextOf } from './pem-files.ts';
import { readSecrets } from './secrets.ts';
import type { SecretContext } from './secrets.ts';

/** RFC 7518 §3.3. */
const RSA_BITS_MIN = 2048;

/** Single PEM blocks, in the order in which they were given: the first signs. */
export async function readSigningKeys(
  source: {
    readonly given: string | readonly string[] | undefined;
    readonly givenFiles: string | readonly string[] | undefined;
  },
  context: SecretContext,
): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const { value, path } of await readSecrets({ ...source, parent: [], key: 'signing_key' }, context)) {
    const blocks = pemBlocksOf(value);
    if (blocks.length === 0) context.problems.error(path, '`signing_key` must be a private key in PEM');
    for (const block of blocks) {
      const fault = faultOf(block);
      if (fault === undefined) keys.push(block);
      else context.problems.error(path, `\`signing_key\` ${fault}`);
    }
  }
  return keys;
}

/** `openssl ecparam -genkey` puts the name of the curve before the key; that is no key. */
function pemBlocksOf(value: string): readonly string[] {
  return [...pemTextOf(value).matchAll(/-----BEGIN ([A-Z0-9 ]+)-----(?:[^-]|-(?!----))*-----END \1-----/g)]
    .filter(([, label]) => label !== 'EC PARAMETERS')
    .map(([block]) => `${block}\n`);
}

function faultOf(pem: string): string | undefined {
  if (!pem.includes('PRIVATE KEY-----')) return 'must be a private key: this PEM is something else';
  if (pem.includes('ENCRYPTED')) return 'is encrypted: Doorward has no way to ask for its passphrase';
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    return 'is not a private key that can be read: the PEM is damaged';
  }
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ed25519') return undefined;
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return undefined;
  if (key.asymmetricKeyType === 'rsa')
    return (modulusLength ?? 0) >= RSA_BITS_MIN ? undefined : `is an RSA key of less than ${RSA_BITS_MIN} bits`;
  return 'must be an EC P-256, Ed25519 or RSA key';
}
