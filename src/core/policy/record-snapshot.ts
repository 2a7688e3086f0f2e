/** What a source of records said at one time, as policies see it. Made by records.ts. */

import type { ClaimValue } from '../session/session.ts';
import type { EpochSeconds } from '../units.ts';

/** Fields by name; looked up as own properties only. */
export type RecordRow = { readonly [field: string]: ClaimValue };

export type RecordTable = {
  readonly rows: number;
  /** `key`: as the foreign key's fact is written. */
  find(key: string): RecordRow | undefined;
};

/** One source as it was at one time. Never changes; a new one takes its place. */
export type RecordSnapshot = {
  readonly table: RecordTable;
  /** The source was asked then, and this is what it said. */
  readonly asOf: EpochSeconds;
};

/** By name of the source. One that has never been read is not in it. */
export type RecordSnapshots = ReadonlyMap<string, RecordSnapshot>;
