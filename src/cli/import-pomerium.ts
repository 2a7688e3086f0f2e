/** `doorward import pomerium`: says of each key of a Pomerium configuration what becomes of it, and writes it as a doorward.yaml. */

import { importVerdicts, type ImportedKey } from '../core/imported-key.ts';
import type { LocatedProblem } from '../core/problem.ts';
import { formatProblems } from './format-problems.ts';

export type ImportedFile = {
  readonly keys: readonly ImportedKey[];
  /** Of a file that cannot be read at all. */
  readonly problems: readonly LocatedProblem[];
  /** How many routes it has; undefined when it cannot be used. */
  readonly routes: number | undefined;
  /** As a doorward.yaml to stand at `target`. */
  readonly text: (target: string) => string;
};

export type ImportCommand = {
  /** As it is named in what is told. */
  readonly file: string;
  readonly load: () => Promise<ImportedFile>;
  readonly write: (text: string) => void;
  readonly output: 'text' | 'json';
  readonly color: boolean;
  /** Where the doorward.yaml goes; undefined = nowhere. */
  readonly target: string | undefined;
  /** @throws Error with a sentence when it cannot be written */
  readonly save: (path: string, text: string) => Promise<void>;
};

/** The exit code: 0 when everything that restricts is applied, 1 when not, 2 when the file cannot be read or the new one not be saved. Only with 0 it is saved. */
export async function importPomeriumCommand(command: ImportCommand): Promise<0 | 1 | 2> {
  const { file, load, write, output, color, target, save } = command;
  const { keys, problems, routes, text } = await load();
  const counts = Object.fromEntries(
    importVerdicts.map((verdict) => [verdict, keys.filter((key) => key.verdict === verdict).length]),
  ) as { readonly [V in ImportedKey['verdict']]: number };
  const isUsable = routes !== undefined && counts.refused === 0;
  const saved = isUsable && target !== undefined ? await trySave(target, text(target), save) : undefined;
  const code = problems.length > 0 || saved?.error !== undefined ? 2 : isUsable ? 0 : 1;
  if (output === 'json') {
    const told = { ok: code === 0, ...(isUsable ? { routes } : {}), counts, ...saved, keys, problems };
    write(`${JSON.stringify(told, undefined, 2)}\n`);
    return code;
  }
  if (problems.length > 0) write(`${formatProblems(problems, { color })}\n`);
  for (const key of keys) write(linesOf(file, key, color));
  write(`${counts.applies} applied, ${counts.envoy} for Envoy, ${counts.ignored} ignored, ${counts.refused} refused\n`);
  if (isUsable) write(`ok: ${routes} route${routes === 1 ? '' : 's'}\n`);
  else write('not usable: what is refused would restrict access, or cannot be read; nothing was written\n');
  if (saved?.written !== undefined) write(`written: ${saved.written}\n`);
  if (saved?.error !== undefined) write(`not written: ${saved.error}\n`);
  return code;
}

type Saved = { readonly written?: string; readonly error?: string };

async function trySave(target: string, text: string, save: ImportCommand['save']): Promise<Saved> {
  try {
    await save(target, text);
    return { written: target };
  } catch (error) {
    return { error: error instanceof Error ? error.message : 'unknown reason' };
  }
}

/** ANSI SGR: green, blue, grey, red; yellow for notes. */
const COLOURS: { readonly [V in ImportedKey['verdict']]: string } = {
  applies: '\x1b[32m',
  envoy: '\x1b[34m',
  ignored: '\x1b[90m',
  refused: '\x1b[31m',
};
const NOTE = '\x1b[33m';
const RESET = '\x1b[0m';

const WORDS: { readonly [V in ImportedKey['verdict']]: string } = {
  applies: 'applies',
  envoy: 'belongs to Envoy',
  ignored: 'ignored',
  refused: 'refused',
};

function linesOf(file: string, { line, column, key, verdict, why, notes = [] }: ImportedKey, color: boolean): string {
  const at = `${file}:${line}:${column}: `;
  const painted = (word: string, colour: string): string => (color ? `${colour}${word}${RESET}` : word);
  const what = `${at}${key === '' ? '' : `${key}: `}`;
  const first = `${what}${painted(WORDS[verdict], COLOURS[verdict])}${why === undefined ? '' : `: ${why}`}\n`;
  return [first, ...notes.map((note) => `${what}${painted('note', NOTE)}: ${note}\n`)].join('');
}
