/** Report: collects the problems of one policy. What `strict` refuses and `pomerium` accepts is an error in the one and a warning in the other. */

import type { PolicySemantics } from '../config.ts';
import type { Problem, TreePath } from '../problem.ts';

export type Report = {
  readonly problems: readonly Problem[];
  error(path: TreePath, message: string): void;
  errorAtKey(path: TreePath, message: string): void;
  /** Does not load under `strict`. */
  strictly(path: TreePath, message: string, where?: 'key' | 'value'): void;
  warn(path: TreePath, message: string): void;
  notice(path: TreePath, message: string): void;
};

export function createReport(semantics: PolicySemantics): Report {
  const problems: Problem[] = [];
  const add = (severity: Problem['severity'], path: TreePath, message: string, atKey = false): void => {
    problems.push(atKey ? { severity, path, message, atKey } : { severity, path, message });
  };
  return {
    problems,
    error: (path, message) => add('error', path, message),
    errorAtKey: (path, message) => add('error', path, message, true),
    strictly(path, message, where = 'value') {
      if (semantics === 'strict') add('error', path, message, where === 'key');
      else add('warning', path, `\`policy_semantics: strict\` does not load this: ${message}`, where === 'key');
    },
    warn: (path, message) => add('warning', path, message),
    notice: (path, message) => add('notice', path, message),
  };
}

/** A report that nobody reads: for loading something a second time. */
export const createSilentReport = (): Report => createReport('pomerium');
