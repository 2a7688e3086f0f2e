/** Collects problems. What follows from a fault that was told already (a value that was taken away is "missing") is not told again. */

import type { Problem, TreePath } from '../../core/problem.ts';

export class ProblemList {
  readonly #problems: Problem[];
  /** Places of errors that were told already. */
  readonly #faulty = new Set<string>();
  /** And everything that they are in. */
  readonly #around = new Set<string>();

  /** `told`: errors of the form; nothing more is said about their places, nor about what is in them. */
  constructor(told: readonly Problem[]) {
    this.#problems = [...told];
    for (const { path } of told) {
      this.#faulty.add(JSON.stringify(path));
      for (let length = 1; length < path.length; length += 1) this.#around.add(JSON.stringify(path.slice(0, length)));
    }
  }

  get all(): readonly Problem[] {
    return this.#problems;
  }

  get hasErrors(): boolean {
    return this.#problems.some(({ severity }) => severity === 'error');
  }

  /** Whether an error was told of exactly this place. */
  hasErrorAt(path: TreePath): boolean {
    const place = JSON.stringify(path);
    return this.#problems.some((problem) => problem.severity === 'error' && JSON.stringify(problem.path) === place);
  }

  error(path: TreePath, message: string): void {
    if (!this.isFaulty(path)) this.#problems.push({ severity: 'error', path, message });
  }

  /** An error about something that is not there; no error where it was there, with a fault in it. */
  missing(path: TreePath, message: string): void {
    if (!this.isTouched(path)) this.error(path, message);
  }

  warning(path: TreePath, message: string): void {
    if (!this.isFaulty(path)) this.#problems.push({ severity: 'warning', path, message });
  }

  notice(path: TreePath, message: string): void {
    this.#problems.push({ severity: 'notice', path, message, atKey: true });
  }

  /** Whether the value at the path, or one that it is in, was found faulty before. */
  isFaulty(path: TreePath): boolean {
    return path.some((_, index) => this.#faulty.has(JSON.stringify(path.slice(0, index + 1))));
  }

  /** Whether something is wrong at the path, or in what is there. */
  isTouched(path: TreePath): boolean {
    return this.isFaulty(path) || this.#around.has(JSON.stringify(path));
  }
}
