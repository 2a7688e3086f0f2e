/**
 * StreamRecord: one for each stream that was cut, or refused when its hold began, in the audit beside the records of Checks. INVARIANT: no secret,
 * token, cookie or raw session id in it.
 */

import type { Administrator } from './change-record.ts';
import type { EpochSeconds } from '../units.ts';
import type { CutReason } from '../streams/why-cut.ts';

/** What the `kind` of such a record is; records of Checks have none. */
export const STREAM = 'stream';

export type StreamRecord = {
  /** Version of this schema. */
  readonly v: 2;
  readonly kind: typeof STREAM;
  readonly time: EpochSeconds;
  /** `ended`: by Envoy, because the session was at its end (the bound). */
  readonly action: 'cut' | 'refused' | 'ended';
  readonly reason: CutReason;
  /** A RefusalCode, where `check` gave one. */
  readonly code: string | undefined;
  /** Where an administrator cut it: who, and why, as that person wrote it. */
  readonly by: Administrator | undefined;
  readonly note: string | undefined;
  /** Of the Check that let it through; undefined where that is not known. */
  readonly request_id: string | undefined;
  readonly route: string | undefined;
  readonly subject: string | undefined;
  readonly email: string | undefined;
  readonly idp: string | undefined;
  /** SessionHandle. */
  readonly session: string | undefined;
  readonly method: string | undefined;
  readonly host: string | undefined;
  /** Without query. */
  readonly path: string | undefined;
  /** Since its hold began; 0 for one that was refused. */
  readonly lived_s: number;
  readonly policy_generation: number;
};
