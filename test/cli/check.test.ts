import { describe, expect, test } from '@jest/globals';
import { checkCommand } from '../../src/cli/check.ts';
import type { CheckedConfig } from '../../src/cli/check.ts';
import { countProblems, formatProblems } from '../../src/cli/format-problems.ts';
import type { LocatedProblem } from '../../src/core/problem.ts';

const problem = (severity: LocatedProblem['severity'], line: number): LocatedProblem => ({
  severity,
  file: 'doorward.yaml',
  line,
  column: 3,
  message: `the ${severity}`,
});

const notice = problem('notice', 1);
const warning = problem('warning', 2);
const error = problem('error', 4);

async function run(
  checked: CheckedConfig,
  options: { output?: 'text' | 'json'; color?: boolean } = {},
): Promise<{ code: number; text: string }> {
  let text = '';
  const code = await checkCommand({
    load: () => Promise.resolve(checked),
    write: (more) => (text += more),
    output: options.output ?? 'text',
    color: options.color ?? false,
  });
  return { code, text };
}

describe('doorward check', () => {
  test('says ok, with the number of routes', async () => {
    expect(await run({ problems: [], routes: 12 })).toEqual({ code: 0, text: 'ok: 12 routes\n' });
    expect(await run({ problems: [], routes: 1 })).toEqual({ code: 0, text: 'ok: 1 route\n' });
  });

  test('warnings and notices are told, and do not make a file unusable', async () => {
    expect(await run({ problems: [notice, warning], routes: 2 })).toEqual({
      code: 0,
      text: 'doorward.yaml:1:3: notice: the notice\ndoorward.yaml:2:3: warning: the warning\nok: 2 routes\n',
    });
  });

  test('errors do', async () => {
    expect(await run({ problems: [notice, error], routes: undefined })).toEqual({
      code: 1,
      text: 'doorward.yaml:1:3: notice: the notice\ndoorward.yaml:4:3: error: the error\nnot usable: 1 error, 1 notice\n',
    });
    expect((await run({ problems: [error], routes: 3 })).code).toBe(1);
    expect(await run({ problems: [], routes: undefined })).toEqual({ code: 1, text: 'not usable: no problems\n' });
  });

  test('as JSON for programs', async () => {
    const good = await run({ problems: [warning], routes: 2 }, { output: 'json' });
    expect(good.code).toBe(0);
    expect(JSON.parse(good.text)).toEqual({ ok: true, routes: 2, problems: [warning] });
    const bad = await run({ problems: [error], routes: undefined }, { output: 'json', color: true });
    expect(bad.code).toBe(1);
    expect(JSON.parse(bad.text)).toEqual({ ok: false, problems: [error] });
  });

  test('in colour where it is wanted', async () => {
    expect((await run({ problems: [error], routes: undefined }, { color: true })).text).toContain(
      'doorward.yaml:4:3: \x1b[31merror\x1b[0m: the error\n',
    );
  });
});

test('problems are one line each', () => {
  expect(formatProblems([])).toBe('');
  expect(formatProblems([error, warning])).toBe(
    'doorward.yaml:4:3: error: the error\ndoorward.yaml:2:3: warning: the warning',
  );
});

test('they are counted by their weight', () => {
  expect(countProblems([error, error, warning])).toBe('2 errors, 1 warning');
  expect(countProblems([notice, notice])).toBe('2 notices');
});
