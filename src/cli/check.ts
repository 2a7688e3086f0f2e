/** `doorward check`: reads a configuration as `serve` would, without starting anything, and says what is wrong with it. */

import type { LocatedProblem } from '../core/problem.ts';
import { countProblems, formatProblems } from './format-problems.ts';

export type CheckedConfig = {
  /** Errors, warnings and notices, in order of position. */
  readonly problems: readonly LocatedProblem[];
  /** How many routes it has; undefined when it cannot be used. */
  readonly routes: number | undefined;
};

export type CheckCommand = {
  /** Reads and compiles the file; what is wrong with it is in the value. */
  readonly load: () => Promise<CheckedConfig>;
  readonly write: (text: string) => void;
  readonly output: 'text' | 'json';
  readonly color: boolean;
};

/** The exit code: 0 when the configuration can be used, 1 when not. */
export async function checkCommand({ load, write, output, color }: CheckCommand): Promise<0 | 1> {
  const { problems, routes } = await load();
  const isUsable = routes !== undefined && !problems.some(({ severity }) => severity === 'error');
  if (output === 'json') {
    write(`${JSON.stringify({ ok: isUsable, ...(isUsable ? { routes } : {}), problems }, undefined, 2)}\n`);
    return isUsable ? 0 : 1;
  }
  if (problems.length > 0) write(`${formatProblems(problems, { color })}\n`);
  if (isUsable) write(`ok: ${routes} route${routes === 1 ? '' : 's'}\n`);
  else write(`not usable: ${countProblems(problems)}\n`);
  return isUsable ? 0 : 1;
}
