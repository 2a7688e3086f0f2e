/** CaseVerdict: what a case comes to, whatever the form of the answer would be. */

import type { RefusalCode } from '../response/refusal-codes.ts';
import type { VerdictKind } from '../policy/verdict.ts';

export type CaseVerdict =
  | VerdictKind
  /** No route. */
  | 'not-found'
  /** Ambiguous or malformed: not judged. */
  | 'bad-request'
  /** One of Doorward's own paths. */
  | 'own';

export const caseVerdicts: readonly CaseVerdict[] = [
  'allow',
  'deny',
  'login',
  'step-up',
  'certificate',
  'not-found',
  'bad-request',
  'own',
];

const verdictsByCode: { readonly [Code in RefusalCode]?: CaseVerdict } = {
  forbidden: 'deny',
  'device-unauthorized': 'deny',
  'login-required': 'login',
  'step-up-required': 'step-up',
  'client-certificate': 'certificate',
  'route-not-found': 'not-found',
};

/** The other codes of a Check that a request alone can lead to are about the request: it is not judged. */
export const verdictOfCode = (code: RefusalCode): CaseVerdict => verdictsByCode[code] ?? 'bad-request';
