import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { runVectorFile } from './run-file.ts';
import { judgeCase } from './strict-runner.ts';
import type { ExpectedVerdict, Judged, StrictCase } from './strict-runner.ts';

const here = join(process.cwd(), 'test', 'vectors');

describe('vectors of the policy language', () => {
  test('`policy_semantics: pomerium` agrees with every line', async () => {
    const outcomes = await runVectorFile(join(here, 'ppl-vectors.jsonl.gz'));
    const differing = outcomes.filter(({ differences }) => differences.length > 0);
    process.stdout.write(`policy vectors: ${outcomes.length - differing.length} of ${outcomes.length} agree\n`);
    expect(differing).toEqual([]);
    expect(outcomes).toHaveLength(9142);
  }, 60_000);
});

const cases = parse(readFileSync(join(here, 'strict.yaml'), 'utf8')) as readonly StrictCase[];

describe('vectors of both semantics', () => {
  const check = ({ verdict }: Judged, expected: ExpectedVerdict): void => {
    if (typeof expected === 'string') expect(verdict).toBe(expected);
    else expect(verdict).toContain(expected.load);
  };

  test.each(cases.map((given) => [given.id, given] as const))('%s', (_id, given) => {
    const strict = judgeCase(given, 'strict');
    const pomerium = judgeCase(given, 'pomerium');
    check(strict, given.strict);
    check(pomerium, given.pomerium);
    if (JSON.stringify(given.strict) === JSON.stringify(given.pomerium)) return;
    // Whoever loads such a policy is told, in either semantics.
    expect(strict.problems).not.toEqual([]);
    expect(pomerium.problems).not.toEqual([]);
  });

  test('every id is there once', () => {
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  });
});
