/** Whether a policy looked at the time when it judged these facts: then it may judge otherwise later, though nothing else has changed. */

import type { CompiledPolicy } from './compiled-policy.ts';
import type { PolicyFacts } from './facts.ts';

/** Found by looking on while every criterion is judged once more, so it is known of criteria of any kind. */
export function looksAtTime(policy: Pick<CompiledPolicy, 'explain'>, facts: PolicyFacts): boolean {
  let hasLooked = false;
  policy.explain({
    ...facts,
    get now() {
      hasLooked = true;
      return facts.now;
    },
  });
  return hasLooked;
}
