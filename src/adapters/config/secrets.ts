/**
 * Secrets: given as text or by file, one or several (the first makes, all open). Nothing that is read here appears in a message, nor do
 * the paths of the files, which may be secrets that were put under the wrong key.
 */

import type { TreePath } from '../../core/problem.ts';
import { HOW_TO_MAKE_A_SECRET, weaknessOf } from '../../core/secret-strength.ts';
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
    if (!isFileFaulty) context.problems.missing([source.key], `\`${source.key}\` is missing: ${HOW_TO_MAKE_A_SECRET}`);
  }
  return secrets.map(({ value }) => value);
}
