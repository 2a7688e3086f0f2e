/**
 * Secrets: given as text or by file, one or several (the first makes, all open). Nothing that is read here appears in a message, nor do
 * the paths of the files, which may be secrets that were put under the wrong key.
 */

import type { TreePath } from '../../core/problem.ts';
import type { FileReader } from './file-reader.ts';
import type { ProblemList } from './problem-list.ts';

export type SecretContext = { readonly files: FileReader; readonly problems: ProblemList };

/** A secret and where it was given. */
export type Secret = { readonly value: string; readonly path: TreePath };

type Given = string | readonly string[] | undefined;

/**
 * The values of `key` and of the files of `key_file` (not both). A line break at the end of a file is not part of the secret. What is
 * wrong is told, and left out.
 */
export async function readSecrets(
  source: { readonly parent: TreePath; readonly key: string; readonly given: Given; readonly givenFiles: Given },
  context: SecretContext,
): Promise<readonly Secret[]> {
  const { parent, key, given, givenFiles } = source;
  const fileKey = `${key}_file`;
  if (given !== undefined && givenFiles !== undefined)
    context.problems.error([...parent, fileKey], `\`${key}\` and \`${fileKey}\` are both given: which one is meant?`);
  const secrets: Secret[] = itemsOf(given, [...parent, key]).map(({ text, path }) => ({ value: text, path }));
  for (const { text, path } of itemsOf(givenFiles, [...parent, fileKey])) {
    if (context.problems.isFaulty(path)) continue;
    const content = await context.files.text(text);
    const value = content.ok ? content.value.replace(/[\r\n]+$/, '') : '';
    if (!content.ok) context.problems.error(path, `\`${fileKey}\`: the file ${content.error}`);
    else if (value.trim() === '') context.problems.error(path, `\`${fileKey}\`: the file is empty`);
    else secrets.push({ value, path });
  }
  return secrets;
}

const itemsOf = (given: Given, path: TreePath): readonly { readonly text: string; readonly path: TreePath }[] => {
  if (given === undefined) return [];
  return typeof given === 'string'
    ? [{ text: given, path }]
    : given.map((text, index) => ({ text, path: [...path, index] }));
};

/** Characters of a secret that is text and not base64 of 32 bytes. */
const TEXT_CHARS_MIN = 32;
/** Different characters (or bytes) that anything random of that length has. */
const DISTINCT_MIN = 10;
/** Bytes of the keys that are derived from it. */
const KEY_BYTES = 32;

const HOW = 'make one with `openssl rand -base64 32`';

/** What is wrong with a secret that keys are derived from; follows its name. Undefined for a good one. */
export function weaknessOf(secret: string): string | undefined {
  const decoded = /^[A-Za-z0-9+/_-]{43}=?$/.test(secret) ? Buffer.from(secret, 'base64') : undefined;
  const isKey = decoded?.length === KEY_BYTES;
  if (!isKey && secret.length < TEXT_CHARS_MIN)
    return `must be 32 bytes in base64, or random text of at least ${TEXT_CHARS_MIN} characters: ${HOW}`;
  const distinct = new Set<string | number>(isKey ? decoded : secret).size;
  const isGuessable = distinct < DISTINCT_MIN || /change[-_ ]?me|password|replace[-_ ]?me/i.test(secret);
  return isGuessable ? `can be guessed: ${HOW}` : undefined;
}

/** The secrets from which keys are derived; at least one must be given. */
export async function readKeySecrets(
  source: { readonly key: string; readonly given: Given; readonly givenFiles: Given },
  context: SecretContext,
): Promise<readonly string[]> {
  const secrets = await readSecrets({ ...source, parent: [] }, context);
  for (const { value, path } of secrets) {
    const weakness = weaknessOf(value);
    if (weakness !== undefined) context.problems.error(path, `\`${source.key}\` ${weakness}`);
  }
  if (source.given === undefined && source.givenFiles === undefined) {
    // Where the other spelling is there and faulty, that is what was meant.
    const isFileFaulty = context.problems.isTouched([`${source.key}_file`]);
    if (!isFileFaulty) context.problems.missing([source.key], `\`${source.key}\` is missing: ${HOW}`);
  }
  return secrets.map(({ value }) => value);
}
