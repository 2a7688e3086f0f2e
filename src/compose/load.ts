/** Reads a configuration and, where it cannot be used, says all that is wrong with it, with what only compiling finds. */

import { readRegularFile } from '../adapters/config/file-reader.ts';
import { loadConfig, type ConfigReport, type LoadedConfig } from '../adapters/config/load-config.ts';
import { buildGeneration } from '../core/build-generation.ts';
import type { Result } from '../core/result.ts';

export type ConfigSource = { readonly configFile: string; readonly env: NodeJS.ProcessEnv };

export const load = ({ configFile, env }: ConfigSource): Promise<Result<LoadedConfig, ConfigReport>> =>
  loadConfig({
    path: configFile,
    env,
    readFile: readRegularFile,
    findMore: ({ access, routePath }) => {
      const built = buildGeneration({ config: access, routePath, number: 0, contentHash: '' });
      return built.ok ? built.value.warnings : built.error;
    },
  });
