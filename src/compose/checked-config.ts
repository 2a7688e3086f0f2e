/** What `doorward check` looks at: a configuration read and compiled, with nothing started. */

import type { CheckedConfig } from '../cli/check.ts';
import { buildGeneration } from '../core/build-generation.ts';
import { load, type ConfigSource } from './load.ts';

export async function checkedConfig(source: ConfigSource): Promise<CheckedConfig> {
  const loaded = await load(source);
  if (!loaded.ok) return { problems: loaded.error.problems, routes: undefined };
  const { access, routePath, contentHash, notices, locate } = loaded.value;
  const built = buildGeneration({ config: access, routePath, number: 1, contentHash });
  const found = locate(built.ok ? built.value.warnings : built.error);
  return { problems: [...notices, ...found], routes: built.ok ? access.routes.length : undefined };
}
