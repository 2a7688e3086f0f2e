/** What `doorward replay` needs: a configuration compiled to what judges, and the lines of a file. Nothing is started. */

import { createReadStream } from 'node:fs';

import { whyUnreadable } from '../adapters/config/file-reader.ts';
import type { Judge } from '../cli/replay.ts';
import { buildGeneration } from '../core/build-generation.ts';
import type { LocatedProblem } from '../core/problem.ts';
import { err, ok, type Result } from '../core/result.ts';
import { judgeAgain } from '../judge-again.ts';
import { load, type ConfigSource } from './load.ts';

export async function replayJudge(source: ConfigSource): Promise<Result<Judge, readonly LocatedProblem[]>> {
  const loaded = await load(source);
  if (!loaded.ok) return err(loaded.error.problems);
  const { access, routePath, contentHash, locate } = loaded.value;
  const built = buildGeneration({ config: access, routePath, number: 1, contentHash, asShadow: true });
  if (!built.ok) return err(locate(built.error));
  const { generation } = built.value;
  return ok((record) => judgeAgain(record, generation));
}

/** Characters of a line; a record has a few thousand. What is longer is cut, and then is no record. */
const LINE_MAX = 1_048_576;

/** The lines of a file, `-` for standard input, read as they are asked for. @throws Error with a sentence where it cannot be read */
export async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* readLines(file);
  } catch (error) {
    throw new Error(`${file} ${whyUnreadable(error)}`, { cause: error });
  }
}

async function* readLines(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin.setEncoding('utf8') : createReadStream(file, 'utf8');
  let rest = '';
  for await (const chunk of input as AsyncIterable<string>) {
    const lines = chunk.split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) {
      yield rest + line;
      rest = '';
    }
    if (rest.length < LINE_MAX) rest += last;
  }
  if (rest !== '') yield rest;
}
