/** What is wrong (or worth a word) in a configuration: found by the core, given line and column by adapters/config. */

/** Keys and indexes from the root of the configuration tree, e.g. `['routes', 3, 'policy', 0, 'allow']`. */
export type TreePath = readonly (string | number)[];

export type Problem = {
  /** `error` stops a load; `warning` and `notice` do not. */
  readonly severity: 'error' | 'warning' | 'notice';
  readonly path: TreePath;
  /** One sentence in plain words, without a trailing position. */
  readonly message: string;
  /** Whether the position meant is the key itself and not its value (unknown keys). */
  readonly atKey?: boolean;
};

/** A problem where people look for it. Lines and columns count from 1. */
export type LocatedProblem = {
  readonly severity: Problem['severity'];
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
};

/** A parsed YAML or JSON value. Objects come from `yaml` with unique keys; never trust their prototype. */
export type Tree = null | boolean | number | string | readonly Tree[] | { readonly [key: string]: Tree };
