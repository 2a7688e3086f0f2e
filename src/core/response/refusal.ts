/** Refusal: what is to be said to whoever sent a refused request, before it takes a form. Decides what may be told outside, and nothing else. */

import type { Findings } from '../decision.ts';
import type { ExplainedCriterion } from '../policy/compiled-policy.ts';
import { decidingReasons } from '../policy/decide-verdict.ts';
import type { Reason } from '../policy/verdict.ts';
import type { AccessRequest } from '../request/access-request.ts';
import type { EpochSeconds } from '../units.ts';
import type { RefusalCode } from './refusal-codes.ts';
import { refusalCodes } from './refusal-codes.ts';

export type Refusal = {
  /** Undefined where no request could be decoded. */
  readonly request: AccessRequest | undefined;
  readonly requestId: string;
  readonly code: RefusalCode;
  /** Undefined where the refusal is not of a route's policy. */
  readonly findings: Findings | undefined;
  /** Why, in plain words without client text; shown only where the table of codes says so. */
  readonly detail: string | undefined;
  readonly now: EpochSeconds;
  /** The criteria of the policy as they came out, for the words of a page; looked at only where the route shows details. */
  readonly criteria?: readonly ExplainedCriterion[];
};

/** Why, as far as it may be told: the reason codes of the policy where the route shows details, or what is wrong with the request itself. */
export function shownReason(refusal: Refusal): string | undefined {
  const reasons = shownReasons(refusal);
  if (reasons.length > 0) return reasons.join(', ');
  return refusalCodes[refusal.code].showsDetail ? refusal.detail : undefined;
}

/** The reasons of the part of the verdict that decided; none where the route does not show them. */
export function shownReasons({ findings }: Refusal): readonly Reason[] {
  const verdict = findings?.verdict;
  return verdict === undefined || !showsDetails(findings) ? [] : decidingReasons(verdict);
}

export const showsDetails = (findings: Findings | undefined): boolean => findings?.route?.showErrorDetails === true;

/** `grafana · allow[0].or`: the route and the rule that decided. */
export function shownRule({ findings }: Refusal): string | undefined {
  if (findings?.route === undefined || findings.verdict === undefined || !showsDetails(findings)) return undefined;
  return `${findings.route.id} · ${findings.verdict.rule ?? 'nothing allows it'}`;
}

/** Where to sign in for the page that was asked for. Only pages: what was sent by another method is not repeated by coming back. */
export function signInPath({ request, findings }: Refusal, prompt?: 'login'): string | undefined {
  const target = findings?.target;
  // Doorward's own paths exist on hosts of its routes only.
  if (target === undefined || findings?.route === undefined) return undefined;
  const path = target.query === undefined ? target.path : `${target.path}?${target.query}`;
  const isReturnable =
    request?.method === 'GET' && target.irregularities.length === 0 && path.length <= RETURN_LENGTH_MAX;
  const parameters = [
    ...(isReturnable ? [`return=${encodeURIComponent(path)}`] : []),
    ...(prompt === undefined ? [] : [`prompt=${prompt}`]),
  ];
  return parameters.length === 0 ? SIGN_IN_PATH : `${SIGN_IN_PATH}?${parameters.join('&')}`;
}

/** Served by src/endpoints/own-paths.ts, which takes them from here: a refusal leads to them, and the core imports no endpoint. */
export const SIGN_IN_PATH = '/.doorward/sign_in';
export const HOME_PATH = '/.doorward/';

/** Return targets that are longer are not kept by a login anyway. */
const RETURN_LENGTH_MAX = 2048;
