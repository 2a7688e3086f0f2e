/** Runs every line of a vector file. Lines of another kind than policy vectors go to the runner of their room. */

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { runHeaderVector } from './headers-runner.ts';
import { runPplVector } from './ppl-runner.ts';
import type { Fixtures, PplVector, VectorLine, VectorOutcome } from './vector.ts';

export async function readVectorFile(file: string): Promise<string> {
  const bytes = await readFile(file);
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

async function readFixtures(file: string): Promise<Fixtures> {
  const folder = dirname(file);
  const text = await readVectorFile(join(folder, 'fixtures.json')).catch(() =>
    readVectorFile(join(folder, 'fixtures.json.gz')),
  );
  return JSON.parse(text) as Fixtures;
}

export async function runVectorFile(file: string): Promise<readonly VectorOutcome[]> {
  const [text, fixtures] = await Promise.all([readVectorFile(file), readFixtures(file)]);
  const outcomes: VectorOutcome[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const vector = parseLine(line);
    outcomes.push(
      vector === undefined
        ? { id: `line ${index + 1}`, differences: ['is not an object of JSON'] }
        : runLine(vector, fixtures),
    );
  }
  return outcomes;
}

function parseLine(line: string): VectorLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as VectorLine) : undefined;
  } catch {
    return undefined;
  }
}

type Runner = (vector: VectorLine, fixtures: Fixtures) => VectorOutcome;

/** By `kind` of a line; a line without one is a policy vector. */
const runners: { readonly [kind: string]: Runner } = {
  ppl: (vector, fixtures) => runPplVector(vector as PplVector, fixtures),
  headers: runHeaderVector,
  'flatten-claims': runHeaderVector,
};

function runLine(vector: VectorLine, fixtures: Fixtures): VectorOutcome {
  const kind = vector.kind ?? 'ppl';
  const run = Object.hasOwn(runners, kind) ? runners[kind] : undefined;
  if (run === undefined) return { id: vector.id, differences: [`no runner for lines of kind ${kind}`] };
  try {
    return run(vector, fixtures);
  } catch (error) {
    return { id: vector.id, differences: [`threw ${String(error)}`] };
  }
}
