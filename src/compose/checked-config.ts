/** What `doorward check` looks at: a configuration read and compiled, with nothing started. */

import type { CheckedConfig } from '../cli/check.ts';
import { compileProblems, load, type ConfigSource } from './load.ts';

export async function checkedConfig(source: ConfigSource): Promise<CheckedConfig> {
  const loaded = await load(source);
  if (!loaded.ok) return { problems: loaded.error.problems, routes: undefined };
  const { access, notices, locate } = loaded.value;
  const { problems, isUsable } = compileProblems(loaded.value);
  return { problems: [...notices, ...locate(problems)], routes: isUsable ? access.routes.length : undefined };
}
