/** Types of components.mjs, for the tests. */

export type ComponentName = 'envoy' | 'redis' | 'chromium' | 'openssl';

export declare const ENVOY_VERSION: string;
export declare const COMPONENTS: readonly ComponentName[];

export declare class MissingComponent extends Error {
  readonly mend: string;
  constructor(message: string, mend: string);
}

export declare const cacheFolder: () => string;
export declare const envoyVersion: (path: string) => string | undefined;
export declare const ensure: (name: ComponentName, log?: (line: string) => void) => Promise<string>;
export declare const ensureEnvoy: (log?: (line: string) => void) => Promise<string>;
export declare const ensureRedis: (log?: (line: string) => void) => Promise<string>;
export declare const ensureChromium: (log?: (line: string) => void) => Promise<string>;
export declare const ensureOpenssl: (log?: (line: string) => void) => Promise<string>;
export declare const locate: (name: ComponentName) => string;
