/** ImportedKey: what becomes of one key of another product's configuration. Found by adapters/config, told by the command line. */

export const importVerdicts = ['applies', 'envoy', 'ignored', 'refused'] as const;

export type ImportedKey = {
  /** Of the key; lines and columns count from 1. */
  readonly line: number;
  readonly column: number;
  /** Empty where something is wrong that is of no key. */
  readonly key: string;
  /** `from` of the route that the key is of. */
  readonly route?: string;
  readonly verdict: (typeof importVerdicts)[number];
  /** Why it is ignored or refused. */
  readonly why?: string;
  /** What applies, but perhaps not as its author thinks. */
  readonly notes?: readonly string[];
};
