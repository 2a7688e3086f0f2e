/**
 * Outcomes: what one criterion, one rule or all rules of an action came to, with interned sets of reasons, so that judging a request
 * makes no new arrays: the union of two sets is looked up after its first time.
 */

import type { StepUp } from './step-up.ts';
import type { Reason, RuleResult } from './verdict.ts';

/**
 * `curable` and `unknown` are both *unknown* in a verdict. A curable one could become true or false by a login or a step-up, so it
 * leads there; of the other nothing more will become known for this request.
 */
export type State = 'false' | 'true' | 'curable' | 'unknown';

export type Outcome = {
  readonly state: State;
  readonly reasons: ReasonSet;
  readonly deviceType?: string;
  /** The sign-in that would cure it; absent where none does. */
  readonly stepUp?: StepUp;
};

export type ReasonSet = {
  /** Sorted, distinct. */
  readonly list: readonly Reason[];
  readonly results: { readonly [S in State]: RuleResult };
  readonly asksLogin: boolean;
  readonly asksStepUp: boolean;
  readonly asksCertificate: boolean;
  /** Memo of `union`, by the other set. */
  readonly unions: Map<ReasonSet, ReasonSet>;
};

/** Reasons that lead to a login, a step-up or status 495. */
export const LOGIN_REASON = 'user-unauthenticated';
const STEP_UP_REASONS: readonly Reason[] = ['device-unauthenticated', 'auth-age-exceeded', 'acr-insufficient'];
const CERTIFICATE_REASONS: readonly Reason[] = ['client-certificate-required', 'invalid-client-certificate'];

/** Sets that are remembered. The reasons are a fixed list, and policies combine few of them; beyond this, unions are made anew. */
const SETS_MAX = 4096;

// A memo and nothing else: equal reasons give equal sets, with it or without.
const interned = new Map<string, ReasonSet>();

export function reasonSet(reasons: readonly Reason[]): ReasonSet {
  const list = [...new Set(reasons)].sort();
  const key = list.join(' ');
  const known = interned.get(key);
  if (known !== undefined) return known;
  const made = createSet(list);
  if (interned.size < SETS_MAX) interned.set(key, made);
  return made;
}

function createSet(list: readonly Reason[]): ReasonSet {
  const hasAnyOf = (wanted: readonly Reason[]): boolean => wanted.some((reason) => list.includes(reason));
  const unknown: RuleResult = { value: undefined, reasons: list };
  return {
    list,
    results: {
      false: { value: false, reasons: list },
      true: { value: true, reasons: list },
      curable: unknown,
      unknown,
    },
    asksLogin: hasAnyOf([LOGIN_REASON]),
    asksStepUp: hasAnyOf(STEP_UP_REASONS),
    asksCertificate: hasAnyOf(CERTIFICATE_REASONS),
    unions: new Map(),
  };
}

export const noReasons = reasonSet([]);

export function union(a: ReasonSet, b: ReasonSet): ReasonSet {
  if (a === b) return a;
  const known = a.unions.get(b);
  if (known !== undefined) return known;
  const made = reasonSet([...a.list, ...b.list]);
  if (a.unions.size < SETS_MAX) a.unions.set(b, made);
  return made;
}

/** What a verdict shows of an outcome. */
export function ruleResult({ state, reasons, deviceType }: Outcome): RuleResult {
  const result = reasons.results[state];
  return deviceType === undefined ? result : { ...result, deviceType };
}
