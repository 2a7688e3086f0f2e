/** `doorward test`: judges the cases of policy test files, and says where a policy does not decide as they expect. */

import type { AccessCase } from '../core/cases/access-case.ts';
import type { Expectation, PolicyTest } from '../core/cases/policy-tests.ts';
import type { LocatedProblem } from '../core/problem.ts';
import type { JudgedCase } from '../judge-case.ts';
import { formatProblems } from './format-problems.ts';
import { judgedJson, painter, ruleLines, shown, type Paint } from './show-case.ts';

export type LoadedTests = {
  /** Errors of the test file and of its configuration, in order of position; with an error nothing is judged. */
  readonly problems: readonly LocatedProblem[];
  readonly cases: readonly (PolicyTest & { readonly line: number })[];
  judge(given: AccessCase): JudgedCase;
};

export type TestCommand = {
  /** The files of tests that are asked for, in order. Throws an Error with a sentence where there are none. */
  readonly files: () => Promise<readonly string[]>;
  readonly load: (file: string) => Promise<LoadedTests>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly output: 'text' | 'json';
  readonly color: boolean;
};

export type Difference = { readonly what: string; readonly expected: string; readonly actual: string };

type Judged = {
  readonly file: string;
  readonly test: PolicyTest & { readonly line: number };
  readonly judged: JudgedCase;
  readonly differences: readonly Difference[];
};

type TestedFile = {
  readonly file: string;
  readonly problems: readonly LocatedProblem[];
  readonly cases: readonly Judged[];
};

/** The exit code: 0 when every case is as expected, 1 when some are not, 2 when some could not be judged. */
export async function testCommand(command: TestCommand): Promise<0 | 1 | 2> {
  const { write, writeError, output, color } = command;
  const tested: TestedFile[] = [];
  try {
    for (const file of await command.files()) tested.push(testFile(file, await command.load(file)));
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown reason';
    if (output === 'json') write(`${JSON.stringify({ ok: false, error: message }, undefined, 2)}\n`);
    else writeError(`doorward test: ${message}\n`);
    return 2;
  }
  const cases = tested.flatMap((file) => file.cases);
  const failed = cases.filter(({ differences }) => differences.length > 0).length;
  const broken = tested.filter(({ problems }) => hasErrors(problems)).length;
  const counts = { files: tested.length, cases: cases.length, passed: cases.length - failed, failed, broken };
  if (output === 'json') write(`${JSON.stringify(jsonOf(tested, counts), undefined, 2)}\n`);
  else writeText(tested, counts, { write, color });
  return broken > 0 ? 2 : failed > 0 ? 1 : 0;
}

const hasErrors = (problems: readonly LocatedProblem[]): boolean =>
  problems.some(({ severity }) => severity === 'error');

function testFile(file: string, loaded: LoadedTests): TestedFile {
  const problems = loaded.problems.filter(({ severity }) => severity === 'error');
  if (problems.length > 0) return { file, problems, cases: [] };
  const cases = loaded.cases.map((test) => {
    const judged = loaded.judge(test.given);
    return { file, test, judged, differences: differencesOf(test.expect, judged) };
  });
  return { file, problems, cases };
}

/** In the order in which people look. Empty = as expected. */
export function differencesOf(expected: Expectation, judged: JudgedCase): readonly Difference[] {
  if (judged.lacksTime)
    return [{ what: 'time', expected: 'a `time` in `given`, since the policy looks at it', actual: 'none' }];
  const differences: Difference[] = [];
  const compare = (what: string, wanted: string | undefined, got: string | undefined): void => {
    if (wanted !== undefined && wanted !== got) differences.push({ what, expected: wanted, actual: got ?? 'none' });
  };
  compare('verdict', expected.verdict, judged.verdict);
  compare('route', expected.route, judged.route?.id);
  compare('rule', expected.rule, judged.rule);
  const missing = expected.reasons.filter((reason) => !judged.reasons.includes(reason));
  if (missing.length > 0)
    differences.push({
      what: 'reasons',
      expected: missing.join(', '),
      actual: judged.reasons.length === 0 ? 'none' : judged.reasons.join(', '),
    });
  const told = new Map(judged.upstream?.set ?? []);
  if (judged.upstream !== undefined)
    for (const [name, value] of expected.headers)
      compare(`header ${name}`, value ?? 'not told', told.get(name) ?? (value === null ? 'not told' : undefined));
  return differences;
}

type Counts = {
  readonly files: number;
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  /** Files that could not be judged. */
  readonly broken: number;
};

function writeText(
  tested: readonly TestedFile[],
  counts: Counts,
  { write, color }: { readonly write: (text: string) => void; readonly color: boolean },
): void {
  const paint = painter(color);
  for (const { file, problems, cases } of tested) {
    if (problems.length > 0) {
      write(`${formatProblems(problems, { color })}\n`);
      continue;
    }
    const failed = cases.filter(({ differences }) => differences.length > 0);
    const word = failed.length === 0 ? paint('green', 'ok  ') : paint('red', 'FAIL');
    write(
      `${word} ${file}: ${failed.length === 0 ? casesText(cases.length) : `${failed.length} of ${cases.length}`}\n`,
    );
    for (const each of failed) write(`${failureLines(each, paint).join('\n')}\n`);
  }
  const broken = counts.broken === 0 ? '' : `, ${counts.broken} of ${counts.files} files could not be judged`;
  write(`${counts.passed} passed, ${counts.failed} failed${broken}\n`);
}

const casesText = (count: number): string => `${count} case${count === 1 ? '' : 's'}`;

function failureLines({ file, test, judged, differences }: Judged, paint: Paint): readonly string[] {
  return [
    `  ${file}:${test.line}: ${paint('bold', shown(test.name))}`,
    ...differences.map(
      ({ what, expected, actual }) =>
        `    ${what}: expected ${paint('green', shown(expected))}, got ${paint('red', shown(actual))}`,
    ),
    ...(judged.detail === undefined ? [] : [`    ${shown(judged.detail)}`]),
    ...(judged.route === undefined ? [] : [`    route ${shown(judged.route.id)}`]),
    ...ruleLines(judged.rules, '    ', paint),
  ];
}

const jsonOf = (tested: readonly TestedFile[], counts: Counts): object => ({
  ok: counts.failed === 0 && counts.broken === 0,
  counts,
  problems: tested.flatMap(({ problems }) => problems),
  cases: tested.flatMap(({ cases }) =>
    cases.map(({ file, test, judged, differences }) => ({
      file,
      line: test.line,
      name: test.name,
      passed: differences.length === 0,
      differences,
      ...judgedJson(judged),
    })),
  ),
});
