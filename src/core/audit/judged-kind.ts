/** JudgedKind: what is compared where one request is judged twice. */

import type { VerdictKind } from '../policy/verdict.ts';

/** What a request came to, without the form of the answer: `login` is a redirect to sign in as well as a 401. */
export type JudgedKind = VerdictKind | 'not-found' | 'bad-request';

const judgedByCode: { readonly [code: string]: JudgedKind } = {
  forbidden: 'deny',
  'device-unauthorized': 'deny',
  'login-required': 'login',
  'step-up-required': 'step-up',
  'client-certificate': 'certificate',
  'route-not-found': 'not-found',
};

/** `decision` and `code` as a record has them; undefined where no policy and no route table decided. */
export function judgedKindOf(decision: string, code: string): JudgedKind | undefined {
  if (decision === 'allow') return 'allow';
  if (decision === 'challenge') return code === 'step-up-required' ? 'step-up' : 'login';
  if (decision !== 'deny') return undefined;
  return Object.hasOwn(judgedByCode, code) ? judgedByCode[code] : undefined;
}
