import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readVectorFile } from './run-file.ts';
import { runHeaderVector } from './headers-runner.ts';
import type { Fixtures, VectorLine } from './vector.ts';

const here = join(process.cwd(), 'test', 'vectors');

test('`identity_semantics: pomerium` agrees with every vector of identity headers', async () => {
  const lines = (await readVectorFile(join(here, 'headers-vectors.jsonl.gz'))).split('\n').filter(Boolean);
  const fixtures = JSON.parse(await readVectorFile(join(here, 'fixtures.json.gz'))) as Fixtures;
  const outcomes = lines.map((line) => runHeaderVector(JSON.parse(line) as VectorLine, fixtures));
  const differing = outcomes.filter(({ differences }) => differences.length > 0);
  process.stdout.write(`header vectors: ${outcomes.length - differing.length} of ${outcomes.length} agree\n`);
  expect(differing.slice(0, 20)).toEqual([]);
  expect(outcomes).toHaveLength(880);
});
