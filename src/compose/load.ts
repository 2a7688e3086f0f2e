/** Reads a configuration and, where it cannot be used, says all that is wrong with it, with what only compiling finds. */

import { readRegularFile } from '../adapters/config/file-reader.ts';
import { loadConfig, type ConfigReport, type LoadedConfig } from '../adapters/config/load-config.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { buildGeneration } from '../core/build-generation.ts';
import type { Problem } from '../core/problem.ts';
import type { Result } from '../core/result.ts';
import { compileCertificates } from './certificates.ts';

export type ConfigSource = { readonly configFile: string; readonly env: NodeJS.ProcessEnv };

export const load = ({ configFile, env }: ConfigSource): Promise<Result<LoadedConfig, ConfigReport>> =>
  loadConfig({
    path: configFile,
    env,
    readFile: readRegularFile,
    findMore: (part) => compileProblems(part).problems,
  });

/** What compiling finds, and whether it comes to an end. */
export function compileProblems(part: Pick<LoadedConfig, 'access' | 'routePath'>): {
  readonly problems: readonly Problem[];
  readonly isUsable: boolean;
} {
  const { access, routePath } = part;
  const built = buildGeneration({ config: access, routePath, number: 0, contentHash: '' });
  const { certificates, problems } = compileCertificates(part, systemClock.now());
  return {
    problems: [...(built.ok ? built.value.warnings : built.error), ...problems],
    isUsable: built.ok && certificates !== undefined,
  };
}
