/** Types of config-reference.mjs for the test that keeps its output in step. */

type Source = {
  readonly fileSchema: object;
  readonly appliedGlobalKeys: readonly string[];
  readonly appliedRouteKeys: readonly string[];
  readonly foreignGlobalKeys: object;
  readonly foreignRouteKeys: object;
};

export function renderJsonSchema(source: Pick<Source, 'fileSchema'>): string;
export function renderReference(source: Source): string;
