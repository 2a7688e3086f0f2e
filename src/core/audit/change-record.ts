/**
 * ChangeRecord: two for each change that an administrator asked for, in the audit beside the records of Checks: one before anything is changed,
 * so that a process that dies meanwhile leaves its trace, and one of what came of it. INVARIANT: no secret, token, cookie or raw session id in it.
 */

import type { NotConfirmed, Revocation, RevocationTarget } from '../ports.ts';
import type { EpochSeconds } from '../units.ts';

/** What the `kind` of such a record is; records of Checks have none. */
export const ADMINISTRATION = 'administration';

/** Who asked, and over what. */
export type Administrator =
  /** The admin socket, which only its owner (`uid`) and root can open; the system does not say which of them it was. */
  | { readonly via: 'socket'; readonly uid: number | undefined }
  /** The session store itself, by the command line, as this user of that machine. */
  | { readonly via: 'direct'; readonly uid: number | undefined; readonly host: string }
  /** The admin address, from this client, who showed what is demanded there: a token, a certificate, or both. */
  | {
      readonly via: 'address';
      readonly from: string;
      readonly token: AdminTokenName | undefined;
      readonly certificate: AdminCertificate | undefined;
    };

/** `name`: as its file calls it. `fingerprint`: the beginning of the SHA-256 of the token, which is random, in hex. */
export type AdminTokenName = { readonly name: string | undefined; readonly fingerprint: string };

/** `names`: its subject alternative names, as in `email:alice@example.com`. `fingerprint`: SHA-256 of the certificate, in hex. */
export type AdminCertificate = {
  readonly subject: string;
  readonly names: readonly string[];
  readonly fingerprint: string;
};

export type ChangeRecord = {
  /** Version of this schema. */
  readonly v: 2;
  readonly kind: typeof ADMINISTRATION;
  /** The same in both records of a change, and in no other: 128 random bits, base64url. */
  readonly id: string;
  /** When it was asked for, or was over. */
  readonly time: EpochSeconds;
  readonly action: 'revoke';
  readonly target: RevocationTarget;
  readonly by: Administrator;
  /** As the administrator wrote it; a text of a person, to be shown as such. */
  readonly reason: string | undefined;
  /** `asked`: nothing is changed yet. `confirmed`, or why it is not; `failed`: a fault, so it is not known whether it was carried out. */
  readonly outcome: 'asked' | 'confirmed' | NotConfirmed | 'failed';
  /** Live ones that ended; undefined where that is not counted. */
  readonly sessions: number | undefined;
  /** Processes there were, and how many of them said that they know; undefined unless confirmed. */
  readonly members: number | undefined;
  readonly acknowledged: number | undefined;
  readonly took_ms: number | undefined;
};

export type ChangeInput = {
  readonly target: RevocationTarget;
  readonly by: Administrator;
  readonly id: string;
  readonly reason: string | undefined;
  readonly revocation: Revocation | 'asked' | 'failed';
  readonly now: EpochSeconds;
};

export function changeRecordOf({ id, target, by, reason, revocation, now }: ChangeInput): ChangeRecord {
  const over = typeof revocation === 'string' ? undefined : revocation;
  const confirmed = over?.kind === 'confirmed' ? over : undefined;
  return {
    v: 2,
    kind: ADMINISTRATION,
    id,
    time: now,
    action: 'revoke',
    target,
    by,
    reason,
    outcome:
      typeof revocation === 'string' ? revocation : revocation.kind === 'confirmed' ? 'confirmed' : revocation.why,
    sessions: over?.sessions,
    members: confirmed?.members,
    acknowledged: confirmed?.acknowledged,
    took_ms: over?.tookMs,
  };
}
