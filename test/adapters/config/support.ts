/** Loads configurations that exist in memory only. */

import { loadConfig } from '../../../src/adapters/config/load-config.ts';
import type { ConfigReport, LoadedConfig, LoadOptions } from '../../../src/adapters/config/load-config.ts';
import type { Result } from '../../../src/core/result.ts';

/** Random, and good enough. */
export const COOKIE_SECRET = 'q0Nq3iKpC1JvZ8mV2xwT5bYh7LrE9dSu4GfA6oWkX1M=';
export const SHARED_SECRET = 'mZ7y2TQxJ4n8bVsK1dWc5hRgL9uPfE3oAqYi6XtN0Cw=';

/** What every file needs. */
export const SECRETS = `cookie_secret: ${COOKIE_SECRET}\nshared_secret: ${SHARED_SECRET}\n`;

export const ROUTES = `routes:\n  - from: https://app.example.com\n    allow_public_unauthenticated_access: true\n`;

export const FOLDER = '/etc/doorward';
export const PATH = `${FOLDER}/doorward.yaml`;

export type World = {
  readonly env?: { readonly [name: string]: string };
  /** By path below FOLDER, or absolute. A text that begins with `!` is the code of the error that reading it ends with. */
  readonly files?: { readonly [path: string]: string | Uint8Array };
  readonly processors?: number;
  readonly findMore?: NonNullable<LoadOptions['findMore']>;
};

const fault = (code: string): Error => Object.assign(new Error(`${code}: secret detail`), { code });

export function load(yaml: string, world: World = {}): Promise<Result<LoadedConfig, ConfigReport>> {
  const files = new Map<string, string | Uint8Array>([[PATH, yaml]]);
  for (const [path, content] of Object.entries(world.files ?? {}))
    files.set(path.startsWith('/') ? path : `${FOLDER}/${path}`, content);
  return loadConfig({
    path: PATH,
    env: world.env ?? {},
    readFile: (path) => {
      const content = files.get(path);
      if (content === undefined) return Promise.reject(fault('ENOENT'));
      if (typeof content === 'string' && content.startsWith('!')) return Promise.reject(fault(content.slice(1)));
      return Promise.resolve(typeof content === 'string' ? Buffer.from(content) : content);
    },
    ...(world.processors === undefined ? {} : { processors: world.processors }),
    ...(world.findMore === undefined ? {} : { findMore: world.findMore }),
  });
}

/** The loaded configuration; throws with the report when there is none. */
export async function loaded(yaml: string, world: World = {}): Promise<LoadedConfig> {
  const result = await load(yaml, world);
  if (!result.ok) throw new Error(linesOf(result).join('\n'));
  return result.value;
}

/** With the secrets and a route that every file needs. */
export const loadedWith = (yaml: string, world: World = {}): Promise<LoadedConfig> =>
  loaded(`${yaml}\n${SECRETS}${/^(routes|policy):/m.test(yaml) ? '' : ROUTES}`, world);

/** `line:column severity message` of everything that is told. */
export const linesOf = (result: Result<LoadedConfig, ConfigReport>): readonly string[] =>
  (result.ok ? result.value.notices : result.error.problems).map(
    ({ line, column, severity, message }) => `${line}:${column} ${severity} ${message}`,
  );

/** What is told of `yaml` in a file that has the needed secrets (and a route, if it brings none) at its end. */
export const told = async (yaml: string, world: World = {}): Promise<readonly string[]> =>
  linesOf(await load(`${yaml}\n${SECRETS}${/^(routes|policy):/m.test(yaml) ? '' : ROUTES}`, world));
