/** `set_request_headers` values: `${a.b["c"]}` or `$a.b`, `$$` for `$`; unknown references are empty, broken syntax is text. */

export type HeaderTemplate = {
  /** Reference paths in order of appearance; empty = constant. */
  readonly references: readonly (readonly string[])[];
  render(resolve: (reference: readonly string[]) => string): string;
};
