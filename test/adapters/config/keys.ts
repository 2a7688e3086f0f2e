/** Keys and certificates made for one run. */

import { generateKeyPairSync } from 'node:crypto';

const pem = { type: 'pkcs8', format: 'pem' } as const;

export const ec = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export(pem).toString();

export const EC_KEY = ec();
export const EC_KEY_2 = ec();
export const ED_KEY = generateKeyPairSync('ed25519').privateKey.export(pem).toString();
export const RSA_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem).toString();
export const SMALL_RSA_KEY = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pem).toString();
export const P384_KEY = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey.export(pem).toString();
export const X25519_KEY = generateKeyPairSync('x25519').privateKey.export(pem).toString();
export const PUBLIC_KEY = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
export const ENCRYPTED_KEY = generateKeyPairSync('ed25519')
  .privateKey.export({ ...pem, cipher: 'aes-256-cbc', passphrase: 'x' })
  .toString();
export const SEC1_KEY = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  .privateKey.export({ type: 'sec1', format: 'pem' })
  .toString();
export const LEGACY_ENCRYPTED_KEY = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  .privateKey.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
  .toString();
