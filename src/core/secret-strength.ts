/** Whether a secret that somebody chose can be guessed. */

/** Characters of a secret that is text and not base64 of 32 bytes. */
const TEXT_CHARS_MIN = 32;
/** Different characters (or bytes) that anything random of that length has. */
const DISTINCT_MIN = 10;
/** Bytes of the keys that are derived from it. */
const KEY_BYTES = 32;

export const HOW_TO_MAKE_A_SECRET = 'make one with `openssl rand -base64 32`';

/** What is wrong with a secret that keys are derived from; follows its name. Undefined for a good one. */
export function weaknessOf(secret: string): string | undefined {
  const decoded = /^[A-Za-z0-9+/_-]{43}=?$/.test(secret) ? Buffer.from(secret, 'base64') : undefined;
  const isKey = decoded?.length === KEY_BYTES;
  if (!isKey && secret.length < TEXT_CHARS_MIN)
    return `must be 32 bytes in base64, or random text of at least ${TEXT_CHARS_MIN} characters: ${HOW_TO_MAKE_A_SECRET}`;
  const distinct = new Set<string | number>(isKey ? decoded : secret).size;
  const isGuessable = distinct < DISTINCT_MIN || /change[-_ ]?me|password|replace[-_ ]?me/i.test(secret);
  return isGuessable ? `can be guessed: ${HOW_TO_MAKE_A_SECRET}` : undefined;
}
