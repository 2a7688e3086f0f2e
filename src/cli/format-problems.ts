/** Problems as lines for people: `file:line:column: error: message`, which editors and terminals make clickable. */

import type { LocatedProblem } from '../core/problem.ts';

/** ANSI SGR: red, yellow, blue. */
const COLOURS: { readonly [Severity in LocatedProblem['severity']]: string } = {
  error: '\x1b[31m',
  warning: '\x1b[33m',
  notice: '\x1b[34m',
};
const RESET = '\x1b[0m';

/** One line for each, in the given order; no line break at the end. */
export const formatProblems = (
  problems: readonly LocatedProblem[],
  options: { readonly color: boolean } = { color: false },
): string =>
  problems
    .map(({ file, line, column, severity, message }) => {
      const word = options.color ? `${COLOURS[severity]}${severity}${RESET}` : severity;
      return `${file}:${line}:${column}: ${word}: ${message}`;
    })
    .join('\n');

/** `2 errors, 1 notice`; `no problems`. */
export function countProblems(problems: readonly LocatedProblem[]): string {
  const counts = (['error', 'warning', 'notice'] as const).flatMap((severity) => {
    const count = problems.filter((problem) => problem.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`];
  });
  return counts.length === 0 ? 'no problems' : counts.join(', ');
}
