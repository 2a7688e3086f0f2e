/** Verdict: what a policy says about facts, with its reasons. It does not yet know who is asking or in which language to answer. */

import type { StepUp } from './step-up.ts';

/** Stable reason codes, Pomerium's names where it has one (`email-ok`, `user-unauthenticated`, ...). docs/policy-language.md lists them. */
export type Reason = string;

/** Three-valued: `undefined` is *unknown* (strict semantics, or a criterion that failed). */
export type Truth = boolean | undefined;

export type RuleResult = {
  readonly value: Truth;
  /** Sorted, distinct. */
  readonly reasons: readonly Reason[];
  /** The device type that a `device` criterion among the reasons asked for. */
  readonly deviceType?: string;
};

export type VerdictKind =
  /** Pass on. */
  | 'allow'
  /** A deny rule held, or nothing allowed. */
  | 'deny'
  /** Who is it? Nobody is signed in and identity could matter. */
  | 'login'
  /** Signed in, but not strongly or recently enough, or with no device. */
  | 'step-up'
  /** 495: a client certificate is required or invalid. */
  | 'certificate';

export type Verdict = {
  readonly kind: VerdictKind;
  readonly allow: RuleResult;
  readonly deny: RuleResult;
  /** The rule that decided, e.g. `allow[0].or`; undefined when none did (nothing matched). */
  readonly rule: string | undefined;
  /** With `step-up`: the sign-in that would cure it; absent where none does. */
  readonly stepUp?: StepUp;
};
